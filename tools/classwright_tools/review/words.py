"""The word of each person on a row: what decisions that wait say of it, one after the other, and which one stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from classwright_tools.domain.opinions import GONE, RowOpinions
from classwright_tools.review.decisions import Entry


class Word(NamedTuple):
    """What somebody says of a row: its `Example.label_key`, or `GONE`; None accepts that it has none."""

    name: str | None
    key: str | None
    settles: bool = False
    apart: bool = False
    """Said before what others had said was heard of."""
    second: bool = False
    """Said without the others' being seen, and kept beside them: it changes nothing."""

    @property
    def signed(self) -> dict[str, object]:
        """Whose word it is and what they knew, as an edit keeps it."""
        return {"person": self.name, "settles": self.settles, "apart": self.apart}

    def put_in(self, row: RowOpinions) -> None:
        """Let it be the last of what was said of a row; that it has no label is not compared."""
        if self.key is not None:
            row.take(self.name, self.key, blind=self.second, settles=self.settles, apart=self.apart)


@dataclass
class Fate:
    """What becomes of one row by decisions, and who says so."""

    words: list[Word] = field(default_factory=list)
    """On whether it stays and on its labels, the last one of each person who decided on it in a row."""
    is_removed: bool = False
    marks: dict[str, str | None] = field(default_factory=dict)
    text: tuple[str, str | None] | None = None
    text_by: str | None = None

    @property
    def standing(self) -> Word | None:
        """The word that counts: the last one, but a removal that somebody took back by another decision."""
        said = (word for word in reversed(self.words) if not word.second)
        return next((word for word in said if self.is_removed or word.key != GONE), None)

    @property
    def beside(self) -> tuple[list[Word], list[Word]]:
        """The words that change nothing: those before the one that counts, and the second opinions after it."""
        standing = self.standing
        at = next((place for place, word in enumerate(self.words) if word is standing), -1)
        after = [word for word in self.words[at + 1 :] if word.second]
        return [*self.words[: max(at, 0)], *(word for word in self.words[at + 1 :] if not word.second)], after

    def decide(self, entry: Entry, name: str | None, own: str | None) -> None:
        """Let a decision count; one that says something of the row again takes a removal back.

        `own` is what the row has in the dataset.
        """
        decision = entry.decision
        if decision.action in ("flag", "good_example"):
            self.marks[decision.action] = name
            return
        key = GONE if decision.action == "remove" else decision.key
        if decision.second:
            self.words.append(Word(name, own if key is None else key, second=True))
            return
        self.is_removed = decision.action == "remove"
        if decision.action == "edit":
            self.text, self.text_by = (decision.text or "", decision.text_pair), name
            return
        if key is None:
            key = next((word.key for word in reversed(self.words) if not word.second and word.key != GONE), own)
        word = Word(name, key, decision.settles, decision.apart)
        last = self.words[-1] if self.words else None
        if last and (last.name, last.apart, last.second) == (name, word.apart, False):
            word = word._replace(settles=word.settles or last.settles)
            self.words.pop()
        self.words.append(word)

    def told(self, before: RowOpinions | None) -> RowOpinions:
        """Return what persons said of the row, `before` and by these decisions."""
        row = before.copy() if before else RowOpinions()
        earlier, later = self.beside
        for word in (*earlier, *filter(None, [self.standing]), *later):
            word.put_in(row)
        return row


def fate_of(waiting: Iterable[Entry], name_of: Callable[[Entry], str | None], own: str | None) -> Fate:
    """Return what becomes of one row by `waiting` decisions about it, the oldest first; `own` is its label key."""
    fate = Fate()
    for entry in waiting:
        fate.decide(entry, name_of(entry), own)
    return fate


def fates_of(
    waiting: Iterable[Entry], name_of: Callable[[Entry], str | None], own: Mapping[str, str | None]
) -> dict[str, Fate]:
    """Return what becomes of rows by `waiting` decisions, the oldest first; `own` has the label key of each row."""
    fates: defaultdict[str, Fate] = defaultdict(Fate)
    for entry in waiting:
        name = name_of(entry)
        for row in entry.decision.rows:
            if row in own:
                fates[row].decide(entry, name, own[row])
    return dict(fates)
