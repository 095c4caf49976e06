"""The agent's command line: light to start, and plain about wrong arguments."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from classwright_agents.cli import main

# What `pip install classwright` without an extra brings, besides the standard library.
FOREIGN = {"torch", "numpy", "pandas", "sklearn", "transformers", "pyarrow", "matplotlib", "sqlalchemy", "dbos"}


def test_the_agent_loads_nothing_of_the_server_or_its_libraries() -> None:
    script = "import sys; import classwright_agents.program; print(*sorted({m.split('.')[0] for m in sys.modules}))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert set(loaded) & (FOREIGN | {"classwright_server", "classwright_tools"}) == set()


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


@pytest.mark.parametrize("where", [("--server", "http://127.0.0.1:9/mcp"), ("--command", f"{sys.executable} -c ''")])
def test_the_command_that_is_printed_resumes_a_run_whose_server_did_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], where: tuple[str, str]
) -> None:
    path = tmp_path / "a task.yaml"
    path.write_text("task: t\ninstruction: Tell a from b.\nlabels: [{name: a}, {name: b}]\n", encoding="utf-8")

    assert main(["build", str(path), "--runs", str(tmp_path / "runs"), *where]) == 1
    said = capsys.readouterr().err.splitlines()
    program, *arguments = shlex.split(said[0].partition("Go on with: ")[2])

    assert (program, arguments[-2:]) == ("classwright-agent", list(where))
    assert main(arguments) == 1
    assert capsys.readouterr().err.splitlines() == said  # the same failure: the run itself was found
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_an_unknown_run_is_not_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "task.yaml"
    path.write_text("task: t\ninstruction: Tell a from b.\nlabels: [{name: a}, {name: b}]\n", encoding="utf-8")

    assert main(["build", str(path), "--runs", str(tmp_path), "--resume", "latest"]) == 1

    assert "no unfinished run of 't'" in capsys.readouterr().err
