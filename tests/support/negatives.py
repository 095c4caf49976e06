"""What the tests of negatives share: made pairs at their places, and what is fitted to them, once for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.matching.negatives.generator import QueryGenerator, pretrained_generator
from classwright_tools.learning.matching.partner import PartnerOver
from classwright_tools.learning.torch_state import one_thread
from support.matching import MISMATCH, placed_rows, teacher_of


@pytest.fixture(autouse=True)
def on_one_thread() -> Iterator[None]:
    """Compute on one thread, so that sums come out the same."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> PlacedRows:
    """The made pairs."""
    return placed_rows(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def teacher(rows: PlacedRows) -> PartnerOver:
    """The teacher that is fitted to them."""
    return teacher_of(rows)


@pytest.fixture(scope="module")
def generator(rows: PlacedRows) -> QueryGenerator:
    """The generator that is pretrained on them."""
    return pretrained_generator(rows, MISMATCH, seed=0)
