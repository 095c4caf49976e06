"""Annotations: unlabelled texts that are to be labelled, in batches, and the answers to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from classwright_tools.domain.edits import Decider
from classwright_tools.domain.kinds import AnnotationId, DatasetId, ModelId
from classwright_tools.domain.label_sets import in_order, joined_labels, key_in_words
from classwright_tools.domain.noun import LabelName, Noun, PersonName, Slug, Text
from classwright_tools.domain.task import Task

Order = Literal["typical", "informative", "random"]
LabelledByAnnotation = Literal["train", "validation"]
"""The splits that rows go to with their labels."""


class Answer(Noun):
    """What an annotator says of one text: a label, several candidates, that no label fits, or nothing.

    Where rows may have several labels, `labels` are all that apply.
    """

    labels: tuple[LabelName, ...] = ()
    unsure: bool = False
    by: Decider = "model"
    person: PersonName | None = Field(default=None, description="The name of the person.")

    @property
    def decider(self) -> str:
        """Who gave it, by name where one was given."""
        return self.person or f"a {self.by}"

    @property
    def label(self) -> LabelName | None:
        """The label, if it is one and sure."""
        return self.labels[0] if len(self.labels) == 1 else None

    def fits_none(self, task: Task) -> bool:
        """Return whether it says that no label of `task` fits; where rows may have several, that labels a row."""
        return not task.multi_label and not self.labels and not self.unsure

    def key(self, task: Task) -> str | None:
        """Return the `Example.label_key` that a row of `task` gets by the answer; None if it stays unlabelled."""
        if not task.multi_label:
            return self.label
        return None if self.unsure else joined_labels(in_order(self.labels, task.label_names))

    def says_as(self, other: Answer) -> bool:
        """Whether it says the same of a text as another one, whoever gave them."""
        return ({*self.labels}, self.unsure) == ({*other.labels}, other.unsure)

    def in_words(self, task: Task) -> str:
        """Return what it says of a row of `task`, in words."""
        if self.unsure:
            return "unsure"
        key = self.key(task)
        return repr(key_in_words(key)) if key else " or ".join(map(repr, self.labels)) or "no label that fits"


class TextToLabel(Noun):
    """One text of a batch. In a pair task `text` is the query and `text_pair` the item."""

    id: str = Field(description="Short, and of this annotation alone.")
    text: Text
    text_pair: Text | None = None
    characters: int | None = Field(default=None, description="Of the whole, where the text is cut.")


class RowToLabel(Noun):
    """One row of an annotation: its short id there, and its id in the dataset."""

    id: str
    row: str
    text: Text
    text_pair: Text | None = None


class Annotation(Noun):
    """Rows that were picked for labels, mixed with some whose label is known, which show how good the labels are.

    Those are not marked: they are the rows that are not among the unlabelled ones of the dataset.
    """

    task: Slug
    dataset: DatasetId
    on_newest: bool = Field(description="Whether the labels join the newest dataset of the end, or else `dataset`.")
    order: Order
    split: LabelledByAnnotation = "train"
    source: str = Field(default="", description="Of which alone the rows are; empty: of all.")
    picked_before: int = Field(
        default=0, ge=0, description="Rows that had been picked as hard from the texts that random ones are drawn from."
    )
    pool: int = Field(ge=1, description="Unlabelled rows that the rows were picked from.")
    batches: tuple[tuple[RowToLabel, ...], ...]
    model: ModelId | None = Field(
        default=None, description="Of which informative rows are the least certain, or whose accuracy random rows show."
    )
    answered_before: int = Field(
        default=0, ge=0, description="Unlabelled rows that were answered, and not asked again."
    )
    ended: dict[str, int] = Field(
        default={},
        description="Of these rows (of random ones: of their pool) those asked again, by the answer that ended.",
    )
    labelled_in: dict[DatasetId | AnnotationId, int] = Field(
        default={}, description="How many of these have a label in another version, or in an annotation still open."
    )

    @property
    def rows(self) -> tuple[RowToLabel, ...]:
        """All rows, batch by batch."""
        return tuple(row for batch in self.batches for row in batch)


class RefusedAnswer(Noun):
    """An answer that was not kept."""

    id: str
    reason: str
    repair: str
