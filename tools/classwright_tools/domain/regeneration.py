"""The regeneration plan: what to write next, from the error analysis to the writers."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.noun import ArtifactId, LabelName, Noun, Slug, Text
from classwright_tools.domain.topic_tree import Cell


class RegenerationItem(Noun):
    """One thing to write: texts of `label` that are easily mistaken for `contrast`, or more of thin cells."""

    label: LabelName
    contrast: LabelName | None = Field(default=None, description="The neighbour that the texts should resemble.")
    cells: tuple[Cell, ...] = Field(default=(), description="The cells to write in; empty for contrast texts.")
    count: int = Field(ge=1, le=10_000)
    reason: str = Field(max_length=500, description="Why, in figures.")
    style: tuple[Text, ...] = Field(
        default=(), max_length=10, description="Real texts that show the style. They are shown, never copied."
    )


class RegenerationPlan(Noun):
    """Per weak class the neighbour, the contrast to write and how many."""

    task: Slug
    model: ArtifactId
    dataset: ArtifactId
    round: int = Field(ge=1, description="The writing round that follows the plan.")
    items: tuple[RegenerationItem, ...]

    @property
    def rows(self) -> int:
        """How many rows the plan asks for."""
        return sum(item.count for item in self.items)
