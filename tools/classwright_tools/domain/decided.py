"""Decided: what holds of rows after a sequence of edits, and who vouched for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from classwright_tools.domain.edits import DONE_WORDS, VOUCH_FOR_LABELS, Decider, Edit, Undoing, undoings

_VOUCHES = ("rewrite", *VOUCH_FOR_LABELS)
_MARKS = ("by_person", "by_model", "good_examples", "flagged", "fits_none")
"""What an undo gives back of a row, each by itself."""
_Marks = tuple[tuple[Edit | None, ...], ...]


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
        taken_back = undoings(edits)
        wanted: defaultdict[int, set[str]] = defaultdict(set)
        for undoing in taken_back.values():
            for row in undoing.rows:
                wanted[undoing.then].add(row.then)
                wanted[undoing.after].add(row.after)
                wanted[undoing.now].add(row.now)
        were: dict[tuple[int, str], _Marks] = {}
        for place, edit in enumerate(edits):
            were |= {(place, id_): self._marks(id_) for id_ in wanted.get(place, ())}
            if place in taken_back:
                self._take_back(taken_back[place], were)
            elif edit.action != "undo":
                for id_, before in edit.rows.items():
                    self._take(edit, id_, before)

    def _marks(self, id_: str) -> _Marks:
        """Return what holds of a row by each of `_MARKS`: empty where the row has it not."""
        return tuple(
            () if id_ not in marks else (marks[id_] if isinstance(marks, dict) else None,)
            for marks in (getattr(self, name) for name in _MARKS)
        )

    def _take_back(self, undoing: Undoing, were: Mapping[tuple[int, str], _Marks]) -> None:
        """Let hold of the rows of an undo what held before the edit that is undone, as the marks `were` then.

        Mark by mark: what somebody changed since stays.
        """
        for row in undoing.rows:
            then, after, now = (
                were[undoing.then, row.then],
                were[undoing.after, row.after],
                were[undoing.now, row.now],
            )
            for name, of_then, of_after, of_now in zip(_MARKS, then, after, now, strict=True):
                mark = of_then if of_after == of_now else of_now
                marks = getattr(self, name)
                if isinstance(marks, set):
                    (marks.add if mark else marks.discard)(row.id)
                elif mark:
                    marks[row.id] = mark[0]
                else:
                    marks.pop(row.id, None)

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
        elif edit.action == "split_label" and edit.by == "model":  # which of the parts it is no person has said
            self.by_person.pop(id_, None)
            self.by_model.add(id_)

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
        elif edit.gives_labels:
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
