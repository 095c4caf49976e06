"""What the tests of editing share: a dataset of all splits, and a function that edits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import SPLITS, Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, EditExamplesResult, edit_examples
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

Editor = Callable[..., EditExamplesResult]
TEST = (("the test says give it back and pay me", "refund"), ("the test asks where the van is", "delivery"))


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    """Thirty written training rows, six real validation rows, two test rows and six unlabelled ones."""
    test = [make_example(text, label) for text, label in TEST]
    unlabelled = [make_example(f"so, {row.text}", None) for row in unlabelled_rows(refund=2, delivery=2, account=2)]
    return save_rows(workspace, written_rows(), real_rows(), test, unlabelled)


@pytest.fixture
def edit(context: ToolContext) -> Editor:
    """A function that edits the rows of the task `support`."""
    return editor(context)


def editor(context: ToolContext, task: str = "support") -> Editor:
    """Return a function that makes changes, each call under a run key of its own."""
    calls = iter(range(1_000_000))

    def run(*changes: dict[str, Any], reason: str = "it was wrong", **fields: Any) -> EditExamplesResult:
        request = EditExamplesRequest.model_validate({"task": task, "reason": reason, "changes": changes, **fields})
        return edit_examples(request, replace(context, run_key=f"{task}-edit-{next(calls)}"))

    return run


def rows_of(workspace: Workspace, dataset: str | None) -> dict[str, Example]:
    """Return all rows of a dataset by their ids."""
    assert dataset
    return {row.id: row for split in SPLITS for row in read_rows(workspace, dataset, split)}


def bytes_of(workspace: Workspace, dataset: str) -> dict[str, bytes]:
    """Return the files of a dataset's rows."""
    return bytes_in(workspace.artifact(dataset, "dataset").path)


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Return the files of rows in a dataset's folder."""
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def row_with(workspace: Workspace, dataset: str, words: str) -> Example:
    """Return the one row that holds `words`."""
    (row,) = (row for row in rows_of(workspace, dataset).values() if words in row.text)
    return row
