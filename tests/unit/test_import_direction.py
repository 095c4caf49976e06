"""The house's one direction: server -> tools; agents and tools import neither of the others."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "classwright_tools": ROOT / "tools" / "classwright_tools",
    "classwright_server": ROOT / "server" / "classwright_server",
    "classwright_agents": ROOT / "agents" / "classwright_agents",
}
ALLOWED = {("classwright_server", "classwright_tools")}
VERBS = (
    "propose_topics",
    "synthesize_examples",
    "submit_examples",
    "import_examples",
    "train_classifier",
    "evaluate",
    "error_analysis",
    "classify",
    "export_model",
)
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
                assert (package, other) in ALLOWED, f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_never_imports_another_verb(verb: str) -> None:
    others = {f"classwright_tools.{name}" for name in VERBS if name != verb}

    assert not imported_modules(PACKAGES["classwright_tools"] / f"{verb}.py") & others


def test_importing_every_verb_loads_no_heavy_library() -> None:
    lines = [f"import classwright_tools.{verb}" for verb in VERBS]
    script = "\n".join([*lines, "import sys", f"print(sorted({HEAVY!r} & set(sys.modules)))"])

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "[]"
