"""The log of a compute process: each record has its time and stands on one line, and no text forges one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_server.jobs import forking
from classwright_server.jobs.forking import CAN_FORK
from support.forked import WITHOUT_LIBRARIES, Processes

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ classwright[.\w]*: ")


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """Processes of one test, whose fork server has nothing to import."""
    monkeypatch.syspath_prepend(tmp_path)  # where the tool is that they run
    made = Processes(tmp_path, WITHOUT_LIBRARIES)
    yield made
    made.warm.close()


@pytest.mark.parametrize("forked", [pytest.param(True, marks=pytest.mark.skipif(not CAN_FORK, reason="Linux")), False])
def test_a_text_in_the_error_of_a_job_forges_no_line_of_the_log(
    processes: Processes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, forked: bool
) -> None:
    monkeypatch.setattr(forking, "CAN_FORK", forked)
    forged = "2026-01-01 00:00:00,000 INFO classwright: all is well"

    outcome = processes.outcome(fails=f"the text\n{forged}\r{forged} \x1b[2J")
    processes.warm.close()

    said = capfd.readouterr().err
    lines = re.split("[\r\n]", said)
    [told] = [line for line in lines if "incident" in line]
    assert outcome.defect
    assert RECORD.match(told)
    assert forged in said
    assert [line for line in lines if line.startswith(forged)] == []
    assert "Traceback" in said
    assert "\x1b" not in said
