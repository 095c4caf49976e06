"""The bundle for Claude Desktop: it says what is true of this version, and holds what its server needs."""

from __future__ import annotations

import importlib.util
import json
import os
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from classwright_server import doctor
from classwright_server.cli import main
from classwright_server.config.settings import settings_from
from support.paths import PACKAGES, ROOT

MANIFEST = json.loads((ROOT / "bundle" / "manifest.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script that makes it."""
    spec = importlib.util.spec_from_file_location("make_bundle", ROOT / "bundle" / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_manifest_is_true_of_this_version() -> None:
    run = MANIFEST["server"]["mcp_config"]

    assert (MANIFEST["name"], MANIFEST["version"]) == (PROJECT["name"], PROJECT["version"])
    assert (ROOT / MANIFEST["server"]["entry_point"]).is_file()
    assert run["args"][run["args"].index("--extra") + 1] in PROJECT["optional-dependencies"]
    assert run["args"][-2] in PROJECT["scripts"]
    assert MANIFEST["compatibility"]["runtimes"]["python"] == PROJECT["requires-python"]


def test_what_a_person_fills_in_reaches_the_settings(tmp_path: Path) -> None:
    filled = {"import_folder": str(tmp_path), "writer_url": "http://w/v1", "writer_model": "m", "writer_key": "k"}
    environment = MANIFEST["server"]["mcp_config"]["env"]
    values = {name: filled.get(value[14:-1], value) for name, value in environment.items()}
    settings = settings_from({}, values).tool_settings

    assert set(filled) == set(MANIFEST["user_config"])
    assert settings.import_folders == (tmp_path.resolve(),)
    assert settings.writer
    assert values[settings.writer.key_variables[0]] == "k"
    assert settings_from({}, dict.fromkeys(environment, "")).tool_settings.writer is None


def test_what_a_person_leaves_empty_is_not_set_though_the_host_passes_its_placeholder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("_versions", "_encoder", "_gpu", "_port"):
        monkeypatch.setattr(doctor, other, lambda *_: "is not tried here")
    left = MANIFEST["server"]["mcp_config"]["env"]
    for name, value in left.items():
        monkeypatch.setenv(name, value)

    code = main(["doctor", "--workspace", str(tmp_path)])

    assert code == 0, capsys.readouterr().out
    assert {name: os.environ[name] for name in left if name in os.environ} == {
        name: value for name, value in left.items() if "user_config" not in value
    }


def test_it_holds_every_file_of_the_packages_and_the_pins(maker: ModuleType, tmp_path: Path) -> None:
    count = maker.make(tmp_path / "made" / "classwright.mcpb")
    with zipfile.ZipFile(tmp_path / "made" / "classwright.mcpb") as bundle:
        names = set(bundle.namelist())
        project = tomllib.loads(bundle.read("pyproject.toml").decode())

    files = {path for folder in PACKAGES.values() for path in folder.rglob("*") if path.is_file()}
    expected = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert count == len(names)
    assert expected | {"manifest.json", PROJECT["readme"], *PROJECT["license-files"]} <= names
    assert "server" in project["project"]["optional-dependencies"]
    assert not {"vllm", "dev"} & set(
        project["project"]["optional-dependencies"]
    )  # uv finds no versions for all at once
    assert project["project"] | {"optional-dependencies": PROJECT["optional-dependencies"]} == PROJECT
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert project["tool"]["uv"]["constraint-dependencies"] == [pin for pin in pins if pin and pin[0] != "#"]
