"""The journal and the run folders: nothing finished is lost, whatever moment a process is killed at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from classwright_agents.errors import RunError
from classwright_agents.journal import FILE, Journal, read_events
from classwright_agents.runs import LATEST, find_run, is_finished, new_run


def test_events_come_back_in_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append("call", step=1, tool="evaluate", arguments={"model": "m"})
    journal.append("result", step=1, seconds=0.5, result={"text": "déjà\nvu"})
    journal.close()

    again = Journal(tmp_path)

    assert [event["event"] for event in again.events] == ["call", "result"]
    assert again.events[1]["result"] == {"text": "déjà\nvu"}
    assert again.find("call", step=1) == again.events[0]
    assert again.find("call", step=2) is None


def test_every_cut_of_the_last_line_leaves_the_lines_before_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append("call", step=1)
    journal.append("result", step=1, result={"accuracy": 0.5})
    journal.close()
    whole = (tmp_path / FILE).read_bytes()
    first = whole.index(b"\n") + 1

    for length in range(first, len(whole)):
        (tmp_path / FILE).write_bytes(whole[:length])
        cut = Journal(tmp_path)
        assert [event["event"] for event in cut.events] == ["call"]
        cut.append("result", step=1, result={})
        cut.close()
        assert [event["event"] for event in read_events(tmp_path)] == ["call", "result"]


def test_a_damaged_line_in_the_middle_is_refused_by_its_number(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"event": "call"}\nnonsense\n{"event": "end"}\n')

    with pytest.raises(RunError, match="line 2"):
        Journal(tmp_path)


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    script = "import sys, pathlib; from classwright_agents.journal import Journal; Journal(pathlib.Path(sys.argv[1]))"

    second = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)

    assert "is being built by another process" in second.stderr
    journal.close()
    third = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert third.returncode == 0


def test_a_disk_that_cannot_be_written_is_told_and_leaves_the_events_before(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    script = """
import pathlib, resource, sys
from classwright_agents.errors import RunError
from classwright_agents.journal import Journal
journal = Journal(pathlib.Path(sys.argv[1]))
journal.append("start")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    journal.append("call", arguments="x" * 2_000)
except RunError as error:
    print(error)
journal.close()
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)

    assert "its journal cannot be written: File too large. Free some space" in done.stdout
    journal = Journal(tmp_path)
    journal.close()
    assert journal.events == [{"event": "start"}]


def test_a_journal_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    with pytest.raises(RunError, match="cannot be written: Is a directory"):
        Journal(tmp_path)


def write_run(runs: Path, name: str, *events: str) -> Path:
    (runs / name).mkdir(parents=True)
    journal = Journal(runs / name)
    for event in events:
        journal.append(event)
    journal.close()
    return runs / name


def test_the_latest_unfinished_run_of_the_task_is_found(tmp_path: Path) -> None:
    write_run(tmp_path, "support-20260101-100000", "call")
    wanted = write_run(tmp_path, "support-20260102-100000", "call", "result")
    write_run(tmp_path, "support-20260103-100000", "call", "end")
    write_run(tmp_path, "other-20260104-100000", "call")
    (tmp_path / "support-20260105-100000").mkdir()  # without a journal

    assert find_run(tmp_path, "support", LATEST) == wanted
    assert find_run(tmp_path, "support", wanted.name) == wanted
    assert find_run(Path("elsewhere"), "support", str(wanted)) == wanted


def test_a_finished_or_unknown_run_is_not_resumed(tmp_path: Path) -> None:
    done = write_run(tmp_path, "support-20260103-100000", "call", "end")

    assert is_finished(done)
    with pytest.raises(RunError, match="is finished"):
        find_run(tmp_path, "support", done.name)
    with pytest.raises(RunError, match="does not exist"):
        find_run(tmp_path, "support", "support-1")
    with pytest.raises(RunError, match="no unfinished run"):
        find_run(tmp_path, "support", LATEST)


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    folders = {new_run(tmp_path, "support") for _ in range(3)}

    assert len(folders) == 3
