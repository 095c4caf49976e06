"""A selection of rows: by their ids, by what they are, or by what they mean."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from classwright_tools.domain.example import Origin, Split
from classwright_tools.domain.noun import MAX_LABELS, MAX_TEXT_CHARS, LabelName, Noun
from classwright_tools.domain.topic_tree import Phrase

MOST_IDS = 5_000
MOST_LIKE = 1_000

RowId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class RowFilter(Noun):
    """Conditions that a row meets all of. Test rows meet them only where `splits` names them."""

    text: str | None = Field(default=None, min_length=1, max_length=1_000, description="Words in it, in any case.")
    labels: tuple[LabelName, ...] = Field(default=(), max_length=MAX_LABELS, description="One of these.")
    splits: tuple[Split, ...] = Field(default=(), max_length=4, description="Default: all but 'test'.")
    origins: tuple[Origin, ...] = Field(default=(), max_length=5, description="One of these.")
    round: int | None = Field(default=None, ge=0, le=10**6, description="In which it was written.")
    topic: Phrase | None = Field(default=None, description="Of its cell.")
    subtopic: Phrase | None = Field(default=None, description="Of its cell.")
    source_type: Phrase | None = Field(default=None, description="Of its cell.")
    contrast: LabelName | None = Field(default=None, description="The label that it was written to resemble.")


class RowsLike(Noun):
    """The rows whose meaning is nearest to a text's, or to another row's."""

    text: str | None = Field(default=None, min_length=1, max_length=MAX_TEXT_CHARS, description="What it says.")
    row: RowId | None = Field(default=None, description="In place of `text`.")
    count: int = Field(default=20, ge=1, le=MOST_LIKE, description="How many.")

    @model_validator(mode="after")
    def _text_or_row(self) -> RowsLike:
        if (self.text is None) == (self.row is None):
            raise ValueError("pass `text`, or `row`: one of the two")
        return self


class RowSelection(Noun):
    """Rows of a dataset: those named by `ids`; or those of `where`; or those `like` one, among those of `where`."""

    ids: tuple[RowId, ...] = Field(default=(), max_length=MOST_IDS, description="By find_examples.")
    where: RowFilter | None = Field(default=None, description="By conditions.")
    like: RowsLike | None = Field(default=None, description="Nearest in meaning, among those of `where`.")

    @model_validator(mode="after")
    def _ids_or_conditions(self) -> RowSelection:
        if bool(self.ids) == bool(self.where or self.like):
            raise ValueError("pass `ids`, or `where` and `like` or one of them")
        return self
