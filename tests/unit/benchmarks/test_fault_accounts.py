"""The accounts of the fault run see what they are there to see: a fault run that finds nothing has looked."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from faulting.accounts import artifact_account, row_account
from faulting.endpoint import Serving, paid_twice

ROWS = [make_example(f"where is parcel {number}?", "delivery") for number in range(4)]
KILL = (10.0, 11.0)


@pytest.fixture
def datasets(workspace: Workspace, task: Task) -> list[str]:
    """A dataset of three rows, and one of four that was made of it."""
    first = save_dataset(workspace, "support", {"train": ROWS[:3]}, parent=None, run_key="1", made_by="import_examples")
    again = save_dataset(workspace, "support", {"train": ROWS}, parent=first.id, run_key="2", made_by="import_examples")
    return [first.id, again.id]


def imported(dataset: str, rows: int) -> dict[str, Any]:
    """The view of a job that says to have imported so many rows."""
    return {"tool": "import_examples", "status": "completed", "result": {"dataset": dataset, "imported": rows}}


@pytest.mark.parametrize(
    ("times", "stored", "expected"),
    [
        ((9.0, 12.0), {}, (1, 0)),  # asked before the kill, and again after it
        ((9.0, 12.0), {"a": 12.5}, (1, 0)),
        ((9.0, 12.0), {"a": 9.5}, (0, 1)),  # it had been stored before the kill
        ((5.0, 6.0), {"a": 6.5}, (0, 1)),  # nothing was killed in between
        ((12.0, 13.0), {}, (0, 1)),
        ((9.0,), {}, (0, 0)),
    ],
)
def test_a_completion_is_paid_twice_for_a_kill_or_without_a_reason(
    times: tuple[float, ...], stored: dict[str, float], expected: tuple[int, int]
) -> None:
    servings = [Serving("a", time, usable=True) for time in times] + [Serving("a", 9.1, usable=False)]
    assert paid_twice(servings, stored, [KILL]) == expected


def test_whole_datasets_with_all_their_rows_are_no_fault(workspace: Workspace, datasets: list[str]) -> None:
    views = [imported(datasets[0], 3), imported(datasets[1], 1)]
    assert row_account(workspace, views) == {"accepted": 4, "lost": 0, "duplicate": 0}
    assert artifact_account(workspace) == {"checked": 2, "half_written": 0, "which": []}


def test_rows_that_are_missing_or_there_twice_are_counted(workspace: Workspace, datasets: list[str]) -> None:
    fewer = {"train": [*ROWS[1:], ROWS[3]]}
    save_dataset(workspace, "support", fewer, parent=datasets[1], run_key="3", made_by="import_examples")

    views = [imported(datasets[1], 2)]  # it added one
    assert row_account(workspace, views) == {"accepted": 2, "lost": 2, "duplicate": 1}


@pytest.mark.parametrize("damage", ["cut", "gone", "foreign"])
def test_an_artifact_that_is_not_whole_is_counted(workspace: Workspace, datasets: list[str], damage: str) -> None:
    folder = workspace.root / "support" / datasets[0]
    if damage == "cut":
        path = folder / "train.parquet"
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "gone":
        folder.rename(workspace.root / "elsewhere")
    else:
        (workspace.root / "support" / "support-d3").mkdir()

    assert artifact_account(workspace)["half_written"] > 0
