"""Labels for more texts are not called worth more than written ones where the task's own comparison said otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from classwright_tools.domain.task import Task
from classwright_tools.measurement.errors_in_words import labels_gained_nothing
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of, written_rows


@pytest.fixture
def first(workspace: Workspace, task: Task) -> str:
    return dataset_of(workspace, train=written_rows())


def model(workspace: Workspace, dataset: str) -> str:
    """Keep a model of `dataset` of no files, and return its id."""
    made = workspace.publish("model", "support", lambda _: None, run_key=f"m {dataset}", facts={"dataset": dataset})
    return made.id


def compared(workspace: Workspace, one: str, other: str, verdict: str, key: str) -> str:
    facts: dict[str, Any] = {"model": one, "against": other, "split": "validation", "verdict": verdict}
    return workspace.publish("report", "support", lambda _: None, run_key=key, facts=facts).id


def version(workspace: Workspace, parent: str, tool: str) -> str:
    rows = {"train": written_rows()[:-1]}
    return save_dataset(workspace, "support", rows, parent=parent, run_key=f"{tool} {parent}", made_by=tool).id  # type: ignore[arg-type]  # the key is a split


def test_the_newest_comparison_of_more_labels_decides(workspace: Workspace, first: str) -> None:
    before, after = model(workspace, first), model(workspace, version(workspace, first, "annotate_examples"))
    assert labels_gained_nothing(workspace, "support") == ""

    report = compared(workspace, after, before, "no gain", "1")
    told = f"{after}, with more labels, does not gain on {before} ({report})"
    assert labels_gained_nothing(workspace, "support") == told

    compared(workspace, after, before, "gain", "2")
    assert labels_gained_nothing(workspace, "support") == ""


def test_rows_that_came_otherwise_leave_it_open_what_labels_gain(workspace: Workspace, first: str) -> None:
    labelled = version(workspace, first, "annotate_examples")
    before, after = model(workspace, first), model(workspace, version(workspace, labelled, "synthesize_examples"))

    compared(workspace, after, before, "loss", "1")

    assert labels_gained_nothing(workspace, "support") == ""
