"""The house's one direction: server -> tools; agents and tools import neither of the others.

The agent shares with the tools what both must know alike: the types on the wire, the readers of files, the charts, the
errors, the parser of command lines and the characters that nobody sees.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from classwright_tools.catalogue import catalogue
from support.paths import PACKAGES, ROOT

ENGINE = "classwright_tools.learning.exports.matcher_engine"
"""What `classwright` may import of the tools, for exports that run with these alone; others need nothing."""
ALLOWED = {("classwright_server", "classwright_tools"), ("classwright_tools", "classwright")}
SHARED = tuple(
    f"classwright_tools.{name}"
    for name in (
        "command_line",
        "contract",
        "charts.",
        "reading.",
        "errors",
        "domain.invisible",
        "domain.schema_places",
    )
)
"""What the agent may import of the tools; docs/decisions/one-reader.md says why."""
VERBS = sorted(catalogue())
HEAVY = {"torch", "transformers", "sentence_transformers", "datasets", "sklearn", "matplotlib", "numpy", "pyarrow"}


def imported_modules(path: Path) -> set[str]:
    """Return every module that the file at `path` imports, anywhere in it."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_along_the_one_direction(package: str) -> None:
    for path in PACKAGES[package].rglob("*.py"):
        for module in imported_modules(path):
            other = module.split(".")[0]
            if other in PACKAGES and other != package:
                is_shared = package == "classwright_agents" and module.startswith(SHARED)
                is_shared |= package == "classwright" and module == ENGINE
                assert is_shared or (package, other) in ALLOWED, f"{path.relative_to(ROOT)} imports {module}"


def test_the_rooms_of_the_tools_import_one_another_in_one_direction() -> None:
    root = PACKAGES["classwright_tools"]
    rooms = [path for path in root.iterdir() if path.is_dir() and path.name != "__pycache__"]
    below = {
        room.name: {
            parts[1]
            for path in room.rglob("*.py")
            for module in imported_modules(path)
            if (parts := module.split("."))[0] == root.name and len(parts) > 1 and parts[1] != room.name
        }
        & {room.name for room in rooms}
        for room in rooms
    }

    TopologicalSorter(below).prepare()  # raises where they go round in a circle


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_never_imports_another_verb(verb: str) -> None:
    others = {f"classwright_tools.{name}" for name in VERBS if name != verb}

    assert not imported_modules(PACKAGES["classwright_tools"] / f"{verb}.py") & others


def test_importing_every_verb_loads_no_heavy_library() -> None:
    script = f"import sys, classwright_tools.catalogue; print(sorted({HEAVY!r} & set(sys.modules)))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "[]"


def test_the_agent_reads_rows_where_only_its_own_libraries_are_installed(tmp_path: Path) -> None:
    """Of what the server is installed with, nothing is there: an import of it ends the program."""
    (tmp_path / "rows.csv").write_text("text,label\nwhere is it,delivery\n", encoding="utf-8")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    script = f"""
import importlib.metadata, sys
from pathlib import Path
extra = [r for r in importlib.metadata.requires("classwright") if "extra == 'server'" in r or 'extra == "server"' in r]
names = {{__import__("re").split("[^A-Za-z0-9_.-]", r)[0].replace("-", "_").lower() for r in extra}}
assert "pyarrow" in names and "torch" in names
sys.modules.update({{name: None for name in names | {HEAVY!r}}})
from classwright_agents import cli, rows
print([row["label"] for row in rows.read_rows(Path({str(tmp_path)!r}) / "rows.csv", ("delivery", "refund")).rows])
try:
    rows.read_rows(Path({str(tmp_path)!r}) / "rows.parquet", ("delivery", "refund"))
except rows.TaskFileError as error:
    print(error)
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == [
        "['delivery']",
        "file 'rows.parquet': is Parquet, which is read only where pyarrow is installed. "
        "Save it as JSONL or CSV, or install 'classwright[server]'.",
    ], done.stderr
