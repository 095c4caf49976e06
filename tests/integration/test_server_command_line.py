"""The command line where something outside is not as it should be: one sentence, the right exit code, no traceback."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from classwright_agents.cli import main as agent
from classwright_server.cli import main

PROGRAM = [sys.executable, "-m", "classwright_server.cli"]
WITHOUT = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        missing = {"torch", "sentence_transformers", "sklearn", "dbos", "sqlalchemy", "datasets", "numpy", "pyarrow"}
        return None if name.split(".")[0] in missing else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from classwright_agents.cli import main as agent
from classwright_server.cli import main
sys.exit(main(sys.argv[1:]))
"""


def ended(words: list[str]) -> tuple[int, str]:
    """Run a command to its end; return its exit code and the one line of its errors."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    """A link that leads to itself."""
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path / "loop"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--workspace", "~nobodyxx/ws"], "setting --workspace='~nobodyxx/ws': names the home of a user"),
        (["--import-folder", "~nobodyxx"], "setting --import-folder='~nobodyxx': names the home of a user"),
        (["--recorded", "~nobodyxx/r.jsonl"], "setting --recorded='~nobodyxx/r.jsonl': names the home of a user"),
        (["--workspace", "/proc/none/ws"], "workspace 'ws': cannot be written: no such file or directory"),
        (["--workspace", "/dev/null/ws"], "workspace 'ws': cannot be written: not a directory"),
        (
            ["--workspace", "/" + "w" * 300],
            "cannot be written: file name too long. Put right what is in the way",
        ),
    ],
)
@pytest.mark.parametrize("command", [["serve", "--http"], ["worker"]])
def test_a_place_that_cannot_be_used_is_told(
    command: list[str], flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *flags]) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("classwright: ")
    assert told in line


@pytest.mark.parametrize(
    ("program", "words", "told"),
    [
        (main, ["serve", "--workspce", "x"], "serve: error: there is no flag --workspce. Did you mean --workspace?"),
        (main, ["export", "a-d1", "out", "--fromat=csv"], "there is no flag --fromat. Did you mean --format?"),
        (main, ["serve", "--zzz"], "there is no flag --zzz. See --help."),
        (agent, ["build", "t.yaml", "--rnus", "x"], "there is no flag --rnus. Did you mean --runs?"),
    ],
)
def test_a_flag_that_is_misspelt_is_told_with_the_nearest(
    program: Callable[[list[str]], int], words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program(words)

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_workspace_that_leads_to_itself_is_told(loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--workspace", str(loop)]) == 2
    assert "--workspace" in capsys.readouterr().err or sys.version_info >= (3, 13)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on loopback where another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.example"])
def test_an_address_that_cannot_be_listened_on_is_told(host: str, taken: int, tmp_path: Path) -> None:
    where = [
        "--workspace",
        str(tmp_path),
        "--port",
        str(taken),
        "--host",
        host,
        "--allow-host",
        "x",
        "--token-env",
        "T",
    ]
    done = subprocess.run(
        [*PROGRAM, "serve", "--http", *where], env={**os.environ, "T": "t" * 40}, capture_output=True, text=True
    )

    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"classwright: address {host}:{taken}: cannot be listened on: ")
    assert line.endswith("choose another --port or --host.")


@pytest.mark.parametrize(
    ("command", "who"),
    [
        (["serve"], "The server"),
        (["worker"], "The server"),
        (["doctor"], "The server"),
        (["classify", "reviews-m1", "in.csv", "-o", "out.csv"], "classwright classify"),
        (["export", "reviews-d1", "folder"], "classwright export"),
    ],
    ids=lambda words: words[0],
)
def test_the_missing_extra_is_named(command: list[str], who: str) -> None:
    code, line = ended([sys.executable, "-c", WITHOUT, *command])

    assert code == 2
    assert line.startswith(f"classwright: {who} needs classwright[server]: without it these are not installed: dbos, ")
    assert line.endswith('Run `pip install "classwright[server]"`.')


def test_an_export_is_classified_with_by_the_libraries_that_run_it_alone(tmp_path: Path) -> None:
    words = ["classify", str(tmp_path), "in.csv", "-o", str(tmp_path / "out.csv")]
    code, line = ended([sys.executable, "-c", WITHOUT, *words])
    words[1] = str(tmp_path / "misspelt")
    _, opened = ended([sys.executable, "-c", WITHOUT.replace('"numpy", ', ""), *words])

    assert code == 2
    assert line.startswith("classwright: classwright classify needs classwright[run]: ")
    assert line.endswith('installed: numpy. Run `pip install "classwright[run]"`.')
    assert f"Folder '{words[1]}' holds no export: it is not there" in opened


def test_output_that_nobody_reads_to_its_end_is_told() -> None:
    process = subprocess.Popen([*PROGRAM, "tools"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()

    assert process.wait() == 2
    assert told == "classwright: the output was closed before its end.\n"


@pytest.mark.parametrize("flags", [["serve"], ["serve", "--http", "--port", "0"], ["worker"]])
def test_ctrl_c_on_a_terminal_ends_it_in_a_sentence(flags: list[str], tmp_path: Path) -> None:
    """The process has a terminal of its own, and gets what a person types there."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [*PROGRAM, *flags, "--workspace", str(tmp_path / "w")])
    _wait_for(tmp_path / "w" / "jobs.sqlite")
    os.write(terminal, b"\x03")
    said = b""
    while True:
        try:
            read = os.read(terminal, 1 << 12)
        except OSError:  # how a terminal ends
            break
        if not read:
            break
        said += read
    _, status = os.waitpid(child, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 130
    assert b"Traceback" not in said
    assert b"classwright: stopped by Ctrl-C." in said


def _wait_for(path: Path) -> None:
    """Return once a process has made the file `path`: it serves by then."""
    script = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=120)
