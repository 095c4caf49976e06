"""What tests of `synthesize_examples` share: a tree to fill, a context with a writer, and what came of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example
from classwright_tools.domain.outcome import WritingOutcome
from classwright_tools.domain.task import Task
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import WriterFailed
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.writing_verbs import ScriptedWriter, save_tree, well_written


@pytest.fixture
def tree(workspace: Workspace, task: Task) -> str:
    """A tree of 3 labels with 8 cells each."""
    return save_tree(workspace, task)


def with_writer(
    context: ToolContext,
    script: Callable[[WritingRequest], Completion] = well_written,
    run_key: str = "run",
    **more: object,
) -> ToolContext:
    return replace(context, writer=ScriptedWriter(script, **more), run_key=run_key)  # type: ignore[arg-type]


def asked_of(context: ToolContext) -> list[WritingRequest]:
    assert isinstance(context.writer, ScriptedWriter)
    return context.writer.asked


def train_rows(context: ToolContext, dataset: str | None) -> list[Example]:
    assert dataset
    return read_rows(context.workspace, dataset, "train")


def whole_outcome(context: ToolContext, dataset: str | None) -> WritingOutcome:
    """Return the account that lies beside the dataset: the result itself holds the beginnings of its lists."""
    assert dataset
    path = context.workspace.artifact(dataset, "dataset").path / "writing.json"
    return WritingOutcome.model_validate_json(path.read_bytes())


def fails(request: WritingRequest) -> Completion:
    raise WriterFailed("the model", "refused to write this", "Ask for something else.")
