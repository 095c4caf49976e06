"""Datasets that are laid out for the review page: read once, and with the labels that their task has now."""

from __future__ import annotations

from datetime import UTC, datetime

from classwright_server.mcp.desks import MOST_DESKS, Desks
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import read_rows, save_dataset
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


def test_rows_of_which_a_person_said_that_no_label_fits_are_known(workspace: Workspace, task: Task) -> None:
    dataset = review_dataset(workspace, task)
    first, second, *_ = (row.id for row in read_rows(workspace, dataset, "unlabelled"))
    when = datetime(2026, 5, 1, tzinfo=UTC)
    said = [
        Edit(action="fits_none", by="person", reason="", when=when, dataset=dataset, rows={first: ""}),
        Edit(action="fits_none", by="model", reason="", when=when, dataset=dataset, rows={second: ""}),
    ]
    marked = save_dataset(workspace, "support", {}, parent=dataset, run_key="n", made_by="t", edits=said).id

    assert Desks().desk(workspace, marked).decided == {first: "fits_none"}


def test_only_the_datasets_that_were_used_last_are_kept(workspace: Workspace, task: Task) -> None:
    desks = Desks()
    made = [review_dataset(workspace, task) for _ in range(MOST_DESKS + 1)]
    first = desks.desk(workspace, made[0])
    for dataset in made[1:]:
        desks.desk(workspace, dataset)

    assert desks.desk(workspace, made[0]) is not first
    assert desks.desk(workspace, made[-1]) is desks.desk(workspace, made[-1])
