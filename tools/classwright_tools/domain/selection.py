"""A selection of rows: by their ids, by what they are, or by what they mean."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from classwright_tools.domain.edits import Mark
from classwright_tools.domain.example import SPLITS, Origin, Split
from classwright_tools.domain.kinds import ModelId
from classwright_tools.domain.noun import MAX_LABELS, MAX_TEXT_CHARS, LabelName, Noun
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Phrase
from classwright_tools.errors import no_labels_yet

MOST_IDS = 5_000
MOST_LIKE = 1_000

LabelDoubt = Literal["suspect", "disagrees", "unsure"]
Doubt = Literal[LabelDoubt, "repeats", "out_of_scope"]
RowId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", examples=["025c3fa564a60a78"])]


class RowFilter(Noun):
    """Conditions that a row meets all of. Test rows meet them only where `splits` names them."""

    text: str | None = Field(default=None, min_length=1, max_length=1_000, description="Words in it.")
    labels: tuple[LabelName, ...] = Field(
        default=(), max_length=MAX_LABELS, description="One of these; 'a|b': both; '|': none."
    )
    splits: tuple[Split, ...] = Field(default=(), max_length=len(SPLITS), description="Default: all but 'test'.")
    origins: tuple[Origin, ...] = Field(default=(), max_length=len(get_args(Origin)), description="One of these.")
    round: int | None = Field(default=None, ge=0, le=10_000, description="The round that wrote it.")
    topic: Phrase | None = Field(default=None, description="Cell's.")
    subtopic: Phrase | None = Field(default=None, description="Cell's.")
    source_type: Phrase | None = Field(default=None, description="Cell's.")
    contrast: LabelName | None = Field(default=None, description="The label it resembles.")
    decided_by: str | None = Field(default=None, max_length=40, description="A reviewer.")
    source: str | None = Field(default=None, max_length=1_000, description="File or import.")


class RowsLike(Noun):
    """The rows whose meaning is nearest to a text's, or to another row's."""

    text: str | None = Field(default=None, min_length=1, max_length=MAX_TEXT_CHARS, description="What it says.")
    row: RowId | None = Field(default=None, description="Or like this row.")
    count: int = Field(default=20, ge=1, le=MOST_LIKE, description="How many.")

    @model_validator(mode="after")
    def _text_or_row(self) -> RowsLike:
        if (self.text is None) == (self.row is None):
            raise ValueError("pass `text`, or `row`: one of the two")
        return self


class RowConditions(Noun):
    """What to select rows by: their `ids`, or all of what else is given."""

    ids: tuple[RowId, ...] = Field(default=(), max_length=MOST_IDS, description="From find_examples.")
    where: RowFilter | None = Field(default=None, description="Conditions.")
    like: RowsLike | None = Field(default=None, description="Nearest in meaning.")
    doubt: Doubt | None = Field(default=None, description="As found.")
    model: ModelId | None = Field(default=None, description="Whose doubt; else a probe's.")
    mark: Mark | None = Field(default=None, description="'person': vouched for.")

    @property
    def is_picked(self) -> bool:
        """Whether the rows are picked one by one, and by no rule that a row meets by itself."""
        return bool(self.ids or self.like or self.doubt or self.mark)

    @property
    def doubts_labels(self) -> bool:
        """Whether rows are meant that a model judges by its labels."""
        return self.doubt not in (None, "repeats")

    @property
    def is_computed(self) -> bool:
        """Whether rows are read by the encoder to find those that are meant."""
        return bool(self.like or self.doubt)

    @model_validator(mode="after")
    def _ids_or_conditions(self) -> Self:
        if self.ids and (self.where or self.like):
            raise ValueError("pass `ids`, or `where` and `like`: not both")
        if self.ids and (self.mark or self.doubt):
            raise ValueError("pass `ids`, or `mark` and `doubt`: not both")
        return self

    @model_validator(mode="after")
    def _a_model_that_doubts(self) -> Self:
        if self.model and not self.doubts_labels:
            raise ValueError("leave `model` out: it is asked for `doubt`, but not whether rows repeat others")
        if self.doubt == "out_of_scope" and not self.model:
            raise ValueError("pass the `model` too: what it did not learn is out of its scope")
        return self


class RowSelection(RowConditions):
    """Rows of a dataset, by what is given of them."""

    @model_validator(mode="after")
    def _some(self) -> RowSelection:
        if not (self.where or self.is_picked):
            raise ValueError("pass `ids`, or one or more of `where`, `like`, `doubt` and `mark`")
        return self


class RowSearch(RowConditions):
    """Rows of a dataset that are looked for."""

    doubt: Doubt | None = Field(
        default=None,
        description="Most doubtful first. suspect: the label is doubted; disagrees: another is likelier; unsure: "
        "none stands out; repeats: nearly an earlier row (of pairs: equal); out_of_scope: foreign to `model`.",
    )


def check_doubt(rows: RowConditions, task: Task) -> None:
    """Raise an `InvalidInput` if labels are doubted where the task has none."""
    if rows.doubts_labels and not task.labels:
        raise no_labels_yet(f"doubt {rows.doubt!r}", task.slug)
