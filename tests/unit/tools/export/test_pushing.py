"""Datasets and exports on the hub: what is pushed is what was made, private, and by a token that nothing tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from huggingface_hub import DatasetCard, ModelCard

from classwright_server.cli import main
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.hub import StandInHub
from support.learning import real_rows, save_rows, written_rows

TOKEN = "hf_ofThePerson"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A hub on loopback, which the process takes for the real one, and a token for it."""
    with StandInHub() as made:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", made.url)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield made


def push(workspace: Workspace, *arguments: str) -> int:
    return main(["push", *arguments, "--workspace", str(workspace.root)])


@pytest.fixture
def export(workspace: Workspace, task: Task) -> str:
    """An export with a card and a file in a folder: what is pushed does not depend on what a model is."""

    def write(folder: Path) -> None:
        (folder / "README.md").write_text("---\nlibrary_name: setfit\n---\n# a model\n", encoding="utf-8")
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling/config.json").write_bytes(b"{}")

    return workspace.publish("export", "support", write, run_key="export").id


def test_nothing_of_an_earlier_push_stays_beside_a_later_one(
    hub: StandInHub, workspace: Workspace, export: str
) -> None:
    hub.private["models/shop/bank"] = {"model.int8.onnx": b"of an earlier model", ".gitattributes": b""}

    assert push(workspace, export, "shop/bank") == 0

    assert set(hub.private["models/shop/bank"]) == {".gitattributes", "README.md", "1_Pooling/config.json"}


def test_an_export_arrives_whole_in_a_private_repository(
    hub: StandInHub, workspace: Workspace, export: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(workspace, export, "shop/bank") == 0

    folder = workspace.artifact(export, "export").path
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert hub.private == {"models/shop/bank": files}
    assert ModelCard(files["README.md"].decode()).data.library_name == "setfit"
    said = capsys.readouterr()
    assert said.out.strip() == f"{hub.url}/shop/bank"
    assert TOKEN not in said.out + said.err
    assert set(hub.tokens) == {f"Bearer {TOKEN}"}


def test_a_dataset_arrives_with_its_card_and_a_file_a_split(hub: StandInHub, workspace: Workspace, task: Task) -> None:
    dataset = save_rows(workspace, written_rows(), real_rows())

    assert push(workspace, dataset, "shop/letters", "--public") == 0

    files = hub.repositories["datasets/shop/letters"]
    assert set(files) == {"README.md", "train.parquet", "validation.parquet"}
    card = files["README.md"]
    assert isinstance(card, bytes)
    assert DatasetCard(card.decode()).data.configs[0]["data_files"][0] == {"split": "train", "path": "train.parquet"}


def test_a_repository_takes_nothing_that_is_open_unless_that_is_said_or_private_though_it_is_said(
    hub: StandInHub, workspace: Workspace, export: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.private["models/shop/hidden"] = {"a file": b"kept"}

    assert push(workspace, export, "shop/hidden", "--public") == 2
    assert "is there already, and private. Make it public" in capsys.readouterr().err
    assert hub.private == {"models/shop/hidden": {"a file": b"kept"}}
    hub.repositories["models/shop/bank"] = {}

    assert push(workspace, export, "shop/bank") == 2
    assert "open to everybody. Say --public" in capsys.readouterr().err
    assert hub.repositories == {"models/shop/bank": {}}
    assert push(workspace, export, "shop/bank", "--public") == 0
    assert "README.md" in hub.repositories["models/shop/bank"]


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("shop/bank", 403, "cannot be written with this token (the hub answered 403). Set HF_TOKEN"),
        ("shop/bank", 418, "answered with status 418. Check the name"),
        ("no name!", None, "is no name of a repository"),
    ],
)
def test_what_the_hub_refuses_is_told_without_the_token(
    name: str,
    status: int | None,
    told: str,
    hub: StandInHub,
    workspace: Workspace,
    export: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub.refuses = status

    assert push(workspace, export, name) == 2

    said = capsys.readouterr().err
    assert told in said
    assert TOKEN not in said
    assert not hub.private


def test_without_a_token_nothing_is_asked(
    hub: StandInHub,
    workspace: Workspace,
    export: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))

    assert push(workspace, export, "shop/bank") == 2
    assert "no token of the hub is here. Set HF_TOKEN" in capsys.readouterr().err
    assert hub.asked == []


def test_a_model_is_exported_first(hub: StandInHub, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(workspace, "support-m1", "shop/bank") == 2
    assert "Call export_model first" in capsys.readouterr().err
