"""A writer that an installed package brings: its flags are read, it is checked, and a server writes with it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_server.cli import main
from classwright_server.config.settings import ServerSettings, ToolSettings, settings_from
from classwright_server.jobs.environment import child_environment
from classwright_tools.errors import InvalidInput
from classwright_tools.installed import all_entry_points
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.registry import found_kinds
from support.paths import ROOT
from support.server import LONG, TASK, call, connected, topics

pytestmark = pytest.mark.anyio

PROGRAM = """
import json, random, sys
words = random.Random(sys.stdin.read())
days = ["in Oslo", "on Tuesday", "before lunch", "last winter", "near the quay", "at the fair"]
sentences = [f"The parcel with number {words.randrange(10**9)} came {words.choice(days)} and {words.choice(days)}"
             for _ in range(4)]
print(json.dumps({"items": sentences}))
"""


def installed(folder: Path, entry: str) -> None:
    """Put a package of one file into `folder`, with one entry point."""
    shutil.copy(ROOT / "docs" / "extending" / "writer.py", folder / "command_writer.py")
    about = folder / "command_writer-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: command-writer\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[classwright.writers]\n{entry}\n")


def forget_packages() -> None:
    """Have this process look anew at what is installed."""
    all_entry_points.cache_clear()
    found_kinds.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that this process, and those that it starts, import from."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))))
    forget_packages()
    yield folder
    forget_packages()
    sys.modules.pop("command_writer", None)


@pytest.fixture
def settings(site: Path, tmp_path: Path) -> ServerSettings:
    """Those of a server whose writer is the package's: a program that prints sentences."""
    installed(site, "command = command_writer:CommandSettings")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    flags = {
        "workspace": str(tmp_path / "ws"),
        "writer_command": shlex.join([sys.executable, str(program)]),
        "writer_command_key": "PROGRAM_KEY",
    }
    return settings_from(flags, {})


async def test_a_server_writes_with_it(settings: ServerSettings) -> None:
    async with connected(settings) as client:
        await call(client, "propose_topics", {**TASK, **topics(4)}, wait_seconds=LONG)
        view = await call(client, "synthesize_examples", {"task": "support", "rows": 8, "wait_seconds": LONG})

    written = view["result"]
    assert (written["accepted"], written["missing"]) == (8, [])
    rows = read_rows(Workspace(settings.tool_settings.workspace), written["dataset"], "train")
    assert {row.provenance.writer.split("/")[-1] for row in rows if row.provenance} == {"program.py"}


def test_its_settings_reach_another_process_and_its_key_only_one_that_writes(settings: ServerSettings) -> None:
    own = settings.tool_settings

    assert ToolSettings.model_validate_json(own.model_dump_json()) == own
    environment = {"PROGRAM_KEY": "k", "OTHER_KEY": "o", "CLASSWRIGHT_EXTENSION_PLACE": "p"}
    assert child_environment(own, environment, "writing")["PROGRAM_KEY"] == "k"
    assert child_environment(own, environment, "short").keys() & environment.keys() == {"CLASSWRIGHT_EXTENSION_PLACE"}


@pytest.mark.parametrize(("command", "code", "told"), [("true", 0, "is there"), ("none-such", 2, "not on the PATH")])
def test_the_doctor_asks_it(
    command: str, code: int, told: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(site, "command = command_writer:CommandSettings")

    assert main(["doctor", "--workspace", str(tmp_path / "ws"), "--writer-command", command]) == code
    assert told in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("command = command_writer:Absent", "cannot be loaded (AttributeError"),
        ("command = command_writer:CommandWriter", "is no subclass of WriterSettings"),
        ("command = command_writer:shlex", "is no subclass of WriterSettings"),
        ("recorded = command_writer:CommandSettings", "has the name of another writer"),
        ("other = command_writer:CommandSettings", "has 'command' as its `kind`, which must be the name of its entry"),
        (
            "command = command_writer:CommandSettings\nagain = command_writer:Again",
            "of another writer",
        ),
        ("loud = command_writer:Loud", "--metrics, and those of a writer begin with --writer-"),
    ],
)
def test_one_that_cannot_be_used_keeps_a_server_from_starting_and_nothing_else(
    entry: str, told: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(site, entry)
    with (site / "command_writer.py").open("a") as file:
        for kind, name in (("again", "writer_command"), ("loud", "metrics")):
            flag = f'Annotated[str, Flag({name!r}, "X", "x")]'
            file.write(f'\n\nclass {kind.title()}(WriterSettings):\n    kind: str = {kind!r}\n    x: {flag} = ""\n')
    place = ["--workspace", str(tmp_path / "ws")]

    assert main(["tools"]) == 0
    [fault] = found_kinds()[1]
    assert main(["serve", *place]) == 2
    printed = capsys.readouterr()
    assert main(["doctor", *place]) == 2
    [wrong] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WRONG")]

    assert told in str(fault)
    assert printed.err == f"classwright: {fault}\n"
    assert wrong == f"WRONG  extensions {fault}"
    assert isinstance(fault, InvalidInput)


def test_the_doctor_lists_what_is_brought_and_names_a_group_that_nothing_reads(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(site, "command = command_writer:CommandSettings")
    place = ["--workspace", str(tmp_path / "ws")]
    main(["doctor", *place])
    listed = capsys.readouterr().out
    (site / "command_writer-1.0.dist-info" / "entry_points.txt").write_text("[classwright.method]\nx = a:B\n")
    forget_packages()
    main(["doctor", *place])

    assert "writer 'command' (command_writer)" in listed
    told = "group of entry points 'classwright.method': is not read, so that x is not there. Did its package mean"
    assert f"WRONG  extensions {told} 'classwright.methods'?" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("open", "writer 'command' (command_writer): cannot be opened (RuntimeError: no luck). Correct it."),
        ("check", "RuntimeError: no luck. It comes of writer 'command' (command_writer): correct that."),
    ],
)
def test_one_whose_code_raises_is_named_by_the_doctor_and_before_a_server_starts(
    broken: str, told: str, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(site, "command = command_writer:CommandSettings")
    file = site / "command_writer.py"
    lines = file.read_text().splitlines()
    [place] = [number for number, line in enumerate(lines) if f"def {broken}(" in line]
    file.write_text("\n".join([*lines[: place + 1], '        raise RuntimeError("no luck")', *lines[place + 1 :]]))
    flags = ["--workspace", str(tmp_path / "ws"), "--writer-command", "true"]

    assert main(["doctor", *flags]) == 2
    [wrong] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WRONG")]
    assert wrong == f"WRONG  writer     {told}"
    if broken == "open":
        assert main(["serve", *flags]) == 2
        assert capsys.readouterr().err == f"classwright: {told}\n"
