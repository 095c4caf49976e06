"""The cards of a dataset and of a model."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import AliasChoices, Field

from classwright_tools.domain.comparison import Comparison, Measure
from classwright_tools.domain.example import Origin, Split
from classwright_tools.domain.figures import ClassFigures, Estimate, RareLabel, Scores
from classwright_tools.domain.kinds import AugmentationId, DatasetId
from classwright_tools.domain.noun import LabelName, Noun, Slug
from classwright_tools.domain.shares import TaskShares
from classwright_tools.domain.table_form import USUAL, TableForm
from classwright_tools.domain.task import TaskKind


class SplitCount(Noun):
    """How many rows of one label and origin a split holds."""

    split: Split
    label: LabelName | None
    origin: Origin
    rows: int = Field(ge=1)


class KeptSource(Noun):
    """A source of rows without labels whose rows lie beside a dataset as they came, in the source's order."""

    dataset: DatasetId | None = Field(default=None, description="The version beside which they lie. None: this one.")
    name: str = Field(description="The file or dataset that was imported; 'csv' or 'rows' of a call.")
    texts: tuple[str, ...] = Field(description="The columns of the texts: one, or of pairs two.")
    columns: tuple[str, ...] = Field(description="All columns, in the source's order.")
    rows: int = Field(ge=1)
    form: TableForm = Field(default=USUAL, description="Of a CSV file: the one that it came in.")


class DatasetCard(Noun):
    """What a dataset holds and where it came from."""

    task: Slug
    task_version: int = Field(ge=1)
    parent: DatasetId | None = None
    made_by: str = Field(description="The tool that made it.")
    imported: str = Field(
        default="", description="Of an import: the file or dataset that it brought; 'csv' or 'rows' of a call."
    )
    counts: tuple[SplitCount, ...]
    by_label: tuple[SplitCount, ...] = Field(
        default=(), description="Of a multi-label task: rows by each label that they have; `counts` name no label."
    )
    refused: dict[str, int] = Field(default_factory=dict, description="Rows that were not kept, by reason.")
    note: str = ""
    files: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of the splits, the edits and the kept source, by file name."
    )
    sources: tuple[KeptSource, ...] = Field(
        default=(), description="Where its rows without labels came from, the oldest first."
    )

    def rows(self, split: Split, origin: Origin | None = None) -> int:
        """How many rows `split` holds, of one `origin` or of all."""
        return sum(c.rows for c in self.counts if c.split == split and origin in (None, c.origin))

    def rows_to_learn(self, labels: Iterable[str]) -> dict[str, int]:
        """How many training rows have each of `labels`, if only among others."""
        train = [one for one in self.by_label or self.counts if one.split == "train"]
        return {name: sum(one.rows for one in train if one.label == name) for name in labels}

    def sources_of(self, dataset: DatasetId) -> tuple[KeptSource, ...]:
        """Return the sources of `dataset`, whose card this is, each with the version beside which its rows lie."""
        return tuple(one if one.dataset else one.model_copy(update={"dataset": dataset}) for one in self.sources)


class EncoderRef(Noun):
    """Which sentence encoder, to the byte."""

    name: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the encoder's weights and tokenizer.")
    windows: int = Field(
        default=1, ge=1, description="Up to how many windows of its length it reads of a text, one after the other."
    )


class Validation(Scores):
    """The figures that a model was chosen by, and the rows that they come from."""

    data: Origin = Field(description="'real' rows, or 'written' or 'annotated' rows held out group by group.")
    measured_on: str = Field(default="", description="The rows in words: which they are, and how they were held out.")


class Candidate(Noun):
    """A method that `auto` tried and did not keep."""

    method: str
    validation: Validation
    comparison: Comparison = Field(description="The method that was kept against this one, on the same rows.")
    tested_in: Measure = "accuracy"
    may_be_chance: bool = Field(description="Whether it leads by no more than chance in that.")

    @property
    def lead(self) -> Estimate:
        """What the method that was kept leads this one by, in the figure that the lead is tested in."""
        found = self.comparison
        if self.tested_in == "balanced accuracy" and found.balanced_accuracy_gain:
            return found.balanced_accuracy_gain
        return found.macro_f1_gain if self.tested_in == "macro-F1" else found.measure[1]


class ScopeCard(Noun):
    """From where on down a text is out of scope: unlike the rows that the model learnt, and probably of no label."""

    likeness: float = Field(description="The cosine to the nearest label's mean below which a text is out of scope.")
    flagged: Estimate = Field(description="The share of texts like the rows held out that is below it.")
    rows: int = Field(ge=1, description="Rows held out that set it.")
    data: Origin = Field(description="Whose texts these are, as in `validation`.")
    is_set_by_validation: bool = Field(default=False, description="As that of the card.")


