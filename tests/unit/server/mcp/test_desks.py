"""Datasets that are laid out for the review page: read once, and with the labels that their task has now."""

from __future__ import annotations

from classwright_server.mcp.desks import MOST_DESKS, Desks
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.workspace import Workspace
from support.review import review_dataset


def test_rows_are_read_once_and_a_label_that_was_added_since_is_known(workspace: Workspace, task: Task) -> None:
    desks, dataset = Desks(), review_dataset(workspace, task)
    before = desks.desk(workspace, dataset)
    assert desks.desk(workspace, dataset) is before

    workspace.save_task(task.model_copy(update={"labels": (*task.labels, Label(name="weather"))}))
    now = desks.desk(workspace, dataset)

    assert now.labels == (*before.labels, "weather")
    assert now.table is before.table


def test_only_the_datasets_that_were_used_last_are_kept(workspace: Workspace, task: Task) -> None:
    desks = Desks()
    made = [review_dataset(workspace, task) for _ in range(MOST_DESKS + 1)]
    first = desks.desk(workspace, made[0])
    for dataset in made[1:]:
        desks.desk(workspace, dataset)

    assert desks.desk(workspace, made[0]) is not first
    assert desks.desk(workspace, made[-1]) is desks.desk(workspace, made[-1])
