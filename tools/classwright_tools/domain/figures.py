"""Numbers that were measured, each with its uncertainty."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from classwright_tools.domain.noun import LabelName, Noun


class Estimate(Noun):
    """A figure and its 95% interval."""

    value: float
    low: float = Field(description="The lower end of the 95% interval.")
    high: float = Field(description="The upper end of the 95% interval.")


class ClassFigures(Noun):
    """Precision, recall and F1 of one label, and how many rows of it there were."""

    label: LabelName
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int = Field(ge=0)


class Confusion(Noun):
    """How often rows of one label were given another."""

    label: LabelName
    predicted: LabelName
    count: int = Field(ge=1)
    share: float = Field(ge=0, le=1, description="Of the label's rows.")


class Figures(Noun):
    """What a classifier reached on some rows."""

    rows: int = Field(ge=1)
    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    mcc: Estimate = Field(description="Matthews correlation coefficient, -1 to 1.")
    log_loss: float = Field(ge=0, description="Mean negative log-likelihood, in nats.")
    calibration_error: float = Field(ge=0, le=1, description="Expected calibration error, 15 equal-mass bins.")
    average_precision: Estimate | None = Field(
        default=None, description="Area under the precision-recall curve of a pair task's mismatch label."
    )


class Comparison(Noun):
    """One model against another on the same rows, by paired tests."""

    against: str = Field(description="The other model's id.")
    accuracy_gain: Estimate = Field(description="This model's accuracy minus the other's; paired bootstrap.")
    macro_f1_gain: Estimate = Field(description="This model's macro-F1 minus the other's; paired bootstrap.")
    average_precision_gain: Estimate | None = Field(
        default=None, description="This model's average precision of the mismatches minus the other's, for pairs."
    )
    only_this_right: int = Field(ge=0)
    only_other_right: int = Field(ge=0)
    p: float = Field(ge=0, le=1, description="Two-sided p of `test`.")
    test: Literal["exact McNemar test", "sign-flip test over queries"] = Field(
        default="exact McNemar test", description="For pairs McNemar's form for whole queries."
    )
    significant: bool = Field(description="Whether the difference is more than chance at 5%.")
