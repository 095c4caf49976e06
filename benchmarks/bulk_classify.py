"""Bulk classification of a file, in texts a second, beside sentence-transformers with a head of scikit-learn.

    python benchmarks/bulk_classify.py --data FOLDER [--texts 20000] [--runs 3]

A probe of banking77's training rows (validation rows: a tenth of them) is trained and exported. The set's texts, made
different by a number, are then classified from one CSV file into another, by turns: with the export (its graph of whole
numbers), with its graph in single precision, with the stored model, and by `SentenceTransformer.encode` in batches of
32 with the same head, whose reading and writing of the file is Python's own. The accuracy is on the set's test rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from articles.sets import read_split
from classwright_tools.bulk.classify_files import classify_files
from classwright_tools.bulk.models import Predictor, open_predictor
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.encoder_folders import encoder_folder
from classwright_tools.learning.model import Model, load_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "bulk_classify.json"
SET, BATCH, VALIDATION_SHARE = "banking77", 32, 10
PEER = "sentence-transformers"


class Peer:
    """The encoder as its library has it, with the model's own head."""

    def __init__(self, model: Model) -> None:
        assert isinstance(model.classifier, EmbeddingClassifier)
        self.labels = model.labels
        self._encoder = SentenceTransformer(str(encoder_folder(DEFAULT_ENCODER)), device="cpu")
        self._head, self._temperature = model.classifier.head, model.card.temperature

    def predict_proba(self, texts: list[str]) -> np.ndarray:
        """Return the probabilities (n, k)."""
        embeddings = self._encoder.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
        return softmax(self._head.logits(embeddings) / self._temperature)

    def classify(self, source: Path, output: Path) -> None:
        """Classify the texts of a CSV file into another."""
        with source.open(encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        proba = self.predict_proba(texts)
        with output.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for text, place, shares in zip(texts, proba.argmax(axis=1), proba, strict=True):
                writer.writerow([text, self.labels[place], shares.max()])


def made(data: Path, folder: Path) -> tuple[Workspace, str, str]:
    """Train and export; return the workspace and the ids of the model and of the export."""
    texts = read_split(data, SET, "train")
    rows = [make_example(text, label) for text, label in zip(texts.texts, texts.labels, strict=True)]
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    cut = len(rows) // VALIDATION_SHARE
    splits = {"train": [rows[place] for place in order[cut:]], "validation": [rows[place] for place in order[:cut]]}
    workspace = Workspace(folder / "workspace")
    labels = tuple(Label(name=name) for name in sorted(set(texts.labels)))
    workspace.save_task(Task(slug=SET, instruction="Name the intent of a message to a bank.", labels=labels))
    save_dataset(workspace, SET, splits, parent=None, run_key="rows", made_by="import_examples")  # type: ignore[arg-type]  # the keys are splits
    context = ToolContext(workspace=workspace, run_key="training")
    model = train_classifier(TrainClassifierRequest(task=SET, method="probe"), context).model
    return workspace, model, export_model(ExportModelRequest(model=model), replace(context, run_key="export")).export


def single_precision(export: Path, folder: Path) -> Path:
    """Return a copy of an export whose program uses the graph in single precision."""
    shutil.copytree(export, folder)
    facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    facts["graph"]["file"] = "model.onnx"
    (folder / "labels.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def write_texts(path: Path, texts: tuple[str, ...], count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([f"{texts[n % len(texts)]} {n // len(texts)}"] for n in range(count))


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace, model_id, export_id = made(options.data, folder)
        export = workspace.artifact(export_id, "export").path
        peer = Peer(load_model(workspace, model_id, remember=False))
        own: dict[str, Predictor] = {
            "export, whole numbers": open_predictor(str(export), workspace.root),
            "export, single precision": open_predictor(
                str(single_precision(export, folder / "single")), workspace.root
            ),
            "stored model": open_predictor(model_id, workspace.root),
        }
        test = read_split(options.data, SET, "test")
        source = folder / "in.csv"
        write_texts(source, test.texts, options.texts)

        def run(name: str, number: int) -> None:
            output = folder / f"{name} {number}.csv"
            if name == PEER:
                peer.classify(source, output)
            else:
                classify_files(own[name], source, output, model_name=name)

        taken: dict[str, list[float]] = {name: [] for name in (*own, PEER)}
        for number in range(options.runs):
            for name, seconds in taken.items():
                seconds.append(seconds_of(lambda: run(name, number)))  # noqa: B023  # called at once
        found: list[dict[str, Any]] = []
        for name, predictor in {**own, PEER: peer}.items():
            proba = predictor.predict_proba(list(test.texts))
            right = [
                peer.labels[place] == label for place, label in zip(proba.argmax(axis=1), test.labels, strict=True)
            ]
            ratios = [other / mine for other, mine in zip(taken[PEER], taken[name], strict=True)]
            found.append(
                {
                    "by": name,
                    "texts_a_second": round(options.texts / statistics.median(taken[name])),
                    "times_the_peer": [
                        round(value, 2) for value in (statistics.median(ratios), min(ratios), max(ratios))
                    ],
                    "test_accuracy": round(float(np.mean(right)), 4),
                }
            )
    print("| by | texts a second | times the peer | test accuracy |\n| --- | --- | --- | --- |")
    for line in found:
        middle, low, high = line["times_the_peer"]
        print(f"| {line['by']} | {line['texts_a_second']} | {middle} ({low} to {high}) | {line['test_accuracy']} |")
    figures = {
        "texts": options.texts,
        "runs": options.runs,
        "cores": os.cpu_count(),
        "load_average_before": round(load, 1),
        "lines": found,
    }
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
