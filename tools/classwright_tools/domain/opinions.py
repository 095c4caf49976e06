"""Opinions: what each of several persons said of a row, whether they differ, and which of it is independent.

Persons are told apart by the names that they gave, in upper or lower case. Without a name nobody differs from anybody:
such a decision, or one in the chat, settles what others differed about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit, Mark, Undoing, decided_since, undoings
from classwright_tools.domain.label_sets import NONE_KEY, in_order, joined_labels, key_in_words, labels_apart
from classwright_tools.domain.labels_since import EXCHANGES, labels_since

T = TypeVar("T")
GONE = ""
"""In the place of an `Example.label_key`: the row should go."""


def same_name(one: str | None, other: str | None) -> bool:
    """Whether two names are one person's; somebody without a name is nobody else."""
    return one is not None and other is not None and one.casefold() == other.casefold()


@dataclass
class RowOpinions:
    """What persons said of one row: its `Example.label_key`, or `GONE`, by their names."""

    said: dict[str, str] = field(default_factory=dict)
    unaided: dict[str, str] = field(default_factory=dict)
    """What each said last before any other's answer was shown to them."""
    shown: set[str] = field(default_factory=set)
    """Who was shown another's answer before they gave one of their own: nothing that they say since is independent."""
    stands: str | None = None
    """What counts of it, said by one of them or by somebody without a name."""
    is_settled: bool = False

    @property
    def independent(self) -> Mapping[str, str]:
        """The answers of those two or more who gave them without being shown another's; empty if they are fewer."""
        return self.unaided if len(self.unaided) > 1 else {}

    @property
    def is_disputed(self) -> bool:
        """Whether persons differ about the row, and nobody has settled it since."""
        return not self.is_settled and self._differ

    @property
    def _differ(self) -> bool:
        return len({*self.said.values()} | ({self.stands} - {None})) > 1

    @property
    def in_words(self) -> str:
        """Who said what, in words; "" where nobody differs."""
        if not self._differ:
            return ""
        told = (f"{name} {said!r}" for name, said in self.told.items())
        return f"{'disputed' if self.is_disputed else 'settled'}: {', '.join(told)}"

    @property
    def told(self) -> dict[str, str]:
        """What each person said, in words by their names; also what somebody without a name did, where it stands."""
        nobody = {} if self.stands in (None, *self.said.values()) else {"a person": self.stands or ""}
        return {name: key_in_words(key) if key else "to remove it" for name, key in (nobody | self.said).items()}

    def has(self, name: str) -> bool:
        """Whether a person said something of the row."""
        return any(same_name(one, name) for one in self.said)

    def take(
        self, name: str | None, key: str, *, blind: bool = False, settles: bool = False, apart: bool = False
    ) -> None:
        """Take what somebody says of the row, after all that was said before.

        Whoever knew that others differed, or gave no name, settles it; a blind answer does not. One that is blind, or
        was given `apart`, before another's was heard of, is independent of what was said before.
        """
        if name is None or (settles and self.is_disputed and not blind):
            self.is_settled = True
        elif key != self.stands:
            self.is_settled = False
        if not blind:
            self.stands = key
        if name is not None:
            name = next((one for one in self.said if same_name(one, name)), name)
            if not (blind or apart) and self.said.keys() - {name}:
                self.shown.add(name)
            if name not in self.shown:
                self.unaided[name] = key
            self.said[name] = key

    def copy(self) -> RowOpinions:
        """Return the same, to be changed by itself."""
        return replace(self, said=dict(self.said), unaided=dict(self.unaided), shown=set(self.shown))


_Said = tuple[RowOpinions | None, set[str]]


