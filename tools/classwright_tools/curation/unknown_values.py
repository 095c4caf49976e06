"""Values of a source's label column that are no labels of the task: which there are, and what they may stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.label_sets import LabelSets

VALUES_KEPT = 1_000  # of a source with more, the first
VALUES_LISTED = 8
MOST_MAPPED = 20  # names that a call is written with
# Where what stands in test rows is not told, a value is told that several rows have, as a category is, and no text.
ROWS_OF_A_CATEGORY, CHARS_OF_A_CATEGORY = 2, 40

TWO_WAYS = (
    "Of rows that fit none of the labels there are two ways. A label for the rest (edit_examples: add_label 'other'; "
    "then label_names leads the value there): the model learns what such texts are, also those near to a label, and "
    "needs examples of each kind. Or leave them out: nothing is to be labelled, and the model calls what is unlike all "
    "its labels out_of_scope, but gives texts near to a label that label."
)


class UnknownValues:
    """The values, counted while rows are read; with `unseen` those that a single row has are not told."""

    def __init__(self, labels: LabelNames | None, unseen: bool) -> None:
        self._labels = labels
        self._unseen = unseen
        self._rows: Counter[str] = Counter()
        self._total = 0

    def add(self, name: str) -> None:
        """Count the row of a value that is called `name`."""
        self._total += 1
        if name in self._rows or len(self._rows) < VALUES_KEPT:
            self._rows[name] += 1

    @property
    def told(self) -> dict[str, int]:
        """The rows of each value that may be told, the most frequent first."""
        return {name: rows for name, rows in self._rows.most_common() if self._is_told(name, rows)}

    def remark(self) -> str:
        """Return the sentence that names the most frequent values and counts the rows of the others."""
        shown = dict(list(self.told.items())[:VALUES_LISTED])
        if not shown:
            return ""
        named = listed((f"{as_name(name)} ({counted(rows, 'row')})" for name, rows in shown.items()), VALUES_LISTED)
        others = self._total - sum(shown.values())
        more = f", and others ({counted(others, 'row')})" if others else ""
        return f"Values of the label column that are no labels of the task: {named}{more}."

    def likely(self) -> dict[str, str]:
        """Return the labels that the most frequent values are likely to stand for, as far as their names tell."""
        if self._labels is None:
            return {}
        near = {name: self._labels.likely(name) for name in list(self.told)[:VALUES_LISTED]}
        return {name: label for name, label in near.items() if label is not None}

    def separator(self) -> str | None:
        """Return what the most frequent of the values has between labels that names several; None if none does."""
        labels = self._labels if isinstance(self._labels, LabelSets) else None
        return next(filter(None, map(labels.separator_in, self.told)), None) if labels else None

    def next_step(self, given: Mapping[str, str], dataset: str | None) -> str:
        """Return how their rows are brought in as well, into `dataset` if there is one; empty where none may be told.

        `given` are the names that the source's labels were mapped by.
        """
        values = list(self.told)[:VALUES_LISTED]
        if not values:
            return ""
        into = f"dataset={dataset!r} and " if dataset else ""
        if mark := self.separator():
            return (
                f"Labels stand with {mark!r} between them: import the same source again with {into}"
                f"label_separator={mark!r}: the rows that are in stay, and theirs join them."
            )
        likely = self.likely()
        left = [as_name(name) for name in values if name not in likely]
        mapped = {**given, **likely}
        call = f"label_names={mapped}" if likely and len(mapped) <= MOST_MAPPED else f"more `label_names`: {likely}"
        if not likely:
            call = "`label_names`, which leads each to a label"
        if likely and left:
            call += f", and {' and '.join(left)} too if they are of a label"
        ways = f" {TWO_WAYS}" if left else ""
        if left and self._labels and self._labels.several:
            ways = f" If one says that no label applies, {self._labels.none_of_them}: such rows are learnt too."
        return (
            "Before you train, agree with the person what the values that are no labels stand for, and import the same "
            f"source again with {into}{call}: the rows that are in stay, and theirs join them.{ways}"
        )

    def _is_told(self, name: str, rows: int) -> bool:
        return not self._unseen or (rows >= ROWS_OF_A_CATEGORY and len(name) <= CHARS_OF_A_CATEGORY)
