"""Gains of one model over another beside that in accuracy: those of the rarest label, and those of every row alike."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.noun import LabelName, Noun

Test = Literal["exact McNemar test", "sign-flip test over queries", "sign-flip test at the label shares"]


class TestedGain(Estimate):
    """What one of two models is better by, and the verdict of a paired test on it, which alone says what is chance."""

    p: float | None = Field(default=None, ge=0, le=1, description="Two-sided p of the test.")
    significant: bool | None = Field(
        default=None,
        description="Whether it is more than chance: `p` is below 5%, or Holm's bound of several figures.",
    )


class RareLabelGain(Noun):
    """One model against another where labels differ much in size: intervals of the paired bootstrap, and tests."""

    label: LabelName = Field(description="The rarest.")
    rows: int = Field(ge=1)
    recall_gain: TestedGain
    average_precision_gain: TestedGain
    balanced_accuracy_gain: TestedGain = Field(description="Of all labels.")

    @property
    def of_label(self) -> tuple[TestedGain, ...]:
        """The gains that are of the label alone."""
        return self.recall_gain, self.average_precision_gain

    @property
    def named(self) -> dict[str, TestedGain]:
        """The gains by their names in words."""
        return {
            f"recall of {self.label!r}": self.recall_gain,
            f"average precision of {self.label!r}": self.average_precision_gain,
            "balanced accuracy": self.balanced_accuracy_gain,
        }


class EveryRowAlike(Noun):
    """What the answers of two models show beside gains at label shares, where every row counts as one."""

    accuracy_gain: Estimate
    test: Test
    p: float = Field(ge=0, le=1)
    significant: bool
