"""Links in a workspace: none is followed to what lies outside, and nothing is written through one or over another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classwright_server.mcp.files import files_of, find_artifact, inner_path, main_document, part_of
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.errors import DamagedArtifact, NotFound, StorageFailed
from classwright_tools.learning.model import load_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from classwright_tools.workspace.workspace import Artifact, Workspace
from support.learning import save_rows, written_rows

SECRET = "a secret that lies outside"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the workspace, with a file that looks like every artifact's own."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("card.json", "report.json", "document.json", "report.html", "confusion.svg", "secret"):
        (folder / name).write_text(json.dumps({"secret": SECRET}))
    return folder


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> Artifact:
    rows = [make_example("where is my parcel", "delivery"), make_example("my money back please", "refund")]
    return save_dataset(workspace, task.slug, {"train": rows}, parent=None, run_key="d", made_by="test")


def put_a_link(at: Path, to: Path) -> None:
    """Put a link in the place of a file or folder."""
    if at.is_dir():
        shutil.rmtree(at)
    else:
        at.unlink(missing_ok=True)
    at.symlink_to(to)


READERS: dict[str, Callable[[Workspace, str], Any]] = {
    "its card": read_card,
    "its rows": lambda workspace, id_: read_rows(workspace, id_, "train"),
    "its document": lambda workspace, id_: main_document(find_artifact(workspace, "support", id_)),
    "its files": lambda workspace, id_: files_of(find_artifact(workspace, "support", id_)).model_dump_json(),
    "a file": lambda workspace, id_: part_of(find_artifact(workspace, "support", id_), "secret", 0),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("place", ["the artifact's folder", "the task's folder", "the files"])
def test_nothing_outside_is_read_through_a_link(
    reader: str, place: str, workspace: Workspace, dataset: Artifact, outside: Path
) -> None:
    match place:
        case "the artifact's folder":
            put_a_link(dataset.path, outside)
        case "the task's folder":
            (outside / dataset.id).mkdir()
            for name in ("card.json", "secret"):
                shutil.copy(outside / name, outside / dataset.id / name)
            put_a_link(dataset.path.parent, outside)
        case _:
            for name in ("card.json", "document.json", "secret", "train.parquet"):
                put_a_link(dataset.path / name, outside / "secret")

    try:
        read = str(READERS[reader](workspace, dataset.id))
    except (DamagedArtifact, NotFound) as error:
        read = str(error)
    assert SECRET not in read
    assert str(outside.parent) not in read


def test_a_document_behind_a_link_is_damage(workspace: Workspace, task: Task, outside: Path) -> None:
    tree = TopicTree.model_validate(
        {
            "task": task.slug,
            "source_types": ["email"],
            "labels": [{"label": "refund", "topics": [{"name": "n", "subtopics": ["s"]}]}],
        }
    )
    made = workspace.publish_document("topics", task.slug, tree, run_key="t")
    shutil.copy(made.path / "document.json", outside / "document.json")
    put_a_link(made.path / "document.json", outside / "document.json")

    with pytest.raises(DamagedArtifact, match="cannot be read back"):
        workspace.document(made.id, "topics", TopicTree)


def test_a_model_with_a_link_among_its_files_is_refused_even_if_the_bytes_are_the_same(
    context: ToolContext, task: Task, outside: Path
) -> None:
    save_rows(context.workspace, written_rows())
    made = train_classifier(TrainClassifierRequest(task=task.slug, method="probe"), context)
    folder = context.workspace.artifact(made.model, "model").path
    shutil.copy(folder / "head.safetensors", outside)
    put_a_link(folder / "head.safetensors", outside / "head.safetensors")

    with pytest.raises(DamagedArtifact, match=r"'head.safetensors' is a link"):
        load_model(context.workspace, made.model)


def test_no_file_of_an_artifact_is_served_through_a_link_on_the_way(dataset: Artifact, outside: Path) -> None:
    put_a_link(dataset.path / "sub", outside)

    for name in ("sub/secret", "sub", "sub/../card.json", "../support-d1/card.json"):
        with pytest.raises(NotFound):
            inner_path(dataset, name)
    assert {file.name for file in files_of(dataset).files} == {"card.json", "train.parquet"}


def test_nothing_is_written_through_a_link(workspace: Workspace, task: Task, outside: Path) -> None:
    (workspace.root / task.slug).symlink_to(outside)
    before = sorted(path.name for path in outside.rglob("*"))

    with pytest.raises(StorageFailed):
        workspace.publish("report", task.slug, lambda _: None, run_key="r")
    assert sorted(path.name for path in outside.rglob("*")) == before


def test_what_lies_behind_a_link_at_the_place_of_a_new_artifact_stays(
    workspace: Workspace, task: Task, outside: Path
) -> None:
    (workspace.root / task.slug).mkdir()
    (workspace.root / task.slug / f"{task.slug}-r1").symlink_to(outside)
    before = sorted(path.name for path in outside.rglob("*"))

    with pytest.raises(StorageFailed):
        workspace.publish("report", task.slug, lambda _: None, run_key="r")
    assert sorted(path.name for path in outside.rglob("*")) == before


def test_what_was_published_is_never_written_over(workspace: Workspace, task: Task) -> None:
    def write(text: str) -> Callable[[Path], None]:
        return lambda folder: (folder / "text").write_text(text) and None

    first = workspace.publish("report", task.slug, write("first"), run_key="1")
    again = workspace.publish("report", task.slug, write("again"), run_key="1")
    second = workspace.publish("report", task.slug, write("second"), run_key="2")

    assert again.path == first.path != second.path
    assert (first.path / "text").read_text() == "first"
    assert (second.path / "text").read_text() == "second"
