"""A source of rows that are imported: the rows, a table, a file, a dataset of the hub or of the task; its columns."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import MAX_LABELS, GivenText, Noun

SOURCES = ("rows", "csv", "path", "hub", "from_dataset")
SEPARATOR = "|"
"""Between a row's labels, where a source does not say otherwise."""
MOST_ROWS = 5_000  # given in a call
MOST_PASTED = 500_000  # characters


class GivenRow(Noun):
    """A row passed in the call."""

    text: GivenText = Field(description="The text; in a pair task the query.")
    text_pair: GivenText | None = Field(default=None, description="A pair task's second text: the item.")
    label: Annotated[str, Field(max_length=2_000)] | None = Field(default=None, description="Not for 'unlabelled'.")

    @field_validator("label", mode="before")
    @classmethod
    def _in_one_string(cls, label: Any) -> Any:
        """Take a list of labels as a file may have it; one of a single label is that label."""
        if not isinstance(label, list | tuple):
            return label
        return label[0] if len(label) == 1 else json.dumps(label, ensure_ascii=False)


class GivenSource(Noun):
    """Where rows are, and what its columns and labels are called. Exactly one of the `SOURCES` is given."""

    rows: tuple[GivenRow, ...] = Field(default=(), max_length=MOST_ROWS, description="The rows themselves.")
    csv: str | None = Field(default=None, max_length=MOST_PASTED, description="A pasted table with a header.")
    path: str | None = Field(
        default=None,
        max_length=500,
        description="In an import folder: a JSONL, CSV or Parquet file, or a folder of Hugging Face datasets.",
    )
    hub: str | None = Field(
        default=None,
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?(:[A-Za-z0-9_.-]+)?(@[A-Za-z0-9_.-]+)?$",
        description="A Hugging Face dataset as 'owner/name', with ':config' and '@split' if need be.",
    )
    from_dataset: DatasetId | None = Field(default=None, description="Another version: its rows of `split` join.")
    text_column: str = Field(default="text", max_length=200, description="The column of the texts.")
    pair_column: str | None = Field(
        default=None,
        max_length=200,
        description="A pair task's column of items, `text_column` having queries. Default: 'text' and "
        "'text_pair', or 'query' and 'item'.",
    )
    label_column: str = Field(default="label", max_length=200, description="Not read for 'unlabelled'.")
    label_names: dict[str, Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict,
        max_length=2 * MAX_LABELS,
        description="The source's labels to the task's, where they differ: {'0': 'spam'}.",
    )
    label_separator: str = Field(
        default=SEPARATOR, min_length=1, max_length=5, description="Between a row's labels, if several."
    )

    empty: Literal["none", "unlabelled"] = Field(default="none", description="What an empty cell means.")

    @property
    def name(self) -> str:
        """What the source is called, in errors and as that of its rows."""
        return self.path or self.hub or self.from_dataset or ("csv" if self.csv else "rows")
