"""The regeneration plan: what to write next, from the error analysis to the writers."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.kinds import DatasetId, ModelId
from classwright_tools.domain.noun import LabelName, LabelsName, Noun, Slug, Text
from classwright_tools.domain.topic_tree import Cell


class PlannedTexts(Noun):
    """How many texts of `label` to write: such as are easily mistaken for `contrast`, or ordinary ones.

    In a multi-label task `label` names all labels that the texts have, and `contrast` one that they lack.
    """

    label: LabelsName
    contrast: LabelName | None = Field(default=None, description="The neighbour that the texts should resemble.")
    count: int = Field(ge=1, le=10_000)
    reason: str = Field(max_length=500, description="Why, in figures.")


class RegenerationItem(PlannedTexts):
    """One thing to write, with what its writer is told and shown."""

    cells: tuple[Cell, ...] = Field(default=(), description="The cells of the topic tree to write in, if it has some.")
    guidance: tuple[Text, ...] = Field(default=(), max_length=10, description="What real texts say about the labels.")
    style: tuple[Text, ...] = Field(
        default=(), max_length=10, description="Typical real texts of `label`. They are shown, never copied."
    )
    contrast_style: tuple[Text, ...] = Field(default=(), max_length=10, description="Typical ones of `contrast`.")


class RegenerationPlan(Noun):
    """The contrasts and the ordinary texts to write against a model's errors, and how many of each."""

    task: Slug
    model: ModelId
    dataset: DatasetId
    round: int = Field(ge=1, description="The writing round that follows the plan.")
    items: tuple[RegenerationItem, ...]
    pairs_left_out: int = Field(default=0, ge=0, description="Pairs of labels with errors that get no texts.")
    errors_left_out: int = Field(default=0, ge=0, description="Errors between the labels of these pairs.")

    @property
    def rows(self) -> int:
        """How many rows the plan asks for."""
        return sum(item.count for item in self.items)
