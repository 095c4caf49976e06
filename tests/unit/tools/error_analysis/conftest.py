"""A dataset of real and written rows, one with errors, and a model."""

from __future__ import annotations

import pytest

from classwright_tools.domain.example import make_example
from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.filled import dataset as dataset
from support.filled import model as model
from support.filled import trained as trained
from support.filled import workspace as workspace
from support.measurement import dataset_of, real_rows, support_tree, written_rows
from support.shop import shop_task


def fill(workspace: Workspace) -> str:
    workspace.save_task(shop_task())
    workspace.publish_document("topics", "support", support_tree(), run_key="tree")
    return dataset_of(workspace, train=written_rows(), validation=real_rows())


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    return Filled(tmp_path_factory.mktemp("filled"), fill)


@pytest.fixture
def confused(workspace: Workspace, dataset: str) -> str:
    """A dataset with real rows of 'delivery' that read like 'refund'."""
    ends = ("now", "please", "today", "at last")
    hard = [make_example(f"give me back the money that i paid {end}", "delivery") for end in ends]
    return dataset_of(workspace, train=written_rows(), validation=[*real_rows(), *hard])
