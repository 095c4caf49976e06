"""A row as an answer of `find_examples` shows it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from classwright_tools.domain.example import Origin, Split
from classwright_tools.domain.noun import LabelName, Noun
from classwright_tools.domain.selection import RowId


class FoundRow(Noun):
    """One row."""

    id: RowId
    split: Split
    label: LabelName | None
    labels: tuple[LabelName, ...] | None
    origin: Origin
    text: str
    text_pair: str | None
    round: int | None
    cell: str | None = Field(description="Topic, subtopic, source type.")
    contrast: LabelName | None
    similarity: float | None
    note: str | None = Field(description="What is in doubt about it, or what changed.")

    @model_serializer(mode="wrap")
    def _what_it_has(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what the row has not: a page then holds more rows."""
        return {name: value for name, value in dump(self).items() if value is not None}
