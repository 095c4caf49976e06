"""Pictures of the tools: a map of the rows that were found, and confusion matrices; there if they are asked for."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from classwright_server.mcp.desks import Desks
from classwright_tools.domain.task import Task
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.find_examples import FindExamplesRequest, FindExamplesResult, find_examples
from classwright_tools.measurement.doubts import read_doubts
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on, dataset_of, real_rows, trained_on, written_rows


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return dataset_of(workspace, train=written_rows(), validation=real_rows())


def find(workspace: Workspace, **arguments: Any) -> FindExamplesResult:
    request = FindExamplesRequest.model_validate({"task": "support", "limit": 0, **arguments})
    return find_examples(request, context_on(workspace))


def is_png(picture: str | None) -> bool:
    return base64.b64decode(picture or "").startswith(b"\x89PNG")


def test_a_map_is_of_all_rows_that_were_found(workspace: Workspace, dataset: str) -> None:
    found = find(workspace, picture=True)
    refunds = find(workspace, picture=True, where={"labels": ["refund"]})

    assert is_png(found.picture)
    assert is_png(refunds.picture)
    assert refunds.picture != found.picture
    assert find(workspace).picture is None


def test_doubts_are_computed_without_a_map_which_is_drawn_where_it_is_asked_for(
    workspace: Workspace, dataset: str
) -> None:
    find(workspace, doubt="suspect")
    alone = read_doubts(workspace, dataset, None)
    before = Desks().doubts(workspace, dataset, None)
    find(workspace, picture=True)
    mapped = read_doubts(workspace, dataset, None)

    assert alone
    assert not alone.has_map
    assert before is None  # the review page asks for them with a map
    assert mapped
    assert mapped.has_map
    assert mapped.doubt.tolist() == alone.doubt.tolist()


def test_where_there_can_be_no_map_the_answer_says_why(workspace: Workspace, dataset: str) -> None:
    found = find(workspace, picture=True, where={"text": "nothing has these words"})

    assert found.picture is None
    assert "There is no map of them" in found.summary


@pytest.mark.parametrize("several", [False, True])
def test_rows_without_labels_have_a_map(workspace: Workspace, task: Task, several: bool) -> None:
    if several:
        workspace.save_task(task.model_copy(update={"multi_label": True}))
    bare = [row.model_copy(update={"label": None}) for row in real_rows()]
    dataset_of(workspace, unlabelled=bare)

    found = find(workspace, picture=True, limit=3)

    assert is_png(found.picture)
    assert len(found.rows) == 3


def test_versions_are_compared_without_a_map(workspace: Workspace, dataset: str) -> None:
    with pytest.raises(ValidationError, match="with `where` alone"):
        find(workspace, compare_to=dataset, picture=True)


def test_reports_come_with_their_confusion_matrix(workspace: Workspace, dataset: str) -> None:
    model, context = trained_on(workspace, dataset), context_on(workspace)

    for is_asked in (True, False):
        measured = evaluate(EvaluateRequest(model=model, picture=is_asked), context)
        analysed = error_analysis(ErrorAnalysisRequest(model=model, picture=is_asked), context)
        assert is_png(measured.picture) == is_png(analysed.picture) == is_asked
