"""A dataset of real and written rows, and a model of it."""

from __future__ import annotations

import pytest

from support.filled import Filled
from support.filled import dataset as dataset
from support.filled import model as model
from support.filled import workspace as workspace
from support.measurement import real_rows, written_rows


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    real = real_rows()
    folder = tmp_path_factory.mktemp("filled")
    return Filled(folder, lambda _: None, train=written_rows(), validation=real[::2], test=real[1::2])
