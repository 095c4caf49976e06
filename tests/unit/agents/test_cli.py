"""The agent's command line: light to start, and plain about wrong arguments."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from classwright_agents.cli import main

# What `pip install classwright` without an extra brings, besides the standard library.
FOREIGN = {"torch", "numpy", "pandas", "sklearn", "transformers", "pyarrow", "matplotlib", "sqlalchemy", "dbos"}


def write_task(folder: Path) -> Path:
    path = folder / "task.yaml"
    path.write_text("task: t\ninstruction: Tell a from b.\nlabels: [{name: a}, {name: b}]\n", encoding="utf-8")
    return path


def test_the_agent_loads_nothing_of_the_server_nor_the_libraries_of_the_tools() -> None:
    script = "import sys; import classwright_agents.program; print(*sorted({m.split('.')[0] for m in sys.modules}))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert set(loaded) & (FOREIGN | {"classwright_server"}) == set()


def test_a_task_file_that_does_not_exist_ends_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(tmp_path / "task.yaml"), "--runs", str(tmp_path / "runs")]) == 1

    assert "task file 'task.yaml': cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_two_servers_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["build", "task.yaml", "--server", "http://127.0.0.1:1/mcp", "--command", "classwright serve"])

    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("called", "where"),
    [
        ([str(Path(sys.executable).with_name("classwright-agent"))], ("--server", "http://127.0.0.1:9/mcp")),
        ([sys.executable, "-m", "classwright_agents.cli"], ("--command", f"{sys.executable} -c ''")),
    ],
)
def test_the_command_that_is_printed_is_the_one_given_and_resumes_a_run_whose_server_did_not_start(
    tmp_path: Path, called: list[str], where: tuple[str, str]
) -> None:
    def run(words: list[str]) -> list[str]:
        ended = subprocess.run(words, capture_output=True, text=True, env=os.environ | {"PATH": ""}, check=False)
        assert ended.returncode == 1
        return ended.stderr.splitlines()

    path = write_task(tmp_path).rename(tmp_path / "a task.yaml")

    said = run([*called, "build", str(path), "--runs", str(tmp_path / "runs"), *where])
    printed = shlex.split(said[0].partition("Go on with: ")[2])

    assert printed[: len(called)] == called
    assert printed[-2:] == list(where)
    assert run(printed) == said  # the same failure: the run itself was found
    (made,) = (tmp_path / "runs").iterdir()
    moved = made.rename(tmp_path / "a moved run")
    again = run([*printed, "--resume", str(moved)])
    assert str(moved) in shlex.split(again[0].partition("Go on with: ")[2])
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_an_unset_variable_leaves_empty_is_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    for flag, told in (("--server", "--server '': cannot be used"), ("--resume", "run '': does not exist")):
        assert main(["build", str(write_task(tmp_path)), "--runs", str(runs), flag, ""]) == 1
        assert told in capsys.readouterr().err
    assert main(["fetch", "tickets-x1", "--server", ""]) == 1
    assert "--server '': cannot be used" in capsys.readouterr().err
    assert not runs.exists()


def test_a_disk_without_room_for_the_task_file_is_told_in_a_line(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    script = (
        "import resource, sys; from classwright_agents.cli import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["build", str(write_task(tmp_path)), "--runs", str(tmp_path / "runs")]

    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "its task.yaml cannot be written: File too large. Free some space." in line


@pytest.mark.parametrize("mode", [0o600, 0o700])
def test_a_command_that_is_no_program_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    command = tmp_path / "serve"
    command.write_text("hello", encoding="utf-8")
    command.chmod(mode)

    assert main(["build", str(write_task(tmp_path)), "--runs", str(tmp_path / "runs"), "--command", str(command)]) == 1

    assert "cannot be started" in capsys.readouterr().err.splitlines()[-1]


def test_a_log_of_the_server_that_cannot_be_written_is_not_told_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    arguments = ["build", str(write_task(tmp_path)), "--runs", str(runs), "--command", f"{sys.executable} -c pass"]
    assert main(arguments) == 1
    (run,) = runs.iterdir()
    (run / "server.log").unlink()
    (run / "server.log").mkdir()  # no file can be opened there, whoever asks

    assert main([*arguments, "--resume", "latest"]) == 1

    said = capsys.readouterr().err.splitlines()[-1]
    assert f"run {run.name!r}: its server.log cannot be written: " in said


@pytest.mark.parametrize(
    ("where", "repair"),
    [
        (("--command", "a 'b"), "Quote it as a shell would."),
        (("--server", "nonsense"), "Pass a URL such as"),
        (("--command", f"{sys.executable} -c pass"), "server.log."),
        (("--server", "http://127.0.0.1:9/mcp"), "Is it a Classwright server?"),
    ],
)
def test_a_server_that_cannot_be_used_is_told_with_the_repair_for_what_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], where: tuple[str, str], repair: str
) -> None:
    assert main(["build", str(write_task(tmp_path)), "--runs", str(tmp_path / "runs"), *where]) == 1

    assert repair in capsys.readouterr().err.splitlines()[-1]


def test_the_last_line_of_a_server_that_did_not_start_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(script: str, *more: str) -> str:
        command = shlex.join([sys.executable, "-c", script])
        arguments = ["build", str(write_task(tmp_path)), "--runs", str(tmp_path / "runs"), "--command", command]
        assert main([*arguments, *more]) == 1
        return capsys.readouterr().err.splitlines()[-1]

    assert said("exit('usage: serve\\nno such flag: --writr')").endswith("server.log: no such flag: --writr")
    assert said("pass", "--resume", "latest").endswith("server.log.")  # not of the attempt before


def test_a_review_whose_server_does_not_start_names_a_log_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = shlex.join([sys.executable, "-c", "exit('no such flag: --writr')"])

    assert main(["review", "--command", command, "--no-browser"]) == 1

    (log,) = tmp_path.glob("classwright-review-*/server.log")
    assert f"are in {log}: no such flag" in capsys.readouterr().err
    assert "--writr" in log.read_text(encoding="utf-8")


def test_the_version_is_told_with_the_programs_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out == f"classwright-agent {version('classwright')}\n"


def test_an_unknown_run_is_not_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(write_task(tmp_path)), "--runs", str(tmp_path), "--resume", "latest"]) == 1

    assert "no unfinished run of 't'" in capsys.readouterr().err


def test_output_that_nobody_reads_to_its_end_stops_the_run_which_is_kept(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "classwright_server.cli", "serve", "--workspace", str(tmp_path / "w")])
    words = ["build", str(write_task(tmp_path)), "--runs", str(tmp_path / "runs"), "--command", command]
    process = subprocess.Popen(
        [sys.executable, "-m", "classwright_agents.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.close()  # where the progress goes
    assert process.stdout is not None

    assert process.stdout.read() == ""
    assert process.wait() == 2
    (run,) = (tmp_path / "runs").iterdir()
    assert '"event": "start"' in (run / "journal.jsonl").read_text(encoding="utf-8")
