"""Edits: what was decided about rows and labels of a dataset, by whom and why, and what of it holds now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Literal, NamedTuple

from pydantic import Field

from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.label_sets import exchanged, key_in_words, labels_apart
from classwright_tools.domain.noun import LabelName, Noun, PersonName

RowAction = Literal["relabel", "rewrite", "remove", "restore", "approve", "good_example", "flag", "unmark"]
LabelAction = Literal["rename_label", "merge_label", "split_label", "add_label", "describe_label", "remove_label"]
Action = Literal[RowAction, LabelAction]
Decider = Literal["person", "model"]
Mark = Literal["person", "good_example", "flag", "fits_none", "disputed"]
"""What rows can be found by: a person vouched for their label, they show the style, they are to be looked at later, no
label fits them, or persons differ about them."""


class Edit(Noun):
    """One change that made a version of a dataset: to rows, to a label, or back to an earlier version.

    Or, as 'fits_none', an annotator's word that no label fits some rows. Or, as 'opinion', what one of several persons
    said of rows, which changes none: `rows` then has what was said, "" that the row should go. Or, as 'undo', that what
    was said of some rows since an earlier version does not count; what else they were then is put back by edits before
    it.

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
        default=None, description="The earlier version that a revert, or an undo of rows, went back to."
    )
    undoes: DatasetId | None = Field(default=None, description="The version whose whole edit an undo took back.")
    rows: dict[str, str] = Field(default_factory=dict)
    test_rows: int = Field(default=0, ge=0)
    none_of: tuple[LabelName, ...] = Field(default=(), description="Of 'fits_none': the labels that there were then.")
    rows_stay: bool = Field(default=False, description="Of 'remove_label': rows with several labels stay without it.")
    blind: bool = Field(default=False, description="Of an opinion: it was given without others' being seen.")
    settles: bool = Field(default=False, description="It was decided knowing that persons differed.")
    brought: bool = Field(default=False, description="It came with imported rows, and is older than all versions here.")

    @property
    def is_bulk(self) -> bool:
        """Whether it gave many rows a label at once; where rows are decided one by one a name is given."""
        return self.action == "relabel" and len(self.rows) >= BULK and not self.person

    @property
    def takes_rows_out(self) -> bool:
        """Whether its rows are gone after it."""
        return self.action in _GONE and not self.rows_stay


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
_VOUCHES = ("relabel", "rewrite", "restore", "approve", "good_example")
_GONE = ("remove", "remove_label")
_WITH_LABEL = ("relabel", "restore", "merge_label", "split_label", *_GONE)  # their `rows` tell labels


class Decided:
    """What holds after a sequence of edits, by the ids that the rows have then."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        """Go through `edits`, the oldest first."""
        self.by_person: dict[str, Edit] = {}
        """Rows whose label a person vouched for, and the newest edit that did."""
        self.by_model: set[str] = set()
        """Rows whose label a model gave in place of another, and that no person vouched for since."""
        self.good_examples: dict[str, None] = {}
        """In the order in which they were marked."""
        self.flagged: set[str] = set()
        self.fits_none: dict[str, Edit] = {}
        """Unlabelled rows that fit no label, and the edit by which that was said when they were asked about."""
        self.removed: set[str] = set()
        so_far: list[Edit] = []
        for edit in edits:
            if edit.action == "undo":
                self._take_back(edit, so_far)
            else:
                for id_, before in edit.rows.items():
                    self._take(edit, id_, before)
            so_far.append(edit)

    def _take_back(self, undo: Edit, before: Sequence[Edit]) -> None:
        """Let hold of the rows of `undo` what held in the version that it goes back to, by the edits `before` it."""
        then = Decided(takewhile(lambda edit: (edit.dataset, edit.brought) != (undo.version, undo.brought), before))
        for id_ in undo.rows:
            self._forget(id_)
            self.by_model.discard(id_)
            if id_ in then.by_person:
                self.by_person[id_] = then.by_person[id_]
            if id_ in then.by_model:
                self.by_model.add(id_)
            if id_ in then.good_examples:
                self.good_examples[id_] = None
            if id_ in then.flagged:
                self.flagged.add(id_)
            if id_ in then.fits_none:
                self.fits_none[id_] = then.fits_none[id_]

    def said_of(self, id_: str) -> tuple[object, ...]:
        """Return all that holds of a row, to be compared."""
        marks = (id_ in marked for marked in (self.by_model, self.good_examples, self.flagged))
        return (self.by_person.get(id_), self.fits_none.get(id_), *marks)

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


class Past(NamedTuple):
    """One edit in the history of a row, and the id and the label that the row had before it."""

    edit: Edit
    id: str
    label: str | None

    @property
    def in_words(self) -> str:
        """The edit in words."""
        edit = self.edit
        label = key_in_words(self.label) if self.label else "without a label"
        before = f", was {label}" if edit.action in (*_WITH_LABEL, "rename_label") else ""
        return f"{edit.action}{before} {self.by_whom}"

    @property
    def by_whom(self) -> str:
        """Who made the edit, when and why, in words."""
        return f"(by {self.edit.person or f'a {self.edit.by}'}, {self.edit.when:%Y-%m-%d}): {self.edit.reason}"


def history(edits: Sequence[Edit], id_: str, label: str | None) -> tuple[Past, ...]:
    """Return what happened to the row that is `id_` with `label` after `edits`, the newest first."""
    found: list[Past] = []
    is_there = True  # between its removal and its return nothing happens to a row
    for edit in reversed(edits):
        if id_ in edit.rows and edit.action != "opinion":
            before = edit.rows[id_]
            is_there = edit.action != "restore"
            if edit.action == "rewrite":
                id_ = before
            elif edit.action in _WITH_LABEL:
                label = before or None
            found.append(Past(edit, id_, label))
        elif is_there and label and edit.action == "rename_label" and edit.to in labels_apart(label):
            label = exchanged(label, edit.to, edit.label or "")
            found.append(Past(edit, id_, label))
    return tuple(found)


def why_so(edits: Sequence[Edit], id_: str, label: str | None, *, gone: bool = False) -> str:
    """Return who decided by `edits` that the row `id_` has its `label`, or is `gone`, when and why; "" if none did.

    The words come after others.
    """
    past = history(edits, id_, label)
    found = (one for one in past if one.edit.action in _WITH_LABEL and one.edit.takes_rows_out == gone)
    return next((f" {one.by_whom}" for one in found), "")


def ids_before(edits: Sequence[Edit]) -> dict[str, str]:
    """Return the id that each row which `edits`, the oldest first, rewrote had before them, by the one that it has."""
    before: dict[str, str] = {}
    for edit in edits:
        if edit.action == "rewrite":
            before |= {id_: before.pop(old, old) for id_, old in edit.rows.items()}
    return before
