"""Views of a job tell what it should take in all, and what is left of it while it runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from classwright_server.jobs.messages import Progress
from classwright_server.jobs.records import JobRecord
from classwright_server.jobs.view import JobStatus
from classwright_server.mcp.job_views import view_of, view_of_dry_run
from classwright_tools.domain.cost import CostEstimate

ESTIMATE = CostEstimate(
    seconds=110, seconds_low=80, seconds_high=170, memory_mb=900, rests_on="3 earlier runs on this machine"
)


def job(status: JobStatus, progress: Progress) -> JobRecord:
    now = datetime.now(UTC)
    return JobRecord("job_1", "train_classifier", "support", status, progress, None, now, now)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds since the epoch, which a test moves on."""
    moment = [1_000.0]
    monkeypatch.setattr("classwright_server.mcp.job_views.time.time", lambda: moment[0])
    return moment


def test_a_running_job_tells_what_is_left_and_what_was_estimated_before_it_began(now: list[float]) -> None:
    view = view_of(job("running", Progress(fraction=0.5, message="step 3 of 6", ends=now[0] + 52, estimate=ESTIMATE)))

    assert view.message == "step 3 of 6; about 50 s left"
    said = (
        "Before it began the estimate was about 2 min (80 s to 3 min), 900 MB of memory; this rests on 3 earlier runs"
    )
    assert said in view.summary
    assert view.estimate["seconds"] == 110
    assert "dollars" not in view.estimate


def test_what_is_left_goes_down_while_one_long_step_tells_nothing(now: list[float]) -> None:
    one = job("running", Progress(fraction=0.1, message="writing the graph", ends=now[0] + 25))

    told = []
    for seconds in (0, 10, 14.5, 10):
        now[0] += seconds
        told.append(view_of(one).message.removeprefix("writing the graph; "))
    assert told == ["about 25 s left", "about 15 s left", "about 1 s left", "it takes longer than was expected"]


def test_a_job_without_an_estimate_tells_none() -> None:
    view = view_of(job("running", Progress(fraction=0.5, message="step 3 of 6")))

    assert (view.message, view.estimate) == ("step 3 of 6", {})


def test_a_dry_run_tells_that_nothing_was_done() -> None:
    told = view_of_dry_run("train_classifier", ESTIMATE)

    assert told.summary.startswith("Nothing was done. train_classifier would take about 2 min")
    assert (told.job_id, told.status, told.result) == ("", "completed", None)
    assert told.estimate["memory_mb"] == 900
