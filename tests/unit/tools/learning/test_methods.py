"""A training method is one file: `knn` of the docs, trained, measured, loaded, and refused where it must be."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file as np_save

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.head import Head
from classwright_tools.learning.methods import registry
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.methods.registry import METHODS, candidates
from classwright_tools.learning.model import load_model
from classwright_tools.learning.scope import Scope
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from support.learning import real_rows, save_rows, written_rows
from support.paths import ROOT

MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)
FILE = ROOT / "docs" / "extending" / "knn.py"
METHOD = "from classwright_tools.learning.methods.method import Method\nclass NearestNeighbours(Method):\n"
TEXTS = ["my money has not come back", "where is the box", "password wrong"]


@pytest.fixture
def knn(monkeypatch: pytest.MonkeyPatch) -> Method:
    """The method of the docs, which the registry has during the test."""
    spec = spec_from_file_location("knn", FILE)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "knn", module)
    spec.loader.exec_module(module)
    method: Method = module.NearestNeighbours()
    monkeypatch.setitem(METHODS, "knn", method)
    return method


@pytest.fixture
def trained(context: ToolContext, task: Task, knn: Method) -> TrainClassifierResult:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    request = TrainClassifierRequest(task="support", method=knn.name)
    return train_classifier(request, dataclasses.replace(context, run_key="knn"))


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which a package brings the method."""
    (tmp_path / "knn.py").write_text(FILE.read_text(encoding="utf-8"), encoding="utf-8")
    about = tmp_path / "knn_method-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: knn-method\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[classwright.methods]\nknn = knn:NearestNeighbours\n")
    return {"PYTHONPATH": str(tmp_path)}


def test_a_method_of_one_file_trains_measures_and_says_so_in_the_card(
    context: ToolContext, trained: TrainClassifierResult
) -> None:
    assert trained.validation.accuracy.value > 0.8
    assert trained.grouped
    assert "in 5 turns (folds)" in trained.grouped.measured_on
    assert load_model(context.workspace, trained.model).card.method == "knn"
    measured = evaluate(EvaluateRequest(model=trained.model, split="validation"), context)
    assert measured.figures.accuracy.value == pytest.approx(trained.validation.accuracy.value)


def test_a_fresh_process_in_which_a_package_brings_the_method_offers_it_and_models_answer_there_as_here(
    context: ToolContext, trained: TrainClassifierResult, installed: dict[str, str], shallow: str
) -> None:
    ours = [
        train_classifier(
            TrainClassifierRequest(task="support", method=method, epochs=1),
            dataclasses.replace(context, encoder=shallow, run_key=method),
        ).model
        for method in ("probe", "finetune", "cluster")
    ]
    models = [trained.model, *ours]
    here = [load_model(context.workspace, model, remember=False).predict_proba(TEXTS) for model in models]
    script = f"""
import json
from pathlib import Path
from classwright_tools.learning.model import load_model
from classwright_tools.train_classifier import TrainClassifierRequest
from classwright_tools.workspace.workspace import Workspace
offered = TrainClassifierRequest.model_json_schema()["properties"]["method"]
workspace = Workspace(Path({str(context.workspace.root)!r}))
found = [load_model(workspace, model, remember=False).predict_proba({TEXTS!r}).tolist() for model in {models!r}]
print(json.dumps([offered, *found]))
"""

    environment = os.environ | installed
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    offered, *there = json.loads(done.stdout)
    assert offered["enum"][-1] == "knn"
    assert "'knn': the nearest training rows vote" in offered["description"]
    np.testing.assert_allclose(there[0], here[0], rtol=0, atol=1e-12)  # sums round by where their terms lie in memory
    for one, other in zip(there[1:], here[1:], strict=True):
        np.testing.assert_array_equal(one, other)  # to the bit


BROKEN = {
    "import nothing_of_that_name": "cannot be loaded (ModuleNotFoundError: No module named 'nothing_of_that_name')",
    "def NearestNeighbours(): ...": "is no subclass of Method",
    f"{METHOD}    name = 'knn'": "does not say its summary, as a string of its class",
    f"{METHOD}    summary = 'x'": "does not say its name, as a string of its class",
    f"{METHOD}    name = summary = 'probe'": "has a name that is taken, 'probe'",
    f"{METHOD}    name = summary = 'knn'": "cannot be made (TypeError: Can't instantiate abstract class",
}


@pytest.mark.parametrize(("code", "told"), BROKEN.items(), ids=BROKEN.values())
def test_a_method_of_a_package_that_cannot_be_used_is_named_where_it_is_needed_alone(
    installed: dict[str, str], code: str, told: str
) -> None:
    (Path(installed["PYTHONPATH"]) / "knn.py").write_text(f"{code}\n", encoding="utf-8")
    script = (
        "from classwright_tools.learning.methods.registry import BROKEN, METHODS\n"
        "import classwright_tools.train_classifier\nprint(*METHODS)\nprint(BROKEN['knn'])"
    )

    done = subprocess.run([sys.executable, "-c", script], env=installed, capture_output=True, text=True, check=True)

    offered, fault = done.stdout.splitlines()
    assert offered == "probe contrastive finetune setfit cluster matcher"
    assert fault.startswith(f"method 'knn' (knn:NearestNeighbours): {told}")
    assert fault.endswith("Correct its package, or uninstall it.")


