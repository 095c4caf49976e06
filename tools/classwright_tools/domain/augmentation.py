"""Rows that were generated as embeddings: what they are, whether they help, and how faithful they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from classwright_tools.domain.advice import Advice
from classwright_tools.domain.cards import EncoderRef
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import LabelName, Noun, Slug
from classwright_tools.domain.task import TaskKind

GenerationMethod = Literal["distribution_calibration", "gan", "smote", "mixup"]

LEAST_ROWS = 5
"""A label's: with fewer, neither its spread nor whether anything helps can be seen."""


class MeasuredGain(Noun):
    """What a classifier gains by the rows of one method, on rows held out group by group."""

    method: GenerationMethod
    judged_by: Literal["accuracy", "balanced accuracy"] = Field(
        default="accuracy", description="What `gain` is of: the latter where a label is rare."
    )
    gain: Estimate = Field(description="Smoothed; corrected for the rows that the folds share.")
    expected: float = Field(description="The gain to be expected: measured, and weighed with that on other sets.")
    advice: Advice
    accuracy: float = Field(description="With the generated rows.")
    without: float = Field(description="Of the same classifier on the real rows alone.")
    balanced_accuracy: float | None = Field(default=None, description="With them, where labels count alike.")
    balanced_without: float | None = Field(default=None, description="That of the real rows alone.")
    penalty: float = Field(gt=0, description="The classifier's C with the generated rows.")
    penalty_without: float = Field(gt=0, description="Its C on the real rows alone.")
    train_on_generated: float = Field(description="Accuracy on real rows of a classifier of generated rows alone.")
    test_on_generated: float = Field(description="Accuracy on generated rows of a classifier of real rows alone.")


class Likeness(Noun):
    """How one cloud of rows covers another, by five nearest neighbours."""

    precision: float
    recall: float
    density: float
    coverage: float


class FaithfulnessFigures(Noun):
    """How the generated rows compare with the real ones; no figure says enough by itself."""

    generated: Likeness
    real: Likeness = Field(description="One half of the real rows beside the other: what perfect rows would reach.")
    vendi_ratio: float = Field(description="Diversity (Vendi score) over that of as many real rows.")
    cosine: float = Field(description="Mean cosine of two generated rows.")
    real_cosine: float = Field(description="Mean cosine of two real rows.")
    nearest: float = Field(description="Mean cosine of a generated row and the real row nearest to it.")
    copies: float = Field(description="Share of generated rows that are as good as a real row.")


class MatchedCorpus(Noun):
    """What was learned from `pretrain_dataset`."""

    rows: int = Field(ge=0, description="Its rows, without copies of the task's.")
    matched: tuple[str, ...] = Field(description="Labels that the task has as well.")
    reused: bool = Field(description="Whether the pre-training was kept from an earlier call.")

    def remark(self, labels: Sequence[str], corpus: str) -> str:
        """Return what must be said of those `labels` of the task that `corpus` has not; nothing where it has all."""
        others = len(labels) - len(self.matched)
        if not self.matched:
            return f" {corpus} has no label of the task's: only the spread of its texts was learned."
        are = counted(others, "label is", "labels are")
        return f" {are} not in {corpus}, with only the task's rows to start from." if others else ""


class AugmentationCard(Noun):
    """What a set of generated rows is and how it came to be."""

    task: Slug
    task_version: int = Field(ge=1)
    kind: TaskKind = "text"
    dataset: DatasetId
    method: GenerationMethod
    encoder: EncoderRef
    labels: tuple[LabelName, ...]
    pretrain_dataset: DatasetId | None
    matched_labels: tuple[LabelName, ...] = Field(description="The task's labels that the corpus has as well.")
    target: int | None
    weight: float | None
    real_rows: int = Field(ge=1)
    generated_rows: dict[LabelName, int]
    measured: MeasuredGain
    faithfulness: FaithfulnessFigures
    warnings: tuple[str, ...]
    advice: str
    seed: int
    versions: dict[str, str] = Field(description="Of the libraries that generated it.")
    files: dict[str, str] = Field(default_factory=dict, description="SHA-256 by file name.")
