"""The labels of a row that may have several, from a source's to the task's: lists, and names in one string."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from classwright_tools.domain.label_sets import in_order, joined_labels, named_apart
from classwright_tools.domain.label_sets import labels_apart as labels_apart  # for the agent
from classwright_tools.domain.source import SEPARATOR as SEPARATOR  # for the agent
from classwright_tools.reading.label_names import LabelNames, label_text

_USUAL = (";", ",", "|", "/", "+", "&")
"""What sources write between a row's labels."""


class LabelSets(LabelNames):
    """Finds the labels of a row for what a source says: a list, a JSON list, or names with a separator between them.

    A string that is one label's name is that label, whatever it holds. An empty list, an empty string and a separator
    alone say that no label applies; what stands for no value says nothing.
    """

    several = True
    none_of_them = "write the separator alone, or nothing, in place of it in the source"

    def __init__(
        self, labels: Sequence[str], mapping: Mapping[str, str], separator: str, *, says_empty: bool = True
    ) -> None:
        """Take the `labels` of a task, a `mapping` from the source's names to them, and what is between two names.

        With `says_empty` an empty string says that no label applies, else nothing.

        Raises:
            InvalidInput: a name that `mapping` leads to, or one of several ("one|other"), is no label of the task.
        """
        super().__init__(labels, mapping)
        self._separator = separator
        self._says_empty = says_empty

    def is_missing(self, value: Any) -> bool:
        """Whether a source says nothing of a row's labels."""
        is_text = isinstance(value, str | bytes)
        return not (is_text and self._says_empty) and not isinstance(value, list | tuple) and super().is_missing(value)

    def find(self, value: Any) -> str | None:
        """Return the labels that `value` names, joined in the task's order; None if one of them is not the task's."""
        found = [(super(LabelSets, self).find(name)) for name in self.names_in(value)]
        if None in found:
            return None
        return joined_labels(in_order((label for key in found for label in labels_apart(key or "")), self._labels))

    def knows(self, value: Any) -> bool:
        """Whether `value` names labels of the task, and at least one."""
        return bool(labels_apart(self.find(value) or ""))

    def unknown(self, value: Any) -> str:
        """Return the first name in `value` that is no label of the task."""
        return next(
            (label_text(name) for name in self.names_in(value) if super(LabelSets, self).find(name) is None), ""
        )

    def separator_in(self, name: str) -> str | None:
        """Return what divides `name` into two labels or more; None where nothing usual does."""
        return next((mark for mark in _USUAL if mark in name and self._divides(mark, name)), None)

    def likely(self, name: str) -> str | None:
        """Return the label that `name` is likely to stand for; None also of one that may name several: one is lost."""
        parts = (part.strip() for mark in _USUAL if mark in name for part in name.split(mark))
        return None if any(map(super().find, parts)) else super().likely(name)

    def _divides(self, mark: str, name: str) -> bool:
        return all(super(LabelSets, self).find(part.strip()) for part in name.split(mark))

    def _led_to(self, source: str, name: str) -> str:
        names = named_apart(name, self._labels)
        if len(names) < 2:
            return super()._led_to(source, name)
        return joined_labels(in_order((super(LabelSets, self)._led_to(source, one) for one in names), self._labels))

    def names_in(self, value: Any) -> Sequence[Any]:
        """Return what stands for one label each in `value`."""
        if isinstance(value, list | tuple):
            return value
        text = label_text(value)
        if not text or super().find(value) is not None:
            return [value] if text else []
        if text == self._separator:
            return []
        if text.startswith("["):
            try:
                names = json.loads(text)
            except (ValueError, RecursionError):
                names = None
            if isinstance(names, list):
                return names
        return [name.strip() for name in text.split(self._separator)]
