"""The form of a CSV file: what stands between its columns and at the end of its rows, and whether it is marked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from classwright_tools.domain.noun import Noun


class TableForm(Noun):
    """The form that a person's program reads and writes; that of `classwright` where a source is no table of text."""

    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Between the columns.")
    marked: bool = Field(default=False, description="Whether a byte-order mark comes first, as Excel wants it.")
    line_end: Literal["\n", "\r\n"] = Field(default="\n", description="Of a row.")


USUAL = TableForm()
