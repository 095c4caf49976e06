"""Names of labels, from a source's to the task's: the same label from every kind of file."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from classwright_tools.domain.source import SEPARATOR
from classwright_tools.domain.task import alike as alike  # for the agent
from classwright_tools.domain.task import folded_name
from classwright_tools.errors import InvalidInput

LIKELY = 0.6
"""From this share of letters in common on, a name may stand for a label; that of difflib."""
# With an exponent only as programs write one: other names with an "e" between digits are no numbers.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d*)?(e[+-]\d\d\d?)?", re.ASCII)


class LabelNames:
    """Finds the task's label for what a source calls it.

    A name is taken whole: "10" is never read as "1", nor "-1". Where the source's name is not the task's, the value
    that it writes counts ("1.0" is "1", "True" is "true"), and case, and spaces, "_" and "-" between words are passed
    over, which cannot be ambiguous: no two labels of a task differ by them alone.
    """

    several = False
    """Whether a row may have several of the labels."""
    none_of_them = "add a label for what is none of the others (edit_examples), and lead it there"
    """How rows are learnt whose value says that they fit none of the labels."""

    def __init__(self, labels: Sequence[str], mapping: Mapping[str, str]) -> None:
        """Take the `labels` of a task and a `mapping` from the source's names to them.

        Raises:
            InvalidInput: a name that `mapping` leads to is no label of the task.
        """
        self._labels = labels
        self._folded = {folded_name(name): name for name in labels}
        leads = {source: self._led_to(source, name) for source, name in mapping.items()}
        by_name = {name: name for name in labels}
        self._by_name = (leads, by_name)
        self._by_value = (_by_value(leads), _by_value(by_name))

    def find(self, value: Any) -> str | None:
        """Return the label that `value`, from a source, stands for, or None if there is none."""
        name = label_text(value)
        for by_name, by_value in zip(self._by_name, self._by_value, strict=True):
            if by_name and (label := by_name.get(name) or by_value.get(_value(name))):
                return label
        return self._folded.get(folded_name(name))

    def is_missing(self, value: Any) -> bool:
        """Whether a source says nothing of a row's label."""
        return not label_text(value)

    def names_in(self, value: Any) -> Sequence[Any]:
        """Return what stands for one label each in `value`."""
        return [value]

    def unknown(self, value: Any) -> str:
        """Return the name that `value` is, which is no label of the task."""
        return label_text(value)

    def knows(self, value: Any) -> bool:
        """Whether there is a label that `value`, from a source, stands for."""
        return self.find(value) is not None

    def why_unknown(self, name: str) -> str:
        """Return why `name` is no label, as what follows on it."""
        if self._names_several(name):
            return "names several labels, and a row of the task has one"
        return f"is not in the task; the nearest is {self.nearest(name)!r}"

    def likely(self, name: str) -> str | None:
        """Return the label that `name` is likely to stand for, as both have most letters in common; None if none is."""
        if self._names_several(name):
            return None
        close = difflib.get_close_matches(folded_name(name), self._folded, n=1, cutoff=LIKELY)
        return self._folded[close[0]] if close else None

    def nearest(self, name: str) -> str:
        """Return the label whose name is most like `name`."""
        close = difflib.get_close_matches(folded_name(name), self._folded, n=1, cutoff=0.0)
        return self._folded[close[0]] if close else self._labels[0]

    def _names_several(self, name: str) -> bool:
        parts = name.split(SEPARATOR)
        return not self.several and len(parts) > 1 and all(folded_name(part) in self._folded for part in parts)

    def _led_to(self, source: str, name: str) -> str:
        """Return what a mapping from `source` to `name` finds.

        Raises:
            InvalidInput: `name` is no label.
        """
        if name not in self._labels:
            raise self._refused(source, name)
        return name

    def _refused(self, source: str, name: str) -> InvalidInput:
        """Return the refusal of a mapping from `source` to `name`, which is no label."""
        subject, leads = f"label_names[{source[:80]!r}]", f"leads to {name[:80]!r}"
        if name.strip() in ("", SEPARATOR):
            one = "" if self.several else "; a row of the task has one label"
            repair = f"Leave it out: such rows are skipped. To learn them too, {self.none_of_them}."
            return InvalidInput(subject, f"{leads}, which is no name of a label{one}", repair)
        if self._names_several(name):
            return InvalidInput(subject, f"{leads}: several labels, and a row of the task has one", "Name one of them.")
        return InvalidInput(
            subject, f"{leads}, which is no label of the task", f"The nearest is {self.nearest(name)!r}."
        )


def _by_value(names: Mapping[str, str]) -> dict[str, str]:
    """Return the labels by the value that a name writes, where names that write the same lead to the same."""
    labels: dict[str, set[str]] = {}
    for name, label in names.items():
        labels.setdefault(_value(name), set()).add(label)
    return {value: label for value, (label, *more) in labels.items() if not more}


def _value(name: str) -> str:
    """Return the shortest way to write the number or truth value that `name` writes; another name as it is."""
    if name.lower() in ("true", "false"):
        return name.lower()
    if not _NUMBER.fullmatch(name):
        return name
    digits = f"{Decimal(name):f}"
    shortest = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if shortest == "-0" else shortest


def label_text(value: Any) -> str:
    """Return a source's label as a text file would hold it: bytes as UTF-8, truth values as in JSON.

    What stands for no value is "".
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode("utf-8", errors="replace").strip()
        case float() | Decimal() if math.isnan(value):
            return ""
        case Decimal() if value.is_finite():
            return f"{value:f}"
    return str(value).strip()
