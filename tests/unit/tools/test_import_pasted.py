"""A table that is pasted into the call: CSV, or the cells of a sheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_rows
from support.importing import ROWS, Importer, given, importer


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    return importer(context, task, folder)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_pasted_table_is_read_as_a_file_is(delimiter: str, end: str, run: Importer, context: ToolContext) -> None:
    lines = [("text", "label"), *((f'"{text}, he said ""now"""', label) for text, label in ROWS)]

    result = run(csv=end.join(delimiter.join(line) for line in lines))

    rows = read_rows(context.workspace, result.dataset or "", "train")
    assert [(row.text, row.label) for row in rows] == [(f'{text}, he said "now"', label) for text, label in ROWS]
    assert not list(context.workspace.root.glob(".staged-*"))


def test_a_pasted_table_without_the_column_is_told_which_it_has(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"has no column 'text'; it has 'message', 'kind'.*text_column"):
        run(csv="message,kind\nwhere is it,delivery\n")


def test_a_pasted_table_and_rows_are_two_sources(run: Importer) -> None:
    with pytest.raises(InvalidInput, match="exactly one of `rows`, `csv`, `path`, `hub`"):
        run(csv="text,label\nx y z,refund\n", rows=given(*ROWS))


def test_pasted_words_that_are_no_table_are_refused(run: Importer) -> None:
    with pytest.raises(InvalidInput, match="has no column 'text'"):
        run(csv="please have a look at these rows")
    with pytest.raises(InvalidInput, match=r"holds no rows\. Put rows into it"):
        run(csv="text,label\n")
