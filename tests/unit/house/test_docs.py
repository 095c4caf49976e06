"""What the documents name exists: links, headings, files, tests, flags and environment variables."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from classwright_agents import cli as agent
from classwright_server import cli as server
from classwright_server.config.chosen import PREFIX
from support.paths import ROOT

PRODUCT = ("server", "tools", "agents")
FOLDERS = ("docs", "examples", "benchmarks", "tests", *PRODUCT)
FILES = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for path in FILES if path.suffix == ".md")])

CODE_BLOCK = re.compile(r"^```.*?^```|^ {4}[^\n]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SOURCE = re.compile(r"([\w./-]*\w\.py)?(?:::(\w+))?")
IN_A_FOLDER = re.compile(r"[\w./-]+(\.\w+|/)")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]+")
CALL = re.compile(r"\b(classwright(?:-agent)? [a-z-]+)\b([^|;&#`\n]*)")
OTHERS_FLAGS = {"--from", "--strict", "--enable-sleep-mode", "--writer-command", "--header", "--method"}
"""Flags of other programs, and of the writer in `docs/extending/writer.py`."""


def prose(document: Path) -> str:
    """Return the text of a document without its blocks of code."""
    return CODE_BLOCK.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named(document: Path) -> list[str]:
    """Return what stands between backticks in a document's prose."""
    return [match.strip() for match in CODE.findall(prose(document))]


def holds(file: str, name: str) -> bool:
    """Whether a file of the repository has this path, or a path that ends in it, and `name` stands in it."""
    paths = [path for path in FILES if f"/{path.relative_to(ROOT)}".endswith(f"/{file}")]
    return any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in paths)


@cache
def commands() -> dict[str, set[str]]:
    """Return the flags of each command of our programs."""
    return {
        f"{program.prog} {name}": set(command._option_string_actions)
        for program in (server.parser(), agent.parser())
        for action in program._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, command in action.choices.items()
    }


@cache
def flags() -> set[str]:
    """Return the flags of the programs and of the benchmarks."""
    return {"--version", *FLAG.findall(code("benchmarks"))}.union(*commands().values())


@cache
def code(*folders: str) -> str:
    """Return the Python in folders of the repository."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def called(document: Path) -> Iterator[tuple[str, str]]:
    """Yield the calls of our programs in a document, in its blocks of code too: the command, and what follows it."""
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        for command, rest in CALL.findall(line):
            if command in commands():
                yield command, rest


each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_document
def test_every_relative_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    broken = []
    for link in LINK.findall(prose(document)):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not re.match(r"[a-z]+:", link) and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)

    assert not broken


@each_document
def test_every_file_and_test_that_is_named_exists(document: Path) -> None:
    stale, file = [], ""
    for words in named(document):
        if match := SOURCE.fullmatch(words):
            file = match[1] or file  # `file.py::test_one`, and then `::test_two` of the same file
            if not holds(file, match[2] or ""):
                stale.append(words)
        elif IN_A_FOLDER.fullmatch(words) and words.split("/")[0] in FOLDERS and not (ROOT / words).exists():
            stale.append(words)

    assert not stale


@each_document
def test_every_flag_that_is_named_is_one_of_our_programs(document: Path) -> None:
    unknown = set(FLAG.findall(" ".join(named(document)))) - flags() - OTHERS_FLAGS

    assert not unknown


@each_document
def test_every_command_that_is_shown_has_the_flags_that_are_shown_with_it(document: Path) -> None:
    wrong = [
        (command, flag)
        for command, rest in called(document)
        for flag in FLAG.findall(rest)
        if flag not in commands()[command] and flag not in OTHERS_FLAGS
    ]

    assert not wrong


@each_document
def test_every_environment_variable_that_is_named_is_a_setting_or_stands_in_the_code(document: Path) -> None:
    settings = {PREFIX + flag.removeprefix("--").replace("-", "_").upper() for flag in flags() | OTHERS_FLAGS}
    named_here = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", document.read_text(encoding="utf-8")))

    assert [name for name in sorted(named_here - settings) if name not in code(*FOLDERS)] == []


def test_a_name_that_is_stale_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("# A: b\n\nSee `gone.py`.\n\n```\n`code.py`\n```\n\n    `code.md`\n", encoding="utf-8")

    assert named(document) == ["gone.py"]
    assert anchors(document) == {"a-b"}
    assert not holds("gone.py", "")
    assert holds("house/test_docs.py", "test_a_name_that_is_stale_is_found")
    assert not holds("house/test_docs.py", "test_that_nobody" + "_wrote")


def test_the_errors_that_troubleshooting_explains_are_errors_of_the_code() -> None:
    page = (ROOT / "docs/guides/troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^- \*\*`([^`]+)`\*\*", page, re.MULTILINE)

    assert len(quoted) >= 20
    assert [words for words in quoted if words not in code(*PRODUCT)] == []
