"""Each tool of the catalogue says of itself what is so."""

from __future__ import annotations

from typing import Any

import pytest

from classwright_tools.catalogue import catalogue
from classwright_tools.domain.kinds import ids_of
from classwright_tools.evaluate import EvaluateRequest
from classwright_tools.submit_examples import SubmitExamplesRequest
from classwright_tools.tool import ToolSpec, task_named
from classwright_tools.train_classifier import TrainClassifierRequest
from classwright_tools.work import always

TOOLS = list(catalogue().values())


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_is_in_the_file_of_its_name(tool: ToolSpec[Any, Any]) -> None:
    file = f"classwright_tools.{tool.name}"

    assert {tool.run.__module__, tool.request.__module__, tool.result.__module__} == {file}
    assert tool.work.__module__ in (file, always.__module__)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_what_a_tool_makes_is_named_in_its_result(tool: ToolSpec[Any, Any]) -> None:
    assert set(tool.makes) <= set(ids_of(tool.result).values())


def test_a_request_is_about_its_task_or_that_of_the_first_artifact_it_names() -> None:
    assert task_named(TrainClassifierRequest(task="shop", dataset="other-d1")) == "shop"
    assert task_named(EvaluateRequest(model="shop-m1")) == "shop"
    assert task_named(SubmitExamplesRequest(assignment="shop-a1", finish=True)) == "shop"
