"""The outcome of writing: how many texts were kept, which were refused, what is missing and why."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.assignment import BatchId
from classwright_tools.domain.noun import LabelName, LabelsName, Noun
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.usage import WriterUsage

ENDED = "label ended meanwhile"
"""Why a row is not kept: its label was split, or taken away, and no writer could know."""


class Refusal(Noun):
    """A candidate that was not kept, and why."""

    text: str = Field(description="The text, shortened to 200 characters; empty where it repeats a test row.")
    label: LabelsName
    reason: str


class RefusedText(Noun):
    """A submitted text that was not kept."""

    batch: BatchId
    index: int = Field(ge=0, description="Its place among the batch's.")
    reason: str
    repair: str


class Shortfall(Noun):
    """Rows that are missing in one cell or contrast, and why."""

    cell: Cell
    contrast: LabelName | None = None
    missing: int = Field(ge=1)
    reason: str


class WritingOutcome(Noun):
    """The result of a writing run, kept beside the dataset that it made."""

    wanted: int = Field(ge=0)
    accepted: int = Field(ge=0)
    refused: dict[str, int] = Field(default_factory=dict, description="Candidates that were not kept, by reason.")
    refusals: tuple[Refusal, ...] = ()
    missing: tuple[Shortfall, ...] = ()
    usage: WriterUsage | None = None
    repair: str = Field(default="", description="What helps where a request failed.")

    @property
    def refused_in_words(self) -> str:
        """The end of a sentence that counts what was refused; empty if nothing was."""
        causes = ", ".join(f"{reason} {n}" for reason, n in sorted(self.refused.items(), key=lambda item: -item[1]))
        return f"; refused: {causes}" if causes else ""
