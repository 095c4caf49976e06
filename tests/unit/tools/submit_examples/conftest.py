"""An assignment to submit texts to."""

from __future__ import annotations

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import save_dataset
from support.writing_verbs import save_tree, sentence


@pytest.fixture
def assignment(context: ToolContext, task: Task) -> Assignment:
    """An assignment of 120 texts in 6 batches, which joins a dataset of one test row and one training row."""
    save_tree(context.workspace, task)
    save_dataset(
        context.workspace,
        "support",
        {"train": [make_example(sentence(1), "refund")], "test": [make_example(sentence(2), "refund")]},
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    synthesize_examples(SynthesizeExamplesRequest(task="support", rows=120), context)
    return context.workspace.document("support-a1", "assignment", Assignment)
