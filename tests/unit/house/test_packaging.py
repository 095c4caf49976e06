"""What is installed: every version is pinned for CI and the image, and the image's base is a version too."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PARTS = {"mcp-types": "mcp", "pydantic-core": "pydantic"}
"""Distributions that another one asks for in its own version."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_asked_for_is_pinned_to_one_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    asked = {name for names in declared().values() for name in names} - {"vllm", "classwright"}

    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", pin) for pin in pins)
    assert asked <= {normal(pin.partition("==")[0]) for pin in pins}


@pytest.mark.parametrize(
    ("package", "extras"),
    [("agents", set()), ("server", {"server", "postgres", "telemetry"}), ("tools", {"server", "run"})],
)
def test_what_is_imported_is_asked_for_by_name(package: str, extras: set[str]) -> None:
    asked = {name for extra in ("", *extras) for name in declared()[extra]}
    found, brought = imported(ROOT / package), packages_distributions()
    distributions = {module: {PARTS.get(one, one) for one in map(normal, brought[module])} for module in found}

    assert {module: names for module, names in distributions.items() if not names & asked} == {}


def declared() -> dict[str, set[str]]:
    """The distributions that are asked for, by the extra; without one by ""."""
    lists = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    return {extra: {normal(re.split(r"[\[<>=~!;\s]", one)[0]) for one in several} for extra, several in lists.items()}


def imported(folder: Path) -> set[str]:
    """The modules that files under a folder import, and that are neither Python's nor our own."""
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    own = {path.name for each in ("agents", "server", "tools") for path in (ROOT / each).iterdir()} | {"predict"}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - own


def test_the_image_is_made_of_named_versions_is_watched_and_holds_what_the_pins_say() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)

    assert bases
    assert all(re.fullmatch(r"python:\d+\.\d+\S*", base) for base in bases)
    assert "\nHEALTHCHECK " in dockerfile
    assert "--constraint constraints.txt" in dockerfile
