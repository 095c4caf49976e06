"""An encoder that is tuned quickly, and a context that uses it."""

from __future__ import annotations

import dataclasses

import pytest

from classwright_tools.context import ToolContext
from support.learning import shallow_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An encoder that is tuned in half the time."""
    return str(shallow_encoder(tmp_path_factory.mktemp("encoder") / "shallow"))


@pytest.fixture
def context(context: ToolContext, encoder: str) -> ToolContext:
    return dataclasses.replace(context, encoder=encoder)
