"""Gates of `classwright check`: the least that a figure of all rows may be, or recall or precision of one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from classwright_tools.domain.excerpt import listed, told_below
from classwright_tools.domain.figures import Estimate
from classwright_tools.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from classwright.predict import Classifier
    from classwright_tools.bulk.check_figures import ExportCheck

Whole = Literal["accuracy", "macro_f1", "micro_f1", "average_precision"]
OfLabel = Literal["recall", "precision"]
FLAG = "`--at-least`"
FORMS = (
    "0.9 (accuracy), macro_f1=0.8, of several labels micro_f1=0.8, of pairs average_precision=0.6, recall:LABEL=0.9 or "
    "precision:LABEL=0.9"
)
LABELS_LISTED = 10


@dataclass(frozen=True)
class Gate:
    """A figure, of one label or of all, and the least (0 to 1) that it may be."""

    figure: str
    label: str | None
    least: float

    def failure(self, found: ExportCheck) -> str | None:
        """Return why an export does not pass, as a sentence; None where it does. What cannot be measured fails."""
        if self.label is None:
            value = getattr(found, self.figure)
            if value is None:
                return f"{self.figure} cannot be measured: no row is a mismatch."
            value = value.value if isinstance(value, Estimate) else value
            return self._less_than_asked(self.figure, value)
        [own] = [one for one in found.labels if one.label == self.label]
        share = own.recall if self.figure == "recall" else own.precision
        name = f"{self.figure} of {self.label!r}"
        if share is None:
            why = "no row has this label" if self.figure == "recall" else "no row was given this label"
            return f"{name} cannot be measured: {why}."
        return self._less_than_asked(name, share.value)

    def _less_than_asked(self, name: str, value: float) -> str | None:
        return None if value >= self.least else f"{name} {told_below(value, self.least)} is less than {self.least}."


def read_gates(given: Sequence[str], model: Classifier) -> list[Gate]:
    """Return the gates that a person writes as `FORMS` tells; a label may hold ":" and "=".

    Raises:
        InvalidInput: one of them has another form, is no share, or `model` has no such label or figure.
    """
    gates = []
    for one in given:
        asked, _, least = one.rpartition("=")
        figure, _, label = (asked or "accuracy").partition(":")
        try:
            share = float(least)
        except ValueError:
            share = -1.0
        if figure not in get_args(OfLabel if label else Whole) or not 0 <= share <= 1:
            raise InvalidInput(FLAG, f"{one!r} is no figure with a share from 0 to 1", f"Pass {FORMS}.")
        if label and label not in model.labels:
            known = listed(map(repr, model.labels), LABELS_LISTED)
            repair = did_you_mean(label, model.labels) or f"Name one of its labels: {known}."
            raise InvalidInput(FLAG, f"{one!r} names a label that the export does not know", repair)
        has = {"micro_f1": model.several, "average_precision": model.mismatch is not None}
        if not has.get(figure, True):
            reason = (
                f"{one!r} is of {'several labels a row' if figure == 'micro_f1' else 'pairs with a named mismatch'}"
            )
            raise InvalidInput(FLAG, f"{reason}, and the export is not", f"Pass {FORMS}.")
        gates.append(Gate(figure, label or None, share))
    return gates
