"""Measured figures, each with its uncertainty."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.advice import rows_to_tell
from classwright_tools.domain.noun import LabelName, Noun

Z = 1.959963984540054
"""The normal quantile of a two-sided 95% interval."""
LEAST_ROWS = 10
"""Of a label: of fewer its figures tell nothing."""
LEAST_TELLING = 6
"""Rows that just one of two models has right: of fewer the exact McNemar test is never below 5%, 5 to 0 is 6%."""


def least_lead(won: int, lost: int) -> int:
    """Return the least lead of rows won over rows lost that the exact McNemar test at 5% calls more than chance.

    It is that of as many rows won and lost together, or of `LEAST_TELLING` if these are fewer.
    """
    tosses = max(won + lost, LEAST_TELLING)
    tails, ways, rarer = 0, 1, 0  # of all 2^tosses: those with `tails`, and those with fewer
    while 2 * (rarer + ways) * 20 < 2**tosses:
        rarer += ways
        ways = ways * (tosses - tails) // (tails + 1)
        tails += 1
    return tosses - 2 * (tails - 1)


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


class ClassF1(Noun):
    """What answers show of one label's figures: precision and recall without intervals, which the report has."""

    label: LabelName
    f1: Estimate
    precision: float | None = Field(default=None, ge=0, le=1)  # answers that were kept earlier are without
    recall: float | None = Field(default=None, ge=0, le=1)
    rows: int = Field(ge=0)

    @classmethod
    def of(cls, found: ClassFigures) -> ClassF1:
        """Return what answers show of the figures `found`."""
        precision, recall = (round(one.value, 4) for one in (found.precision, found.recall))
        return cls(label=found.label, f1=found.f1, precision=precision, recall=recall, rows=found.support)


class Scores(Noun):
    """What a classifier reached on some rows, as far as models are chosen by it."""

    rows: int = Field(ge=1)
    accuracy: Estimate
    balanced_accuracy: Estimate = Field(description="The mean share found of the labels that the rows have.")
    macro_f1: Estimate = Field(description="The mean F1 of the labels that the rows have.")
    micro_f1: Estimate | None = Field(default=None, description="Of all labels together, where rows have several.")
    samples_f1: Estimate | None = Field(default=None, description="The mean F1 of a row's labels.")
    average_precision: Estimate | None = Field(
        default=None, description="Area under the precision-recall curve of a pair task's mismatch label."
    )
    not_covered: tuple[LabelName, ...] = Field(
        default=(), description="Labels that none of the rows has: of these the figures tell nothing."
    )
    guessing: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="What always answering the rows' most frequent label reaches in accuracy; in micro-F1 where rows "
        "have several.",
    )
    guessing_alike: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="What it reaches in balanced accuracy; None where rows have several labels, or a label that has "
        "rows has fewer than ten.",
    )
    guessing_ranked: float | None = Field(
        default=None, ge=0, le=1, description="What it reaches in average precision: the mismatches' share of the rows."
    )

    @property
    def judged_by(self) -> tuple[str, Estimate, float]:
        """The figure that tells whether a model is of use, its name in words, and what guessing reaches in it."""
        if self.average_precision and self.guessing_ranked is not None:
            return "average precision of the mismatches", self.average_precision, self.guessing_ranked
        if self.micro_f1:
            return "micro-F1", self.micro_f1, self.guessing
        return "accuracy", self.accuracy, self.guessing

    @property
    def guessing_ranked_in_words(self) -> str:
        """What guessing reaches in average precision, in words that come after the figure; "" where it is not known."""
        return "" if self.guessing_ranked is None else f", where guessing reaches {self.guessing_ranked:.3f}"

    @property
    def beats_guessing(self) -> bool:
        """Whether the model is better than guessing, by more than chance.

        Where one label is most of the rows, hardly any accuracy is: then it is to be better in balanced accuracy. Where
        pairs are ranked that is what counts, as to call none a mismatch is seldom wrong.
        """
        name, found, guessed = self.judged_by
        return found.low > guessed or (name == "accuracy" and self.tells_labels_apart)

    @property
    def most_frequent(self) -> str:
        """What guessing reaches, as a clause."""
        return f"always answering the most frequent label of these rows reaches {self.guessing:.3f}"

    @property
    def against_guessing(self) -> str:
        """How the figure that the model is judged by stands to guessing, which it does not beat: the end of a sentence.

        One that lies above it is only not shown to be better, and how many rows would tell is said.
        """
        name, found, guessed = self.judged_by
        base = self.most_frequent
        if name not in ("accuracy", "micro-F1"):
            base = f"to rank these rows at random reaches {guessed:.3f}"
        lead = found.value - guessed
        if lead <= 0:
            return f"is no better than guessing: {base}"
        enough = rows_to_tell(self.rows, lead, (found.value - found.low) / Z)
        return (
            f"is not shown to be better than guessing: {base}, and about {enough:,} such rows would tell whether it is"
        )

    @property
    def tells_labels_apart(self) -> bool:
        """Whether the balanced accuracy is better than guessing, by more than chance."""
        return self.guessing_alike is not None and self.balanced_accuracy.low > self.guessing_alike


