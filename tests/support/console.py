"""Commands in the documents: a page's blocks of a console are run in one shell, and what they print is compared.

A block of the language `console` has commands after "$ " and under each the lines that it prints, "..." in the place of
some. A block whose info string ends in a name of a file is that file.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.paths import ROOT

_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<file>[\w.-]+))?\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_MARK = "--- next command ---"
_SKIPPED = "..."
_NUMBER = re.compile(r"\d+(?:[.:-]\d+)*")
"""Figures and times."""


@dataclass(frozen=True)
class Ran:
    """A command of a page: what stands under it there, and what it printed."""

    command: str
    shown: str
    printed: str


def run_page(text: str, folder: Path, seconds: float) -> list[Ran]:
    """Run the commands of the page `text` in `folder`, which gets the environment and the examples of a clone."""
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    (folder / "examples").symlink_to(ROOT / "examples")
    commands, script = [], ["set -e"]
    for block in _BLOCK.finditer(text):
        if block["file"]:
            script.append(f"printf %s {shlex.quote(block['body'])} > {block['file']}")
        elif block["language"] == "console":
            for part in re.split(r"^\$ ", block["body"], flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                commands.append((command, shown))
                script += [f"echo {shlex.quote(_MARK)}", command]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    printed = done.stdout.split(f"{_MARK}\n")[1:]
    return [Ran(command, shown, said) for (command, shown), said in zip(commands, printed, strict=True)]


def renewed(text: str, ran: list[Ran]) -> str:
    """Return the page with the lines that it shows as they were printed.

    Raises:
        ValueError: one was not.
    """
    left = iter(ran)

    def block(found: re.Match[str]) -> str:
        if found["language"] != "console":
            return found.group()
        body = ""
        for _ in re.findall(r"^\$ ", found["body"], flags=re.MULTILINE):
            one = next(left)
            body += f"$ {one.command}\n" + "".join(f"{line}\n" for line in as_printed(one))
        return f"```console\n{body}```"

    return _BLOCK.sub(block, text)


def as_printed(one: Ran) -> list[str]:
    """Return the lines that are shown under a command, with the numbers that they were printed with.

    Raises:
        ValueError: one was not printed, or not at its place.
    """
    printed = one.printed.splitlines()
    found, place = [], 0
    for line in one.shown.splitlines():
        if line != _SKIPPED:
            there = [_words(said) for said in printed[place:]]
            if _words(line) not in (there if found[-1:] == [_SKIPPED] else there[:1]):
                raise ValueError(f"{one.command}: {line!r} was not printed at its place: {printed[place:]}")
            place += there.index(_words(line)) + 1
            found.append(printed[place - 1].rstrip())
        else:
            found.append(line)
    return found


def _words(line: str) -> str:
    """Return a line without what differs from run to run."""
    return _NUMBER.sub("#", line).rstrip()
