"""Counts of rows by label, of rows that have one label each or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import labels_apart


class LabelCounts(NamedTuple):
    """Rows by label; how many rows have several labels, and of how many it is said that no label applies."""

    by_label: dict[str, int]
    several: int
    none: int

    @property
    def remark(self) -> str:
        """The rows without exactly one label, in a sentence; nothing where there are none."""
        if not (self.several or self.none):
            return ""
        return f" {counted(self.several, 'has', 'have')} several labels, and of {self.none} none applies."


def label_counts(by_key: Mapping[str | None, int]) -> LabelCounts:
    """Count rows, of which `by_key` has how many there are of each `Example.label_key`."""
    by_label: Counter[str] = Counter()
    several = none = 0
    for key, rows in by_key.items():
        labels = () if key is None else labels_apart(key)
        by_label.update(dict.fromkeys(labels, rows))
        several += rows if len(labels) > 1 else 0
        none += rows if key is not None and not labels else 0
    return LabelCounts(dict(+by_label), several, none)