class SetSizeFigures(Noun):
    """Of rows with so many labels the share that got all of them and no other."""

    labels: int = Field(ge=0)
    rows: int = Field(ge=1)
    right: Estimate


class Figures(Scores):
    """What a classifier reached on some rows."""

    weighted_f1: Estimate
    mcc: Estimate | None = Field(description="Matthews correlation coefficient, -1 to 1; of one label a row.")
    log_loss: float = Field(ge=0, description="Mean negative log-likelihood, in nats.")
    calibration_error: float = Field(ge=0, le=1, description="Expected calibration error, 15 equal-mass bins.")
    guessing_sets: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="What always giving the rows' most frequent set of labels reaches in accuracy, if several.",
    )
    by_size: tuple[SetSizeFigures, ...] = Field(
        default=(), description="Where rows may have several labels: by how many a row has, the fewest first."
    )


class OperatingPoint(Noun):
    """A threshold on a label's probability that was chosen to find a wanted share of the label's rows."""

    wanted: float = Field(ge=0, le=1, description="The recall that it was chosen for.")
    threshold: float = Field(ge=0, le=1)
    recall: Estimate
    read: float = Field(
        ge=0, le=1, description="Share of all rows, each label's counting for its share, that reach it."
    )


class BestF1(Noun):
    """The threshold on a label's probability from which on precision and recall are best balanced: F1 is highest."""

    threshold: float = Field(ge=0, le=1)
    f1: Estimate
    precision: Estimate | None = Field(description="None where no row reaches it.")
    recall: Estimate


class RareLabel(Noun):
    """How well a label is found that is the rarest, or of pairs the mismatch."""

    label: LabelName
    share: float = Field(ge=0, le=1, description="That the figures are at.")
    of_rows: float = Field(ge=0, le=1, description="The label's share of the rows that were measured.")
    precision: Estimate | None = Field(description="None where no row was answered so.")
    recall: Estimate
    recall_at_false_alarms: Estimate = Field(
        description="Of the threshold that 5% of the other labels' rows pass, or passed where it was chosen."
    )
    threshold: float | None = Field(default=None, description="That one, on the label's probability, if there is one.")
    false_alarms: float | None = Field(
        default=None, ge=0, le=1, description="Share of the other labels' rows that pass it."
    )
    points: tuple[OperatingPoint, ...] = Field(default=(), description="For recalls that one may want.")
    f1: Estimate | None = Field(default=None, description="Without a threshold; None in reports of before it was told.")
    best_f1: BestF1 | None = None


class LabelAtThreshold(Noun):
    """How well a label is found that is given from a threshold of its own on, and only then."""

    label: LabelName
    threshold: float | None = Field(description="None: without one of its own.")
    given: int = Field(ge=0, description="Rows that get the label.")
    precision: Estimate | None = Field(description="None: no row gets it.")
    recall: Estimate | None = Field(description="None: no row has it.")


class FiguresAtShares(Noun):
    """What a classifier reaches where labels have other shares than in the rows that it was measured on."""

    accuracy: Estimate
    rare: RareLabel | None = Field(
        description="Of pairs the mismatch; else the label of the smallest share, if that is under half an even one."
    )


class ReliabilityBin(Noun):
    """Rows of similar confidence: how sure the model was and how often it was right."""

    rows: int = Field(ge=1)
    confidence: float = Field(ge=0, description="Mean probability of the predicted label.")
    accuracy: Estimate


class Coverage(Noun):
    """Answers at or above one threshold."""

    threshold: float = Field(ge=0, le=1)
    kept: int = Field(ge=0, description="Rows that are answered.")
    share: float = Field(ge=0, le=1, description="Of all rows.")
    accuracy: Estimate = Field(description="Of the rows that are answered.")
