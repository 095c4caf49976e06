"""Edits: what was decided about rows and labels of a dataset, by whom and why, and what of it holds now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import Field

from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import LabelName, Noun, PersonName

RowAction = Literal["relabel", "rewrite", "remove", "restore", "approve", "good_example", "flag", "unmark"]
LabelAction = Literal["rename_label", "merge_label", "split_label", "add_label", "describe_label", "remove_label"]
Action = Literal[RowAction, LabelAction]
Decider = Literal["person", "model"]
Mark = Literal["person", "good_example", "flag", "fits_none", "disputed"]
"""What rows can be found by: a person vouched for their label or rewrote them, they show the style, they are to be
looked at later, no label fits them, or persons differ about them."""


class Edit(Noun):
    """One change that made a version of a dataset: to rows, to a label, or back to an earlier version.

    Or, as 'fits_none', an annotator's word that no label fits some rows. Or, as 'opinion', what one of several persons
    said of rows, which changes none: `rows` then has what was said, "" that the row should go. Or, as 'undo', that what
    the edit of `version` said of some rows does not count where nobody said otherwise since; what else they were then
    is put back by edits before it.

    `rows` has for each row that it changed, by the id that the row has since, what the row was before: the label ("" of
    none, or of several all of them joined), or of a rewritten row its id. Test rows are counted only: nothing that
    stands in one is told.
    """

    action: Literal[Action, "fits_none", "opinion", "revert", "undo"]
    by: Decider = "person"
    person: PersonName | None = Field(default=None, description="The name that the person gave.")
    reason: str
    when: datetime
    dataset: DatasetId = Field(description="The version that was edited.")
    label: LabelName | None = Field(default=None, description="The new label of rows, or the label that was changed.")
    labels: tuple[LabelName, ...] | None = Field(
        default=None, description="The new ones of rows that may have several."
    )
    to: LabelName | None = Field(default=None, description="The label's new name, or the one that took its rows.")
    version: DatasetId | None = Field(
        default=None, description="The earlier version that a revert went back to, or whose edit an undo took back."
    )
    undoes: DatasetId | None = Field(default=None, description="The version whose whole edit an undo took back.")
    rows: dict[str, str] = Field(default_factory=dict)
    test_rows: int = Field(default=0, ge=0)
    none_of: tuple[LabelName, ...] = Field(default=(), description="Of 'fits_none': the labels that there were then.")
    rows_stay: bool = Field(default=False, description="Of 'remove_label': rows with several labels stay without it.")
    blind: bool = Field(default=False, description="Of an opinion: it was given without others' being seen.")
    settles: bool = Field(default=False, description="It was decided knowing that persons differed.")
    apart: bool = Field(default=False, description="It was decided before what others had said was heard of.")
    brought: bool = Field(default=False, description="It came with imported rows, and is older than all versions here.")

    @property
    def is_bulk(self) -> bool:
        """Whether it gave many rows a label at once; where rows are decided one by one a name is given."""
        return self.action == "relabel" and len(self.rows) >= BULK and not self.person

    @property
    def decider(self) -> str:
        """Who decided it, by name where one was given."""
        return self.person or f"a {self.by}"

    @property
    def made(self) -> str:
        """What it made of its rows, in words that come after their number."""
        return DONE_WORDS.get("remove" if self.takes_rows_out else self.action, "labelled")

    @property
    def takes_rows_out(self) -> bool:
        """Whether its rows are gone after it."""
        return self.action in TAKE_ROWS_OUT and not self.rows_stay


BULK = 5
"""Rows of one edit from which on it is weaker evidence than decisions row by row, which a person may confirm."""
TEST_ROWS = "test rows are not edited one by one: the final figure would follow from what one has seen of them"
DONE_WORDS = {
    "rewrite": "rewritten",
    "remove": "removed",
    "restore": "restored",
    "approve": "approved",
    "good_example": "marked as good",
    "flag": "flagged",
    "unmark": "without their marks",
}
"""What an action makes of its rows."""
VOUCH_FOR_LABELS = ("relabel", "restore", "approve", "good_example")
_VOUCHES = ("rewrite", *VOUCH_FOR_LABELS)
TAKE_ROWS_OUT = ("remove", "remove_label")


class Decided:
    """What holds after a sequence of edits, by the ids that the rows have then."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        """Go through `edits`, the oldest first."""
        self.by_person: dict[str, Edit] = {}
        """Rows whose label a person vouched for, or whose text one wrote anew, and the newest edit that did."""
        self.by_model: set[str] = set()
        """Rows whose label a model gave in place of another, and that no person vouched for since."""
        self.good_examples: dict[str, None] = {}
        """In the order in which they were marked."""
        self.flagged: set[str] = set()
        self.fits_none: dict[str, Edit] = {}
        """Unlabelled rows that fit no label, and the edit by which that was said when they were asked about."""
        self.removed: set[str] = set()
        edits = list(edits)
        undoing = {place: _around(edits, place) for place, edit in enumerate(edits) if edit.action == "undo"}
        kept = {place for places in undoing.values() for place in places or ()}
        states: dict[int, Decided] = {}
        for place, edit in enumerate(edits):
            if place in kept:
                states[place] = self._copy()
            around = undoing.get(place)
            if around:
                self._take_back(edits[: place + 1], around, states)
            elif edit.action != "undo":
                for id_, before in edit.rows.items():
                    self._take(edit, id_, before)

    def _copy(self) -> Decided:
        """Return what holds so far, which later edits do not change."""
        same = Decided(())
        same.by_person, same.by_model = dict(self.by_person), set(self.by_model)
        same.good_examples, same.flagged = dict(self.good_examples), set(self.flagged)
        same.fits_none = dict(self.fits_none)
        return same

    def _take_back(self, edits: Sequence[Edit], around: _Around, states: Mapping[int, Decided]) -> None:
        """Let hold of the rows of an undo, the last of `edits`, what held before the edit that is undone.

        Mark by mark: what somebody changed since stays.
        """
        then, after, now = (states[place] for place in around)
        ids_now, ids_after, ids_then = (
            ids_before(edits[start:end])
            for start, end in ((around.now, len(edits)), (around.after, around.now), (around.then, around.after))
        )
        for id_ in edits[-1].rows:
            is_now = ids_now.get(id_, id_)
            was_after = ids_after.get(is_now, is_now)
            was_then = ids_then.get(was_after, was_after)
            for name in ("by_person", "by_model", "good_examples", "flagged", "fits_none"):
                is_same = _mark(after, name, was_after) == _mark(now, name, is_now)
                mark = _mark(then, name, was_then) if is_same else _mark(now, name, is_now)
                marks = getattr(self, name)
                if isinstance(marks, set):
                    (marks.add if mark else marks.discard)(id_)
                elif mark:
                    marks[id_] = mark[0]
                else:
                    marks.pop(id_, None)

    def said_of(self, id_: str) -> tuple[object, ...]:
        """Return all that holds of a row, to be compared."""
        marks = (id_ in marked for marked in (self.by_model, self.good_examples, self.flagged))
        return (self.by_person.get(id_), self.fits_none.get(id_), *marks)

    def voucher(self, id_: str) -> tuple[Edit | None, bool]:
        """Return the edit by which a person vouched for the label of a row, and whether a model gave it."""
        return self.by_person.get(id_), id_ in self.by_model

    def marks_in_words(self, id_: str) -> str:
        """Return what holds of a row, in words."""
        edit = self.by_person.get(id_)
        marks = {
            f"{edit.made} by a person" if edit else "": edit,
            "labelled by a model": id_ in self.by_model,
            DONE_WORDS["good_example"]: id_ in self.good_examples,
            DONE_WORDS["flag"]: id_ in self.flagged,
            "fits no label": id_ in self.fits_none,
        }
        return ", ".join(words for words, holds in marks.items() if holds) or "no mark"

    def _take(self, edit: Edit, id_: str, before: str) -> None:
        if edit.action == "opinion":
            return
        if edit.takes_rows_out:
            self._forget(id_)
            self.removed.add(id_)
            return
        self.removed.discard(id_)
        if edit.action == "rewrite":
            self._rewrite(id_, before)
        elif edit.action == "good_example":
            self.good_examples[id_] = None
        elif edit.action == "flag":
            self.flagged.add(id_)
        elif edit.action == "fits_none":
            self.fits_none[id_] = edit
        elif edit.action == "unmark":
            self._forget(id_)
        if edit.action in _VOUCHES:
            self._vouch(edit, id_)

    def _rewrite(self, id_: str, before: str) -> None:
        if before in self.good_examples:
            self.good_examples[id_] = None
        if before in self.by_model:
            self.by_model.add(id_)
        self._forget(before)

    def _vouch(self, edit: Edit, id_: str) -> None:
        self.flagged.discard(id_)
        self.fits_none.pop(id_, None)
        if edit.by == "person":
            self.by_person[id_] = edit
            self.by_model.discard(id_)
        elif edit.action == "relabel":
            self.by_model.add(id_)

    def decider_of(self, id_: str, *, annotated: bool) -> Decider:
        """Return who gave a real text the label that it has, a model if it was `annotated`, or vouched for it since.

        An imported label counts as a person's.
        """
        if id_ in self.by_person:
            return "person"
        return "model" if annotated or id_ in self.by_model else "person"

    def _forget(self, id_: str) -> None:
        self.by_person.pop(id_, None)
        self.good_examples.pop(id_, None)
        self.fits_none.pop(id_, None)
        self.flagged.discard(id_)


class _Around(NamedTuple):
    """The places of the first edit that an undo takes back, of the first one after it, and of the undo's own first."""

    then: int
    after: int
    now: int


