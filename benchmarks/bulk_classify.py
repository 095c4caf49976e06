"""Bulk classification of a file, in processor time a text, beside sentence-transformers with a head of scikit-learn.

    python benchmarks/bulk_classify.py --data FOLDER [--set banking77] [--texts 100000] [--slow-texts 2000] [--runs 3]

A probe of 2,000 rows of a set's training rows is trained and exported with a student, which is taught the others too,
without their labels, but for 1,000 validation rows. The set's test texts, over and over, are then classified from one
CSV file into another, by turns: with the export's student, its cascade and its encoder (a graph of whole numbers, and
one in single precision), with the stored model, and by `SentenceTransformer.encode` in batches of 32 with the same
head, whose reading and writing of the file is Python's own. What runs an encoder for each text gets fewer texts, which
changes no rate. `--workspace FOLDER` keeps the model for another run. No 2,048 texts on end may be alike: a chunk of so
many is classified once for each different text.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from articles.sets import LabelledTexts, read_split
from classwright_tools.bulk.classify_files import classify_files
from classwright_tools.bulk.models import Predictor, open_predictor
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import NotFound
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.encoder_folders import encoder_folder
from classwright_tools.learning.model import Model, load_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "bulk_classify.json"
BATCH = 32
LABELLED, VALIDATION, MOST_UNLABELLED = 2_000, 1_000, 10_000
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


def made(data: Path, name: str, folder: Path) -> tuple[Workspace, str, str]:
    """Train and export, unless `folder` has both; return the workspace, and the ids of the model and of the export."""
    workspace = Workspace(folder)
    with contextlib.suppress(NotFound):
        return workspace, *(workspace.resolve(None, kind, name).id for kind in ("model", "export"))  # type: ignore[return-value]
    texts = read_split(data, name, "train")
    order = np.random.default_rng(0).permutation(len(texts.texts)).tolist()

    def rows(places: list[int], *, labelled: bool = True) -> list[Example]:
        return [make_example(texts.texts[place], texts.labels[place] if labelled else None) for place in places]

    cut = LABELLED + VALIDATION
    splits = {"train": rows(order[:LABELLED]), "validation": rows(order[LABELLED:cut])}
    splits["unlabelled"] = rows(order[cut:][:MOST_UNLABELLED], labelled=False)
    labels = tuple(Label(name=label) for label in sorted(set(texts.labels)))
    workspace.save_task(Task(slug=name, instruction="Classify a text.", labels=labels))
    save_dataset(workspace, name, splits, parent=None, run_key="rows", made_by="import_examples")  # type: ignore[arg-type]  # the keys are splits
    context = ToolContext(workspace=workspace, run_key="training")
    model = train_classifier(TrainClassifierRequest(task=name, method="probe"), context).model
    request = ExportModelRequest(model=model, student=True)
    return workspace, model, export_model(request, replace(context, run_key="export")).export


def write_texts(path: Path, texts: tuple[str, ...], count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([texts[n % len(texts)]] for n in range(count))


def busy_seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call, that of all threads together."""
    began = time.process_time()
    work()
    return time.process_time() - began


def accuracies(own: Mapping[str, Predictor], peer: Peer, texts: LabelledTexts) -> dict[str, float]:
    """Return the accuracy of each on labelled texts."""
    answers = {name: one.predict_with_confidence(texts.texts)[0].labels for name, one in own.items()}
    answers[PEER] = [peer.labels[place] for place in peer.predict_proba(list(texts.texts)).argmax(axis=1)]
    return {name: float(np.mean(np.array(found) == np.array(texts.labels))) for name, found in answers.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", default="banking77")
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--slow-texts", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace, model_id, export_id = made(options.data, options.set, options.workspace or folder / "workspace")
        export = str(workspace.artifact(export_id, "export").path)
        peer = Peer(load_model(workspace, model_id, remember=False))
        own: dict[str, Predictor] = {
            "student": open_predictor(export, workspace.root, "student"),
            "cascade": open_predictor(export, workspace.root, "cascade"),
            "encoder, whole numbers": open_predictor(export, workspace.root, "int8"),
            "encoder, single precision": open_predictor(export, workspace.root),
            "stored model": open_predictor(model_id, workspace.root),
        }
        test = read_split(options.data, options.set, "test")
        counts = {by: options.texts if by in ("student", "cascade") else options.slow_texts for by in (*own, PEER)}
        for count in set(counts.values()):
            write_texts(folder / f"{count}.csv", test.texts, count)

        def run(by: str, number: int) -> None:
            source, output = folder / f"{counts[by]}.csv", folder / f"{by} {number}.csv"
            if by == PEER:
                peer.classify(source, output)
            else:
                classify_files(own[by], source, output, model_name=by)

        taken: dict[str, list[float]] = {by: [] for by in counts}
        for number in range(options.runs):
            for by, spent in taken.items():
                spent.append(busy_seconds(lambda: run(by, number)) / counts[by])  # noqa: B023  # called at once
        right = accuracies(own, peer, test)
    lines = [line(by, spent, taken[PEER], counts[by], right[by]) for by, spent in taken.items()]
    print("| by | processor time a text, ms | times the peer | test accuracy |\n| --- | --- | --- | --- |")
    for one in lines:
        middle, low, high = one["times_the_peer"]
        print(f"| {one['by']} | {one['ms_a_text']} | {middle} ({low} to {high}) | {one['test_accuracy']} |")
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    about = {"runs": options.runs, "cores": os.cpu_count(), "load_average_before": round(load, 1), "lines": lines}
    RESULTS.write_text(json.dumps(found | {options.set: about}, indent=1) + "\n", encoding="utf-8")


def line(by: str, spent: list[float], peer: list[float], texts: int, accuracy: float) -> dict[str, Any]:
    """Return the figures of one: its time, how many times faster than the peer in the same round, and its accuracy."""
    ratios = [other / mine for other, mine in zip(peer, spent, strict=True)]
    return {
        "by": by,
        "texts": texts,
        "ms_a_text": round(1000 * statistics.median(spent), 4),
        "times_the_peer": [round(value, 2) for value in (statistics.median(ratios), min(ratios), max(ratios))],
        "test_accuracy": round(accuracy, 4),
    }


if __name__ == "__main__":
    main()
