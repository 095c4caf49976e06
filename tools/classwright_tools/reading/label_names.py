"""From a source's labels to the task's."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from classwright_tools.domain.task import Task, folded_name
from classwright_tools.errors import InvalidInput


class LabelNames:
    """Finds the task's label for what a source calls it.

    A name is taken whole: "10" is never read as "1", nor "-1". Where the source's name is not the task's, case, and
    spaces, "_" and "-" between words are passed over, which cannot be ambiguous: no two labels of a task differ by
    them alone.
    """

    def __init__(self, task: Task, mapping: Mapping[str, str]) -> None:
        """Take the labels of `task` and a `mapping` from the source's names to them.

        Raises:
            InvalidInput: a name that `mapping` leads to is no label of the task.
        """
        self._labels = task.label_names
        self._folded = {folded_name(name): name for name in self._labels}
        self._mapping = dict(mapping)
        for source, name in mapping.items():
            if name not in self._labels:
                raise InvalidInput(
                    f"label_names[{source[:80]!r}]",
                    f"leads to {name[:80]!r}, which is no label of task {task.slug!r}",
                    f"The nearest is {self.nearest(name)!r}.",
                )

    def find(self, value: Any) -> str | None:
        """Return the label that `value`, from a source, stands for, or None if there is none."""
        name = label_text(value)
        if name in self._mapping:
            return self._mapping[name]
        return name if name in self._labels else self._folded.get(folded_name(name))

    def nearest(self, name: str) -> str:
        """Return the label whose name is most like `name`."""
        close = difflib.get_close_matches(folded_name(name), self._folded, n=1, cutoff=0.0)
        return self._folded[close[0]] if close else self._labels[0]


def label_text(value: Any) -> str:
    """Return a source's label as text: whole numbers without a fraction, truth values as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
