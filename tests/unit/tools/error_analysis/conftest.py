"""A dataset of real and written rows, one with errors, and a model."""

from __future__ import annotations

import pytest

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of, real_rows, support_tree, trained_on, written_rows


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    workspace.publish_document("topics", "support", support_tree(), run_key="tree")
    return dataset_of(workspace, train=written_rows(), validation=real_rows())


@pytest.fixture
def confused(workspace: Workspace, dataset: str) -> str:
    """A dataset with real rows of 'delivery' that read like 'refund'."""
    ends = ("now", "please", "today", "at last")
    hard = [make_example(f"give me back the money that i paid {end}", "delivery") for end in ends]
    return dataset_of(workspace, train=written_rows(), validation=[*real_rows(), *hard])


@pytest.fixture
def model(workspace: Workspace, dataset: str) -> str:
    return trained_on(workspace, dataset)
