"""Assignments: writing left to the calling model, batch by batch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from classwright_tools.domain.kinds import DatasetId, PlanId
from classwright_tools.domain.noun import LabelName, LabelsName, Noun, Slug, Text
from classwright_tools.domain.topic_tree import Cell

BatchId = Annotated[str, Field(pattern=r"^b[0-9]{1,6}$", examples=["b1"])]


class BatchCell(Cell):
    """A cell of a batch, and how many of the batch's texts are for it."""

    count: int = Field(ge=1)

    @property
    def cell(self) -> Cell:
        """The cell itself."""
        return Cell(**self.model_dump(exclude={"count"}))


class Batch(Noun):
    """Up to 25 texts of one label, or of the same labels, to write in one go, cell by cell."""

    batch: BatchId
    label: LabelsName
    contrast: LabelName | None = None
    cells: tuple[BatchCell, ...] = ()
    count: int = Field(ge=1, le=25)
    guidance: tuple[Text, ...] = ()

    @property
    def sent_as(self) -> Literal["texts", "pairs"]:
        """How the batch is submitted: queries that were written for items as pairs, else as texts."""
        return "pairs" if any(cell.item for cell in self.cells) else "texts"


class Assignment(Noun):
    """Everything that one `synthesize_examples` left to the calling model."""

    task: Slug
    parent: DatasetId | None = Field(description="The newest dataset when the assignment was made.")
    on_newest: bool = Field(
        default=True, description="Whether the accepted rows join the newest dataset of the end, or else `parent`."
    )
    plan: PlanId | None = None
    round: int = Field(ge=0)
    rules: tuple[str, ...] = ()
    style: dict[LabelsName, tuple[Text, ...]] = Field(
        default_factory=dict, description="Texts of labels and of contrasts that show their style, never copied."
    )
    batches: tuple[Batch, ...]
