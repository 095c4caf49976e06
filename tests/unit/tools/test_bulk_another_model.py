"""The parts of a run that was stopped are of one model: another under the same name does not go on with them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from classwright_tools.bulk import classify_files as bulk
from classwright_tools.bulk.classify_files import BulkResult, classify_files
from classwright_tools.bulk.models import open_predictor
from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.bulk import Stopped
from support.learning import real_rows, save_rows, written_rows

TEXTS = [row.text for row in real_rows(2)]


class Made:
    """A probe, the first model of its workspace, and its export."""

    def __init__(self, root: Path, rows: int) -> None:
        self.workspace = Workspace(root)
        labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
        self.workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
        save_rows(self.workspace, written_rows(), real_rows(rows))
        context = ToolContext(workspace=self.workspace, run_key="training")
        self.model = train_classifier(TrainClassifierRequest(task="support", method="probe"), context).model
        run = replace(context, run_key="export")
        export = export_model(ExportModelRequest(model=self.model, onnx=False), run).export
        self.folder = self.workspace.artifact(export, "export").path


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A model."""
    return Made(tmp_path_factory.mktemp("older"), 4)


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Another with the same labels and the same id."""
    return Made(tmp_path_factory.mktemp("newer"), 9)


def run(name: str, workspace: Path, folder: Path, *, stop: bool = False) -> BulkResult:
    """Classify the file in `folder` by the model `name`, or stop after the first part."""

    def tell(_rows: int) -> None:
        if stop:
            raise Stopped

    source = folder / "in.csv"
    if not source.exists():
        source.write_text("\n".join(["text", *TEXTS, ""]), encoding="utf-8")
    return classify_files(open_predictor(name, workspace), source, folder / "out.csv", model_name=name, tell=tell)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 2)


def test_an_export_that_was_replaced_meanwhile_does_not_go_on_with_the_parts_of_the_one_before(
    older: Made, newer: Made, tmp_path: Path
) -> None:
    place = tmp_path / "model"
    shutil.copytree(older.folder, place)
    with pytest.raises(Stopped):
        run(str(place), tmp_path, tmp_path, stop=True)

    shutil.rmtree(place)
    shutil.copytree(newer.folder, place)
    with pytest.raises(InvalidInput, match="the parts of a run with another model"):
        run(str(place), tmp_path, tmp_path)
    (place / "labels.json").write_bytes((older.folder / "labels.json").read_bytes())
    with pytest.raises(InvalidInput, match="another model"):  # of the same facts, by other weights
        run(str(place), tmp_path, tmp_path)

    shutil.rmtree(place)
    shutil.copytree(older.folder, place)
    assert run(str(place), tmp_path, tmp_path).rows_before == 2


def test_a_model_of_another_workspace_does_not_go_on_with_the_parts_of_its_namesake(
    older: Made, newer: Made, tmp_path: Path
) -> None:
    assert older.model == newer.model
    with pytest.raises(Stopped):
        run(older.model, older.workspace.root, tmp_path, stop=True)

    with pytest.raises(InvalidInput, match="another model"):
        run(newer.model, newer.workspace.root, tmp_path)
    assert run(older.model, older.workspace.root, tmp_path).rows_before == 2
