"""The findings of an error analysis: confused pairs, missed labels, label errors, clusters, cells and style."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from classwright_tools.domain.excerpt import SHORT, counted, listed, shortened
from classwright_tools.domain.figures import Estimate, least_lead
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import LabelName, Noun
from classwright_tools.domain.topic_tree import Cell

_LISTED = 5


class ConfusedPair(Noun):
    """Two labels that the model mixes up, with texts that show it.

    Where rows may have several labels, `label` was missed where `predicted` was given wrongly.
    """

    label: LabelName
    predicted: LabelName
    count: int = Field(ge=1)
    examples: tuple[str, ...] = Field(max_length=5)


class DoubtedEdit(Noun):
    """Labels that one call gave to many rows, most of which a probe of all other rows contradicts."""

    version: DatasetId = Field(description="That the call made.")
    before: DatasetId = Field(description="The version before it.")
    by: str = Field(description="Who made it, when and why.")
    was: tuple[LabelName, ...] = Field(description="The labels that the rows had.")
    to: tuple[LabelName, ...] = Field(description="The labels that they got.")
    rows: int = Field(ge=1)
    judged: int = Field(ge=1, description="Rows of labels that other rows enough have.")
    contradicted: int = Field(ge=1)
    examples: tuple[str, ...] = Field(max_length=5)

    @property
    def sentence(self) -> str:
        """What was done, and how many of its labels other rows contradict."""
        was, to = (listed(map(repr, labels), _LISTED) for labels in (self.was, self.to))
        texts = "; ".join(repr(shortened(text, SHORT)) for text in self.examples)
        return (
            f"{counted(self.rows, 'row')} went from {was} to {to} in {self.version} at once, {self.by}: a simple "
            f"classifier (probe) of all other rows contradicts {self.contradicted} of {self.judged}, such as {texts}."
        )


class RowInError(Noun):
    """A row, and how probable the model finds the label that it missed or added there."""

    example: str = Field(description="The row's id.")
    text: str
    probability: float = Field(ge=0, le=1)


class LabelErrors(Noun):
    """A label of rows that may have several: how often the model missed it, and added it."""

    label: LabelName
    rows: int = Field(ge=0, description="That have the label.")
    missed: int = Field(ge=0, description="Of these, rows that were not given it (false negatives).")
    added: int = Field(ge=0, description="Rows without it that were given it (false positives).")


class LabelErrorRows(LabelErrors):
    """The same, with rows that show it."""

    missed_rows: tuple[RowInError, ...] = Field(max_length=5, description="Those that the model was surest of.")
    added_rows: tuple[RowInError, ...] = Field(max_length=5, description="Those that the model was surest of.")


class LabelsTogether(Noun):
    """Two labels that are given together in more rows than have both, by more than chance."""

    label: LabelName
    other: LabelName
    given: int = Field(ge=1, description="Rows that were given both.")
    rows: int = Field(ge=0, description="Rows that have both.")
    right: int = Field(ge=0, description="Rows that have both and were given both.")
    examples: tuple[str, ...] = Field(max_length=5, description="Given both without having both.")


class LabelIssue(Noun):
    """A row whose given label, or set of labels, is doubted.

    Where rows may have several labels, the two probabilities are of the label in which the two sets differ that is
    doubted most: that it is as given, and that it is not.
    """

    example: str = Field(description="The row's id.")
    split: Literal["train", "validation"] = Field(description="Where the row is.")
    text: str
    given: str
    suggested: str
    given_probability: float = Field(ge=0, le=1, description="Of the given label; low means suspect.")
    suggested_probability: float = Field(ge=0, le=1, description="Of the suggested one.")
    doubted: dict[LabelName, float] | None = Field(
        default=None, description="Of several labels, those in doubt: how probable each is as given."
    )


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
            f"{self.group} ({counted(self.rows, 'row')}): a simple classifier (probe) is right in "
            f"{counted(self.won, 'more validation row')} with them, and wrong in {self.lost} more: {verdict}."
        )

    @property
    def gains(self) -> bool:
        """Whether more rows are won than lost, by more than chance."""
        return self.won - self.lost >= least_lead(self.won, self.lost)
