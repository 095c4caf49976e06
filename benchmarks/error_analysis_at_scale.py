"""Error analysis of 100,000 rows of 150 labels, beside the same by hand with scikit-learn and cleanlab.

    python benchmarks/error_analysis_at_scale.py [--rows 100000] [--labels 150]

The rows are made up: a centre a label, and round it unit-length embeddings, which lie in the workspace's cache as after
a training, so that only the analysis counts; 3% of the labels are wrong. Nine tenths are training rows, the others
validation rows, all real. By hand is what a person would write for the same findings, part by part, on the same rows:
out-of-fold answers to as many rows as the analysis samples, wrong labels by cleanlab, the figures a label, the
confusion matrix and the pairs confused most, clusters of errors, and a map. Each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "error_analysis_at_scale.json"
TASK = "scale"
DIMENSIONS = 384
SPREAD = 0.16  # a coordinate's, round centres of length 1: a probe is wrong about a row in ten
WRONG = 0.03
TRAINED_ON = 5_000  # rows of the model whose errors are analysed


def made_up(rows: int, labels: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return texts, each unlike the others, their given labels (n,) and their embeddings (n, d)."""
    draw = np.random.default_rng(0)
    words = np.array([f"w{number}" for number in range(5_000)])
    centres = draw.normal(size=(labels, DIMENSIONS)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    true = draw.integers(labels, size=rows)
    vectors = centres[true] + draw.normal(scale=SPREAD, size=(rows, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = np.where(draw.random(rows) < WRONG, draw.integers(labels, size=rows), true)
    drawn = draw.integers(len(words), size=(rows, 10))
    texts = [" ".join(words[line]) for line in drawn]
    return texts, given, vectors.astype(np.float32)


def used() -> dict[str, float]:
    """Return the most memory that this process held, in megabytes."""
    return {"peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def measure_own(folder: Path, rows: int, labels: int) -> dict[str, Any]:
    """Make the workspace and analyse in this process; return the figures."""
    from classwright_tools.context import DEFAULT_ENCODER, ToolContext
    from classwright_tools.domain.example import make_example
    from classwright_tools.domain.task import Label, Task
    from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
    from classwright_tools.workspace.datasets import save_dataset
    from classwright_tools.workspace.workspace import Workspace

    texts, given, vectors = made_up(rows, labels)
    workspace = Workspace(folder / "workspace")
    names = [f"label {number}" for number in range(labels)]
    workspace.save_task(Task(slug=TASK, instruction="Tell.", labels=tuple(Label(name=name) for name in names)))
    examples = [make_example(text, names[label]) for text, label in zip(texts, given.tolist(), strict=True)]
    held = rows // 10
    context = ToolContext(workspace=workspace, run_key="training")

    def saved(train: list[Any], validation: list[Any], key: str) -> str:
        splits: dict[Any, Any] = {"train": train, "validation": validation}
        return save_dataset(workspace, TASK, splits, parent=None, run_key=key, made_by="import_examples").id

    few = saved(examples[held : held + TRAINED_ON], examples[:held], "few")
    EmbeddingCache(workspace.cache).put(open_encoder(DEFAULT_ENCODER).ref.digest, texts, vectors)
    model = train_classifier(TrainClassifierRequest(task=TASK, dataset=few, method="probe"), context).model
    dataset = saved(examples[held:], examples[:held], "all")
    del texts, given, vectors, examples
    before = used()["peak_mb"]
    began, on_clock = time.process_time(), time.perf_counter()
    request = ErrorAnalysisRequest(model=model, dataset=dataset)
    result = error_analysis(request, ToolContext(workspace=workspace, run_key="analysis"))
    taken = {"cpu_seconds": time.process_time() - began, "seconds": time.perf_counter() - on_clock}
    found = {"errors": result.errors, "rows": result.rows, "label_issues": len(result.label_issues)}
    return {**{name: round(value, 1) for name, value in taken.items()}, **found, "before_mb": before, **used()}


def measure_hand(rows: int, labels: int) -> dict[str, Any]:
    """Do the like by hand in this process; return the figures, with the seconds of each part."""
    from cleanlab.filter import find_label_issues
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.manifold import TSNE
    from sklearn.metrics import classification_report, confusion_matrix, silhouette_score
    from sklearn.model_selection import cross_val_predict

    from classwright_tools.measurement.clusters import MOST_CLUSTERS, MOST_ERRORS
    from classwright_tools.measurement.out_of_fold import MOST_ROWS, PENALTIES
    from classwright_tools.measurement.text_map import MOST_TEXTS

    _, given, vectors = made_up(rows, labels)
    held = rows // 10
    model = LogisticRegression(C=10.0, max_iter=1000)
    model.fit(vectors[held : held + TRAINED_ON], given[held : held + TRAINED_ON])
    parts: dict[str, float] = {}

    def timed(part: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        parts[part] = round(time.process_time() - began, 1)
        return result

    def out_of_fold(places: slice) -> list[np.ndarray]:
        ways = [LogisticRegression(C=c, max_iter=1000) for c in PENALTIES]
        return [cross_val_predict(way, vectors[places], given[places], cv=5, method="predict_proba") for way in ways]

    predicted = timed("answers to validation rows", lambda: model.predict(vectors[:held]))
    train, both = slice(held, held + MOST_ROWS), slice(held // 2, held // 2 + MOST_ROWS)
    timed("out-of-fold answers to training rows", lambda: out_of_fold(train))
    second = timed("out-of-fold answers to rows of both", lambda: out_of_fold(both))
    timed("wrong labels", lambda: find_label_issues(given[both], second[0], filter_by="both", n_jobs=1))
    timed("figures a label", lambda: classification_report(given[:held], predicted, zero_division=0.0))
    matrix = timed("confusion matrix", lambda: confusion_matrix(given[:held], predicted))
    timed("confused pairs", lambda: np.argsort(-(matrix + matrix.T), axis=None)[:20])
    wrong = vectors[:held][predicted != given[:held]][:MOST_ERRORS]

    def clusters() -> float:
        tried = range(2, MOST_CLUSTERS + 1)
        found = (AgglomerativeClustering(n_clusters=count).fit_predict(wrong) for count in tried)
        return max(float(silhouette_score(wrong, names, metric="cosine")) for names in found)

    timed("clusters of errors", clusters)
    sample = PCA(50, random_state=0).fit_transform(vectors[:MOST_TEXTS])
    timed("map", lambda: TSNE(random_state=0, init="pca").fit_transform(sample))
    return {"cpu_seconds": round(sum(parts.values()), 1), "parts": parts, "errors": len(wrong), **used()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=150)
    options = parser.parse_args()
    figures: dict[str, Any] = {"rows": options.rows, "labels": options.labels, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder:
        for way in ("--own", "--hand"):
            command = [sys.executable, __file__, way, folder, str(options.rows), str(options.labels)]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            figures[way.strip("-")] = json.loads(answer.splitlines()[-1])
    own, hand = figures["own"], figures["hand"]
    figures["times"] = round(own["cpu_seconds"] / hand["cpu_seconds"], 2)
    for part, seconds in hand["parts"].items():
        print(f"{part:>40} {seconds:>8}")
    for way, one in (("by hand", hand), ("error_analysis", own)):
        print(f"{way:>40} {one['cpu_seconds']:>8} s of processor time, {one['peak_mb']} MB")
    print(f"{figures['times']} times the sum of parts")
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--own"]:
        print(json.dumps(measure_own(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
    elif sys.argv[1:2] == ["--hand"]:
        print(json.dumps(measure_hand(int(sys.argv[3]), int(sys.argv[4]))))
    else:
        main()
