"""The answer of a model to one text."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from classwright_tools.domain.noun import LabelName, Noun
from classwright_tools.domain.selection import RowId

_WHERE_THERE = ("sure_labels", "problem", "row", "text")


class Classified(Noun):
    """One text's answer."""

    label: LabelName | None = Field(description="None where the model abstains, and of a multi-label model.")
    labels: tuple[LabelName, ...] | None = Field(
        default=None, description="Of a multi-label model: all that apply, those of unsure texts too."
    )
    sure: bool = Field(
        description="Whether `probability` reaches the label's threshold or `threshold`, in scope or of 'other'."
    )
    sure_labels: tuple[LabelName, ...] | None = Field(
        default=None, description="Of a multi-label model: those that are sure by themselves; 9 in 10 are right."
    )
    out_of_scope: bool = Field(description="Unlike all that the model learnt, so maybe of none of its labels.")
    probability: float | None = Field(
        ge=0,
        le=1,
        description="Calibrated: that the label is right, or if unsure would be; of a multi-label model the whole set.",
    )
    likeliest: tuple[tuple[LabelName, float], ...] = Field(description="The likeliest labels, best first.")
    problem: str | None = Field(default=None, description="Why there is no answer.")
    row: RowId | None = Field(default=None, description="Of a dataset.")
    text: str | None = Field(default=None, description="Of the row.")

    @model_serializer(mode="wrap")
    def _what_it_has(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what most answers are without: an answer of the tool then holds more texts."""
        there: dict[str, Any] = dump(self)
        return {name: value for name, value in there.items() if value is not None or name not in _WHERE_THERE}

    @classmethod
    def without_answer(cls, problem: str) -> Classified:
        """Return that a text has no answer, and why."""
        return cls(label=None, sure=False, out_of_scope=False, probability=None, likeliest=(), problem=problem)
