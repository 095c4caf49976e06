"""A context with an encoder that is tuned quickly."""

from __future__ import annotations

import dataclasses

import pytest

from classwright_tools.context import ToolContext


@pytest.fixture
def context(context: ToolContext, shallow: str) -> ToolContext:
    return dataclasses.replace(context, encoder=shallow)
