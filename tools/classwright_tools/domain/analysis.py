"""The findings of an error analysis: confused pairs, probable label errors, clusters, cells and style."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from classwright_tools.domain.figures import Estimate, least_lead
from classwright_tools.domain.noun import LabelName, Noun
from classwright_tools.domain.topic_tree import Cell


class ConfusedPair(Noun):
    """Two labels that the model mixes up, with texts that show it."""

    label: LabelName
    predicted: LabelName
    count: int = Field(ge=1)
    examples: tuple[str, ...] = Field(max_length=5)


class LabelIssue(Noun):
    """A row whose given label is probably wrong."""

    example: str = Field(description="The row's id.")
    split: Literal["train", "validation"] = Field(description="Where the row is.")
    text: str
    given: LabelName
    suggested: LabelName
    given_probability: float = Field(ge=0, le=1, description="Of the given label; low means suspect.")
    suggested_probability: float = Field(ge=0, le=1, description="Of the suggested one.")


class ErrorCluster(Noun):
    """Errors that resemble each other."""

    name: str = Field(description="The words that set the cluster apart.")
    errors: int = Field(ge=1)
    labels: dict[str, int]
    examples: tuple[str, ...] = Field(max_length=5)


class CellFinding(Noun):
    """A cell with too few rows, or with rows that repeat each other."""

    cell: Cell
    finding: Literal["missing", "redundant"]
    rows: int = Field(ge=0)
    detail: str


class StyleGap(Noun):
    """How written texts differ from real ones in one measure."""

    measure: str
    label: LabelName | None = Field(default=None, description="Whose texts alone are compared; None: all.")
    written: Estimate
    real: Estimate
    differs: bool = Field(description="Whether the difference is more than chance.")
    reading: str


class GroupEffect(Noun):
    """Written rows of one round, contrast or topic, and what they do for the answers to real validation rows."""

    group: str
    rows: int = Field(ge=1)
    won: int = Field(ge=0, description="Real rows that a probe gets right with the group and wrong without it.")
    lost: int = Field(ge=0, description="Real rows that it gets wrong with the group and right without it.")
    hurts: bool = Field(description="Whether more are lost than won, by more than chance.")

    @property
    def sentence(self) -> str:
        """The effect as a sentence."""
        verdict = "they hurt" if self.hurts else "a gain" if self.gains else "no gain beyond chance"
        return (
            f"{self.group} ({self.rows} rows): a probe is right in {self.won} more validation rows with them, and "
            f"wrong in {self.lost} more: {verdict}."
        )

    @property
    def gains(self) -> bool:
        """Whether more rows are won than lost, by more than two standard errors of a fair coin."""
        return self.won - self.lost >= least_lead(self.won, self.lost)
