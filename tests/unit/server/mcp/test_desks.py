"""Datasets that are laid out for the review page: read once, and with the labels that their task has now."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from classwright_server.mcp import desks as desks_module
from classwright_server.mcp.desks import LEAST_BYTES, Desks
from classwright_tools.domain.decision import Decision
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.review.decisions import store
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_rows, read_table, save_dataset
from classwright_tools.workspace.removal import take_out
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of
from support.review import review_dataset

PATIENCE_SECONDS = 60.0


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


def test_those_of_a_memory_s_size_that_were_used_last_are_kept(
    workspace: Workspace, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks_module, "MOST_BYTES", 3 * LEAST_BYTES)
    desks = Desks()
    made = [review_dataset(workspace, task) for _ in range(4)]
    first, *rest = [desks.desk(workspace, dataset) for dataset in made]

    assert [desks.desk(workspace, dataset) for dataset in made[1:]] == rest
    assert desks.desk(workspace, made[0]) is not first


def test_a_task_that_was_removed_and_made_anew_has_its_own_rows_and_decisions(workspace: Workspace, task: Task) -> None:
    desks = Desks()

    def decided(first: str) -> tuple[str, list[str], Standing]:
        """Make the task with one row, decide on it and return the dataset, its texts, and where the rows stand."""
        workspace.save_task(task)
        dataset = dataset_of(workspace, task.slug, train=[make_example(f"{first} {n}", "refund") for n in range(3)])
        desk = desks.desk(workspace, dataset)
        decisions = [Decision(id=f"{first}-decision-{n}", action="accept", rows=desk.ids[n : n + 1]) for n in range(2)]
        store(workspace, task.slug, dataset, "ann-1", decisions)
        return dataset, [desk.text_of(row) for row in desk.ids], desks.standing(workspace, task.slug)

    dataset, _, before = decided("before")
    take_out(workspace, task.slug)
    again, texts, since = decided("since")

    assert again == dataset
    assert texts == [f"since {n}" for n in range(3)]
    assert [entry.decision.id for entry in since.entries] == ["since-decision-1", "since-decision-0"]
    assert min(entry.number for entry in since.entries) > before.cursor  # a page that was open knows up to there


def test_a_dataset_is_at_hand_while_another_is_read(
    workspace: Workspace, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = Desks()
    small, large = review_dataset(workspace, task), review_dataset(workspace, task)
    found = desks.desk(workspace, small)
    reads, go_on = threading.Event(), threading.Event()

    def slowly(*given: Any) -> Any:
        reads.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return read_table(*given)

    monkeypatch.setattr(desks_module, "read_table", slowly)
    with ThreadPoolExecutor(2) as threads:
        try:
            reading = threads.submit(desks.desk, workspace, large)
            assert reads.wait(PATIENCE_SECONDS)
            assert threads.submit(desks.desk, workspace, small).result(PATIENCE_SECONDS) is found
        finally:
            go_on.set()
        assert reading.result() is desks.desk(workspace, large)
