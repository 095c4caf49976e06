"""Edits: what was decided about rows and labels of a dataset, by whom and why, and what an undo takes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import Field

from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.label_sets import labels_in_words
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
    added: tuple[LabelName, ...] = Field(default=(), description="Those that such rows got beside their others.")
    taken: tuple[LabelName, ...] = Field(default=(), description="Those that were taken from such rows.")
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
    def gives_labels(self) -> bool:
        """Whether it says which label, or labels, its rows get: a restored row may keep its own."""
        named = self.label is not None or self.labels is not None
        return self.action == "relabel" or (self.action == "restore" and named)

    @property
    def given(self) -> tuple[str, ...]:
        """The labels that it gave its rows, all that they have since or some beside others."""
        return self.added or self.labels or ((self.label,) if self.label else ())

    @property
    def relabelled(self) -> str:
        """What labels it gave its rows or took from them, in words that come after their number; "" if not said."""
        if self.taken:
            return TAKEN.format(labels_in_words(self.taken))
        if self.added:
            return ADDED.format(labels_in_words(self.added))
        return LABELLED.format(labels_in_words(self.given)) if self.label or self.labels is not None else ""

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


LABELLED, ADDED, TAKEN = "labelled {!r}", "given {!r} beside their other labels", "without {!r} now"
"""What becomes of rows that are given labels, or from which some are taken."""
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
TAKE_ROWS_OUT = ("remove", "remove_label")


def edits_apart(ours: Sequence[Edit], theirs: Sequence[Edit]) -> tuple[Sequence[Edit], Sequence[Edit]]:
    """Return which of the edits of two versions, the oldest first, only the one has, and which only the other.

    Those of the version that both come from stand first in both. One that comes from the other lacks none of its edits.
    """
    both = enumerate(zip(ours, theirs, strict=False))
    place = next((at for at, (one, other) in both if one != other), min(len(ours), len(theirs)))
    return ours[place:], theirs[place:]


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


class UndoneRow(NamedTuple):
    """A row of an undo: its id after it, before it, after the edit that is undone, and before that one."""

    id: str
    now: str
    after: str
    then: str


class Undoing(NamedTuple):
    """What an undo takes back: its rows, and the places of edits, beginning with the first that it undoes (`then`).

    `after` is the first after those, `now` the first of the undo's own version.
    """

    then: int
    after: int
    now: int
    rows: tuple[UndoneRow, ...]


def undoings(edits: Sequence[Edit]) -> dict[int, Undoing]:
    """Return what each undo among `edits` takes back, by its place; nothing does one whose edit is not there."""
    first: dict[tuple[str | None, bool], int] = {}
    found: dict[int, Undoing] = {}
    for place, edit in enumerate(edits):
        first.setdefault((edit.dataset, edit.brought), place)
        then = first.get((edit.version, edit.brought))
        if edit.action != "undo" or not edit.rows or then is None:
            continue
        undone, now = (edits[then].dataset, edits[then].brought), first[edit.dataset, edit.brought]
        others = (at for at in range(then, place) if (edits[at].dataset, edits[at].brought) != undone)
        after = next(others, place)
        were = [ids_before(part) for part in (edits[now:place], edits[after:now], edits[then:after])]
        found[place] = Undoing(then, after, now, tuple(_undone_row(id_, were) for id_ in edit.rows))
    return found


def _undone_row(id_: str, were: Iterable[Mapping[str, str]]) -> UndoneRow:
    """Return a row of an undo, whose ids `were` others before the undo, since the edit that it undoes, and by that."""
    ids = [id_]
    for before in were:
        ids.append(before.get(ids[-1], ids[-1]))
    return UndoneRow(*ids)
