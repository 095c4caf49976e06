"""A dataset of real and written rows, and a model of it."""

from __future__ import annotations

import pytest

from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of, real_rows, trained_on, written_rows


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    real = real_rows()
    return dataset_of(workspace, train=written_rows(), validation=real[::2], test=real[1::2])


@pytest.fixture
def model(workspace: Workspace, dataset: str) -> str:
    return trained_on(workspace, dataset)