class Opinions:
    """What persons said of rows by a sequence of edits, by the ids that the rows have then."""

    def __init__(self, edits: Iterable[Edit], names: Sequence[str] = ()) -> None:
        """Go through `edits`, the oldest first; sets of labels are in the order of `names`, the task's labels."""
        self._names = names
        self.of_row: dict[str, RowOpinions] = {}
        self.deciders: dict[str, set[str]] = {}
        """The rows that somebody decided on in any way, and their names."""
        edits = list(edits)
        taken_back = undoings(edits)
        wanted: defaultdict[int, set[str]] = defaultdict(set)
        for undoing in taken_back.values():
            wanted[undoing.then].update(row.then for row in undoing.rows)
        were: dict[tuple[int, str], _Said] = {}
        for place, edit in enumerate(edits):
            were |= {(place, id_): self._said_of(id_) for id_ in wanted.get(place, ())}
            if place in taken_back:
                undoing = taken_back[place]
                self._take_back(undoing, were, edits[undoing.after : undoing.now])
            elif edit.action != "undo":
                self._take(edit)

    @property
    def disputed(self) -> list[str]:
        """The rows about which persons differ."""
        return [id_ for id_, row in self.of_row.items() if row.is_disputed]

    @property
    def independent(self) -> dict[str, Mapping[str, str]]:
        """The rows that two persons or more answered without seeing the others' answers, with these."""
        return {id_: row.independent for id_, row in self.of_row.items() if row.independent}

    def by(self, name: str) -> list[str]:
        """Return the rows that a person decided on."""
        return [id_ for id_, names in self.deciders.items() if any(same_name(one, name) for one in names)]

    @property
    def names(self) -> set[str]:
        """Who decided on any row."""
        return {name for names in self.deciders.values() for name in names}

    def _take(self, edit: Edit) -> None:
        if edit.action in EXCHANGES:
            self.of_row = {id_: now for id_, row in self.of_row.items() if (now := self._exchanged(row, edit))}
        elif edit.by == "person":
            for id_, value in edit.rows.items():
                self._say(edit, id_, value)

    def _said_of(self, id_: str) -> _Said:
        """Return what was said of a row so far, and who decided on it, which later edits do not change."""
        row = self.of_row.get(id_)
        return row and row.copy(), set(self.deciders.get(id_, ()))

    def _take_back(self, undoing: Undoing, were: Mapping[tuple[int, str], _Said], since: Sequence[Edit]) -> None:
        """Let hold of the rows of an undo what was said before the edit that is undone, by the names of labels now.

        Of rows that somebody decided on by the edits `since` all that was said stays.
        """
        later = decided_since(since, "opinion")
        exchanges = [edit for edit in since if edit.action in EXCHANGES]
        for undone in undoing.rows:
            if undone.now in later:
                continue
            row, names = were[undoing.then, undone.then]
            row = row and row.copy()
            for edit in exchanges:
                row = row and self._exchanged(row, edit)
            self._put(self.of_row, undone.id, row)
            self._put(self.deciders, undone.id, set(names) or None)

    def _say(self, edit: Edit, id_: str, value: str) -> None:
        if edit.action == "rewrite":
            self._put(self.of_row, id_, self.of_row.pop(value, None))
            self._put(self.deciders, id_, self.deciders.pop(value, None))
        if edit.person:
            self.deciders.setdefault(id_, set()).add(edit.person)
        key = _key(edit, value)
        if key is not None:
            # An edit that came from another dataset has the labels in the order that was in use there.
            key = key and joined_labels(in_order(labels_apart(key), self._names))
            row = self.of_row.setdefault(id_, RowOpinions())
            row.take(edit.person, key, blind=edit.blind, settles=edit.settles, apart=edit.apart)
        elif edit.action == "relabel" and id_ in self.of_row:  # labels were added or taken away, in the chat
            self.of_row[id_].is_settled, self.of_row[id_].stands = True, None

    def _exchanged(self, row: RowOpinions, edit: Edit) -> RowOpinions | None:
        """Return what was said of a row by what labels are called after an edit; None where it speaks of none any more.

        What was said of a label that has ended is no longer compared.
        """
        row.said = self._called(row.said, edit)
        row.unaided = self._called(row.unaided, edit)
        row.stands = self._called({"": row.stands}, edit).get("") if row.stands is not None else None
        return row if row.said or row.stands is not None else None

    def _called(self, said: Mapping[str, str], edit: Edit) -> dict[str, str]:
        """Return what was `said` by the names that labels have after `edit`, without what speaks of an ended one."""
        found = {}
        for name, key in said.items():
            labels = labels_apart(key)
            now = labels_since(labels, [edit]) if edit.label in labels else labels
            if now is not None and (now or edit.rows_stay or not labels):
                found[name] = key if now == labels else joined_labels(in_order(now, self._names))
        return found

    @staticmethod
    def _put(where: dict[str, T], id_: str, value: T | None) -> None:
        if value is None:
            where.pop(id_, None)
        else:
            where[id_] = value


def _key(edit: Edit, value: str) -> str | None:
    """Return which label, or labels, an edit by a person says that a row has; None where it says nothing of them."""
    if edit.action == "remove":
        return GONE
    if edit.action == "opinion":
        return value
    if edit.action == "fits_none":
        return NONE_KEY
    if edit.action in ("relabel", "restore") and (edit.label or edit.labels is not None):
        return edit.label or joined_labels(edit.labels or ())
    return value or None if edit.action in ("approve", "good_example", "restore") else None


def marked(edits: Sequence[Edit], mark: Mark, names: Sequence[str]) -> list[str]:
    """Return the ids of the rows that have a mark after `edits`; `names` are the task's labels."""
    if mark == "disputed":
        return Opinions(edits, names).disputed
    decided = Decided(edits)
    marks: dict[Mark, Collection[str]] = {
        "person": decided.by_person,
        "good_example": decided.good_examples,
        "flag": decided.flagged,
        "fits_none": decided.fits_none,
    }
    return list(marks[mark])