class SharesEffect(Noun):
    """What deciding for label shares changes, in accuracy on the rows of `validation`."""

    by_own: float = Field(ge=0, le=1, description="If the model decided for these rows' own shares.")
    at_shares: float = Field(ge=0, le=1, description="Its own, each label's rows counting for its share.")
    at_shares_by_own: float = Field(ge=0, le=1, description="That of a model that decides for the rows' own shares.")


class ModelCard(Noun):
    """What a model is, what it was trained on and how good it was found."""

    task: Slug
    task_version: int = Field(ge=1)
    dataset: DatasetId
    augmentation: AugmentationId | None = Field(
        default=None, description="The generated rows that it was trained on too."
    )
    method: str
    encoder: EncoderRef
    labels: tuple[LabelName, ...]
    kind: TaskKind = "text"
    mismatch: LabelName | None = Field(default=None, description="The task's label for pairs that do not fit.")
    training_rows: dict[Origin, int]
    written_at_once: tuple[LabelName, ...] = Field(
        default=(), description="Labels of which most rows were written for one cell: those held out resemble others."
    )
    validation_rows_learnt: int = Field(
        default=0,
        ge=0,
        validation_alias=AliasChoices("validation_rows_learnt", "validation_rows"),  # the name on cards of before
        description="Rows of the validation split that it learnt from too.",
    )
    unlabelled_pairs: int = Field(default=0, ge=0, description="Pairs nobody labelled, taken for rows of a label.")
    remarks: tuple[str, ...] = Field(
        default=(), description="What a reader of the figures must know of the rows, a sentence each."
    )
    validation: Validation
    classes: tuple[ClassFigures, ...] = Field(default=(), description="Of each label, on the rows of `validation`.")
    grouped: Validation | None = Field(
        default=None, description="The method's figures on training rows that were held out by groups of cells."
    )
    temperature: float = Field(gt=0, description="Logits are divided by it; fitted on the validation rows.")
    shares: TaskShares | None = Field(
        default=None, description="Of the labels where the model is used; None: it knows of none."
    )
    shares_effect: SharesEffect | None = Field(default=None, description="None where validation rows do not tell it.")
    offsets: tuple[float, ...] = Field(
        default=(), description="Added to the divided logits, one a label: they put the probabilities at `shares`."
    )
    rare: RareLabel | None = Field(
        default=None, description="How well the rarest label is found, with the thresholds that these rows chose."
    )
    threshold: float = Field(
        ge=0, le=1, description="Not sure below this probability: 95% of the answers kept are right, if any can be."
    )
    unsure: float | None = Field(
        default=None, ge=0, le=1, description="Share of the rows that set `threshold` which are below it."
    )
    sure_right: float | None = Field(
        default=None, ge=0, le=1, description="Share of the others that it labels right; None: all are below it."
    )
    sure_rows: float | None = Field(
        default=None,
        ge=0,
        description="How many rows these others count as: fewer than they are where some weigh more.",
    )
    sure_by_label: dict[LabelName, tuple[int, int]] = Field(
        default_factory=dict, description="The sure answers of each, and the right ones; of several a row `sure_from`."
    )
    sure_from: tuple[float | None, ...] = Field(
        default=(),
        description="Where rows have several labels: the probability from which on 9 in 10 given of it are right, one "
        "a label; None: no such is known.",
    )
    sure_on: Origin | None = Field(default=None, description="Whose texts these rows are, as in `validation`.")
    set_by: str = Field(default="", description="These rows in words. They also calibrate it.")
    is_set_by_validation: bool = Field(
        default=False, description="Whether they are validation rows, not training rows that were held out."
    )
    thresholds: tuple[float, ...] = Field(
        default=(), description="Where rows have several labels: each applies from this probability on, one a label."
    )
    scope: ScopeCard | None = Field(default=None, description="None: the model does not tell what is out of scope.")
    seed: int
    seconds: float = Field(ge=0)
    versions: dict[str, str] = Field(description="Of the libraries that trained it.")
    files: dict[str, str] = Field(default_factory=dict, description="SHA-256 by file name.")

    @property
    def known_shares(self) -> TaskShares | None:
        """The shares that somebody stated, or that unlabelled texts told."""
        return None if self.shares and self.shares.source == "validation rows" else self.shares