def test_a_model_whose_method_is_broken_says_so(
    context: ToolContext, trained: TrainClassifierResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.BROKEN, "knn", InvalidInput("method 'knn'", "cannot be loaded", "Correct it."))

    with pytest.raises(InvalidInput, match="cannot be loaded"):
        load_model(context.workspace, trained.model)


def test_a_model_whose_method_is_not_there_is_not_loaded(
    context: ToolContext, trained: TrainClassifierResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "knn")

    with pytest.raises(NotFound, match=r"'knn', which is not installed where this ran.*Install the package"):
        load_model(context.workspace, trained.model)


BAD_LOGITS = {
    "a row for each text, a column for each label": lambda logits: logits[:, :-1],
    "gives an array of shape": lambda logits: logits[:-1],
    "gives a list, not an array of numpy": lambda logits: logits.tolist(),
    "gives numbers that are not finite for": lambda logits: np.where(logits == logits.max(), np.nan, logits),
}


@pytest.mark.parametrize(("told", "broken"), BAD_LOGITS.items(), ids=BAD_LOGITS)
def test_logits_that_are_none_are_refused_by_the_name_of_their_class(
    told: str, broken: Any, context: ToolContext, task: Task, knn: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    kind = sys.modules["knn"].Neighbours
    whole = kind.logits
    monkeypatch.setattr(kind, "logits", lambda *given: broken(whole(*given)))

    with pytest.raises(InvalidInput, match=rf"`logits` of Neighbours \(knn\): .*{told}"):
        train_classifier(TrainClassifierRequest(task="support", method=knn.name), context)


def transposed(self: Any, folder: Path) -> None:
    """Save as `knn` does, but an array whose memory lies in another order."""
    np_save(
        {"embeddings": np.asfortranarray(self.embeddings), "labels": self.labels}, folder / "neighbours.safetensors"
    )


def pickled(self: Any, folder: Path) -> None:
    """Save what no model may hold."""
    (folder / "x.pkl").write_bytes(b"")


BAD_SAVES = {
    "answers otherwise once it was saved and loaded": transposed,
    r"cannot load what it saved \(FileNotFoundError": lambda *_: None,
    r"saves 'x.pkl', which is of no kind that a model may hold \(.json": pickled,
}


@pytest.mark.parametrize(("told", "save"), BAD_SAVES.items(), ids=BAD_SAVES)
def test_a_model_that_does_not_come_back_as_it_was_is_not_made(
    told: str, save: Any, context: ToolContext, task: Task, knn: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    monkeypatch.setattr(sys.modules["knn"].Neighbours, "save", save)

    with pytest.raises(InvalidInput, match=rf"method 'knn' \(knn\): {told}"):
        train_classifier(TrainClassifierRequest(task="support", method=knn.name), context)


def test_a_fit_that_returns_no_classifier_is_refused_by_the_name_of_its_method(
    context: ToolContext, task: Task, knn: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    monkeypatch.setattr(type(knn), "fit", lambda *_: None)

    with pytest.raises(InvalidInput, match=r"method 'knn' \(knn\): gives a NoneType for a classifier"):
        train_classifier(TrainClassifierRequest(task="support", method=knn.name), context)


@pytest.mark.parametrize("part", [Head(weights=MATRIX.T, biases=MATRIX[0]), Scope(MATRIX.T)], ids=["head", "scope"])
def test_an_array_that_lies_in_another_order_comes_back_as_it_was(part: Head | Scope, tmp_path: Path) -> None:
    part.save(tmp_path / "file.safetensors")

    again = type(part).load(tmp_path / "file.safetensors")

    for name, array in vars(part).items():
        np.testing.assert_array_equal(getattr(again, name), array)


def test_a_method_without_an_export_says_so(context: ToolContext, trained: TrainClassifierResult) -> None:
    with pytest.raises(InvalidInput, match=r"method 'knn': has no export.*Call classify"):
        export_model(ExportModelRequest(model=trained.model), context)


def test_what_a_method_cannot_do_is_refused_by_what_it_says_of_itself(
    context: ToolContext, task: Task, knn: Method
) -> None:
    with pytest.raises(InvalidInput, match=r"'class_weights': is not for method 'knn'"):
        train_classifier(TrainClassifierRequest(task="support", method="knn", imbalance="class_weights"), context)
    with pytest.raises(ValueError, match=r"should be one of 'auto', 'probe', .*'knn'"):
        TrainClassifierRequest(task="support", method="nearest")


def test_auto_tries_the_methods_that_ask_for_it_and_can_do_what_is_asked(
    knn: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(knn), "auto", True)

    assert [method.name for method in candidates("text", "none")] == ["probe", "contrastive", "knn"]
    assert [method.name for method in candidates("text", "class_weights")] == ["probe", "contrastive"]
    assert [method.name for method in candidates("text", "auto")] == ["probe"]
    assert [method.name for method in candidates("pair", "none")] == ["probe", "matcher"]