def _around(edits: Sequence[Edit], place: int) -> _Around | None:
    """Return which edits the undo at `place` takes back; None if they are not there."""
    undo = edits[place]
    versions: list[tuple[str | None, bool]] = [(edit.dataset, edit.brought) for edit in edits[: place + 1]]
    if (undo.version, undo.brought) not in versions:
        return None
    then = versions.index((undo.version, undo.brought))
    after = next((number for number in range(then, place + 1) if versions[number] != versions[then]), place)
    return _Around(then, after, versions.index((undo.dataset, undo.brought)))


def _mark(said: Decided, name: str, id_: str) -> tuple[Edit | None, ...]:
    """Return what holds of a row by one of the marks of `said`: empty where the row has it not."""
    marks = getattr(said, name)
    return () if id_ not in marks else (marks[id_] if isinstance(marks, dict) else None,)


def ids_before(edits: Iterable[Edit]) -> dict[str, str]:
    """Return the id that each row which `edits`, the oldest first, rewrote had before them, by the one that it has."""
    before: dict[str, str] = {}
    for edit in edits:
        if edit.action == "rewrite":
            before |= {id_: before.pop(old, old) for id_, old in edit.rows.items()}
    return before


def ids_after(edits: Iterable[Edit]) -> dict[str, str]:
    """Return the id that each row which `edits`, the oldest first, rewrote has after them, by the one that it had."""
    return {old: new for new, old in ids_before(edits).items()}


def decided_since(edits: Iterable[Edit], *others: str) -> set[str]:
    """Return the rows whose label `edits`, the oldest first, gave or vouched for, by the ids that they have after them.

    A new text is no word about the label. Edits of `others` count, too.
    """
    found: set[str] = set()
    for edit in edits:
        if edit.action == "rewrite":
            moved = {id_ for id_, old in edit.rows.items() if old in found}
            found = (found - {*edit.rows.values()}) | moved
        elif edit.action in (*VOUCH_FOR_LABELS, *others):
            found |= edit.rows.keys()
    return found
