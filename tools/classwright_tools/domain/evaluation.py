"""The document of an evaluation: every figure of one model on one split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.example import Data
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import (
    ClassFigures,
    Confusion,
    Coverage,
    Figures,
    FiguresAtShares,
    LabelAtThreshold,
    ReliabilityBin,
)
from classwright_tools.domain.kinds import DatasetId, ModelId
from classwright_tools.domain.noun import LabelName, Noun, Slug

Measured = Literal["train", "validation", "test"]
"""The split that is measured; training rows are where models are compared without validation rows."""


class WrongRow(Noun):
    """A row that the model got wrong. Of a test row only the id is given, so that nobody tunes to its text."""

    example: str = Field(description="The row's id.")
    text: str | None = None
    label: str | None = Field(default=None, description="Or all its labels.")
    predicted: str | None = Field(default=None, description="Or all that it was given.")
    probability: float = Field(ge=0, le=1)


class LabelChange(Noun):
    """In how many rows of a label one of two models alone gives it.

    Where rows may have several labels, rows of others count as well, to which one alone does not give it.
    """

    label: LabelName
    only_this_right: int = Field(ge=0)
    only_other_right: int = Field(ge=0)

    @property
    def gain(self) -> int:
        """Rows won over rows lost."""
        return self.only_this_right - self.only_other_right


class ChangedAnswer(Noun):
    """A row of which one of two models alone has the label, or all labels, right. It is no test row."""

    example: str = Field(description="The row's id.")
    text: str
    label: str = Field(description="Or all its labels.")
    predicted: str = Field(description="Or all that this model gave it.")
    other_predicted: str = Field(description="Or all that the other one gave it.")
    this_right: bool = Field(description="Whether it is this model that has it right.")


class EvaluationReport(Noun):
    """All figures of one model on one split."""

    data: Data = Field(description="Whose texts the figures come from.")
    task: Slug
    model: ModelId
    dataset: DatasetId
    split: Measured
    labels: tuple[LabelName, ...]
    warnings: tuple[str, ...]
    left_out: int = Field(default=0, ge=0, description="Rows of the split that were not counted: a model learnt them.")
    figures: Figures
    at_shares: FiguresAtShares | None = Field(
        default=None, description="At the task's shares, or at those of the rows."
    )
    classes: tuple[ClassFigures, ...] = Field(description="In the order of `labels`.")
    confusion_matrix: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...] = Field(
        description="True label by row, predicted one by column; of rows with several, the one missed and the one that "
        "is wrong."
    )
    confusions: tuple[Confusion, ...]
    reliability: tuple[ReliabilityBin, ...] = Field(
        description="Of rows with several labels: of each label of each row, by the probability that it applies."
    )
    coverage: tuple[Coverage, ...]
    label_thresholds: tuple[LabelAtThreshold, ...] = Field(
        default=(),
        description="Of labels that were given a threshold of their own: what it and others cost. Where rows have "
        "several labels and none was given: thresholds that find most of a label, which these rows chose.",
    )
    threshold: float = Field(ge=0, le=1, description="The model's own; below it the model abstains.")
    comparison: Comparison | None
    label_changes: tuple[LabelChange, ...] = Field(
        default=(), description="Against the other model, the greatest gain first."
    )
    changed_rows: tuple[ChangedAnswer, ...] = Field(default=(), description="Of each kind those that it is surest of.")
    surest_errors: tuple[WrongRow, ...]
    texts_per_second: float | None = Field(gt=0, description="None if the model had answered all rows before.")

    @model_validator(mode="after")
    def _has_a_square_matrix(self) -> EvaluationReport:
        if {len(self.confusion_matrix), *map(len, self.confusion_matrix)} != {len(self.labels)}:
            raise ValueError("the confusion matrix has not a row and a column for each label")
        return self

    @property
    def weakest(self) -> tuple[ClassFigures, ...]:
        """The classes that have rows, lowest F1 first."""
        return tuple(sorted((c for c in self.classes if c.support), key=lambda c: (c.f1.value, c.label)))

    @property
    def stand_in(self) -> str:
        """What answered the rows in the model's place, in words; "" where the model did."""
        return f"a simple classifier (probe) on the rows of {self.model}" if self.split == "train" else ""

    @property
    def headline(self) -> str:
        """The first line of the page: on which data."""
        if self.split == "train":
            annotated = "" if self.data == "real" else ", of which an annotator labelled some or all"
            return f"Measured on {self.figures.rows:,} real training rows that were held out{annotated}."
        rows = counted(self.figures.rows, f"{self.split} row")
        return {
            "real": f"Measured on real texts: {rows}.",
            "annotated": f"Measured on real texts, some or all labelled by a model: {rows}.",
            "written": f"Measured on written texts: {rows}. Real texts are usually harder.",
            "mixed": f"Measured on a mix of real and other texts: {rows}. Real texts alone are usually harder.",
        }[self.data]
