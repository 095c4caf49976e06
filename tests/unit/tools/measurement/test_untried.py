"""What is advised after a round without gain is what has not been tried yet on the rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from classwright_tools.domain.task import Task
from classwright_tools.measurement.untried import untried
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of, written_rows


def train(workspace: Workspace, dataset: str, tried: Sequence[str], encoder: str = "mine") -> None:
    """Keep a model of `dataset` that trainings list, of no files."""
    facts = {"dataset": dataset, "method": tried[0], "tried": list(tried), "encoder": encoder}
    key = f"{tried} {encoder}"
    workspace.publish("model", "support", lambda _: None, run_key=key, parent=dataset, facts=facts)


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return dataset_of(workspace, train=written_rows())


def test_methods_and_encoders_that_were_tried_are_not_advised(workspace: Workspace, task: Task, dataset: str) -> None:
    assert untried(workspace, task, dataset) == "`encoder` 'auto' or `method` 'probe' or `method` 'contrastive'"

    train(workspace, dataset, ["probe"])
    assert untried(workspace, task, dataset) == "`encoder` 'auto' or `method` 'contrastive'"

    train(workspace, dataset, ["contrastive", "probe"])
    assert untried(workspace, task, dataset) == "`encoder` 'auto'"

    train(workspace, dataset, ["probe", "auto"])
    assert untried(workspace, task, dataset) == ""


def test_two_encoders_that_models_were_trained_on_are_a_comparison_too(
    workspace: Workspace, task: Task, dataset: str
) -> None:
    train(workspace, dataset, ["probe"])
    train(workspace, dataset, ["probe"], encoder="another")

    assert untried(workspace, task, dataset) == "`method` 'contrastive'"
