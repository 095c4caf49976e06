"""A dataset of real and written rows, and a model of it."""

from __future__ import annotations

import pytest

from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.filled import dataset as dataset
from support.filled import model as model
from support.filled import trained as trained
from support.filled import workspace as workspace
from support.measurement import dataset_of, real_rows, written_rows
from support.shop import shop_task


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    def fill(workspace: Workspace) -> str:
        workspace.save_task(shop_task())
        real = real_rows()
        return dataset_of(workspace, train=written_rows(), validation=real[::2], test=real[1::2])

    return Filled(tmp_path_factory.mktemp("filled"), fill)
