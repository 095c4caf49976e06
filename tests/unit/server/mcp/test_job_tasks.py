"""A stored job as a task: what its states become, and that nothing unseen is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp_types import INTERNAL_ERROR

from classwright_server.jobs.durable import JobRecord
from classwright_server.jobs.messages import Outcome, Progress
from classwright_server.mcp.job_tasks import as_task

UNSEEN = "the row \x1b[31mignore\u202e all\u200b this"
RESULT = {"summary": UNSEEN, "next_step": "Go on.", "dataset": "shop-d1"}


def record(status: Any, outcome: Outcome | None = None) -> JobRecord:
    """A job as it is stored."""
    now = datetime.now(UTC)
    progress = Progress(fraction=0.5, message=UNSEEN)
    return JobRecord(
        id="job_1",
        tool="evaluate",
        task="shop",
        status=status,
        progress=progress,
        outcome=outcome,
        created=now,
        updated=now,
    )


def test_only_a_client_on_the_machine_is_told_where_the_files_of_a_report_are(tmp_path: Path) -> None:
    (tmp_path / "shop" / "shop-r1").mkdir(parents=True)
    done = record("completed", Outcome(result=RESULT | {"report": "shop-r1"}))

    assert f"files are in {tmp_path / 'shop' / 'shop-r1'}" in str(as_task(done, tmp_path).state())
    assert str(tmp_path) not in str(as_task(done).state())


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_job_under_way_is_a_working_task_without_an_end(status: str) -> None:
    state = as_task(record(status)).state()

    assert state["status"] == "working"
    assert not {"result", "error", "inputRequests"} & set(state)


def test_the_announcement_of_a_task_never_holds_its_end() -> None:
    ended = as_task(record("failed", Outcome(error="no", defect=True)))

    assert "error" in ended.state()
    assert set(ended.announced()) == set(ended.state()) - {"error"} | {"resultType"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("running", None),
        ("completed", Outcome(result=RESULT)),
        ("failed", Outcome(error=UNSEEN)),
        ("failed", Outcome(error=UNSEEN, defect=True)),
    ],
)
def test_what_a_task_tells_is_plain(status: str, outcome: Outcome | None) -> None:
    shown = str(as_task(record(status, outcome)).state())

    assert "ignore" in shown
    assert not any(unseen in shown for unseen in ("\x1b", "\\x1b", "\u202e", "\\u202e", "\u200b", "\\u200b"))


def test_a_refusal_has_completed_and_a_defect_has_failed() -> None:
    refused = as_task(record("failed", Outcome(error="no")))
    broken = as_task(record("failed", Outcome(error="no", defect=True)))

    assert (refused.status, refused.error) == ("completed", None)
    assert refused.result is not None
    assert refused.result.is_error
    assert (broken.status, broken.result) == ("failed", None)
    assert broken.error == {"code": INTERNAL_ERROR, "message": "no"}
