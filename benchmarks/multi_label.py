"""Rows with several labels: the product's thresholds beside one-vs-rest logistic regression at 0.5, in one run.

    python benchmarks/multi_label.py --data FOLDER

FOLDER (or the environment variable DATA) holds `go_emotions` with `train.jsonl.gz` and `test.jsonl.gz`, lines of
{"text": ..., "labels": [...]}. Each seed draws training rows; all ways see the same embeddings of the default encoder
and answer all test rows. The peer is scikit-learn's `OneVsRestClassifier(LogisticRegression())`: as it is, with the
penalty that the product chose, and with balanced classes. It prints a table and writes
`benchmarks/results/multi_label.json`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.learning.label_space import LabelSpace, encode
from classwright_tools.learning.probe import choose_regularisation
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.several_labels.training import train_several
from classwright_tools.statistics.multi_label import compare

SET = "go_emotions"
ROWS, SEEDS, ITERATIONS = 2_000, 3, 1_000
FIGURES = ("macro_f1", "micro_f1", "samples_f1", "accuracy")
RESULTS = Path(__file__).parent / "results" / "multi_label.json"


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the texts and the labels of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [row["labels"] for row in rows]


def figures(true: np.ndarray, given: np.ndarray) -> dict[str, float]:
    """Return scikit-learn's figures, on the labels that the rows have."""
    has = np.flatnonzero(true.any(axis=0))
    f1 = {
        f"{mean}_f1": f1_score(true[:, has], given[:, has], average=mean, zero_division=0)
        for mean in ("macro", "micro", "samples")
    }
    return {name: float(value) for name, value in (f1 | {"accuracy": accuracy_score(true, given)}).items()}


def answers(
    rows: Rows, texts: list[str], encoder: Encoder, cache: EmbeddingCache, labels: tuple[str, ...], seed: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return what each way gives to the test `texts` (n, k), and the seconds of processor time that its fit took."""
    setup = Setup(encoder=encoder, cache=cache, labels=labels, epochs=None, seed=seed, progress=lambda *_: None)
    train, test = setup.embed(rows.texts), setup.embed(texts)
    penalty = choose_regularisation(train, rows, setup)
    given, seconds = {}, {}
    peers: dict[str, dict[str, Any]] = {
        "peer at 0.5": {},
        "peer at 0.5, the product's C": {"C": penalty},
        "peer at 0.5, balanced classes": {"C": penalty, "class_weight": "balanced"},
    }
    for name, options in peers.items():
        started = time.process_time()
        fitted = OneVsRestClassifier(LogisticRegression(max_iter=ITERATIONS, **options)).fit(train, rows.labels)
        seconds[name] = time.process_time() - started
        given[name] = fitted.predict(test).astype(bool)
    for name, imbalance in (("probe", "none"), ("probe, class weights", "class_weights")):
        started = time.process_time()
        own = replace(setup, imbalance=imbalance, penalty=penalty)
        trained = train_several("probe", rows, None, own)
        seconds[name] = time.process_time() - started
        space = LabelSpace(labels, trained.thresholds)
        proba = space.probabilities(trained.classifier.logits(texts))
        given[name] = space.decide(proba)
        if imbalance == "none":
            given["probe, at 0.5"] = proba >= 0.5
    return given, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    folder = Path(tempfile.gettempdir()) / "classwright_multi_label"
    parser.add_argument("--cache", type=Path, default=folder, help="where embeddings and finished seeds are kept")
    parser.add_argument("--rows", type=int, default=ROWS, help="training rows of a seed")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    encoder, cache = open_encoder(DEFAULT_ENCODER), EmbeddingCache(options.cache)
    (texts, own), (test_texts, test_own) = (
        read(options.data / SET / f"{split}.jsonl.gz") for split in ("train", "test")
    )
    labels = tuple(sorted({label for row in own for label in row}))
    every, true = encode(own, labels), encode(test_own, labels)
    runs: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        kept = options.cache / f"run-{options.rows}-{seed}.json"
        if kept.is_file():
            runs.append(json.loads(kept.read_text(encoding="utf-8")))
            continue
        places = np.random.default_rng(seed).permutation(len(texts))[: options.rows]
        rows = Rows(tuple(texts[place] for place in places), every[places], np.arange(len(places)), "real")
        given, seconds = answers(rows, test_texts, encoder, cache, labels, seed)
        gain = compare(true, given["probe"], given["peer at 0.5, the product's C"], "peer", seed)
        ways = {name: figures(true, found) | {"seconds": seconds.get(name)} for name, found in given.items()}
        runs.append({"seed": seed, "ways": ways, "gain": gain.model_dump(mode="json")})
        kept.write_text(json.dumps(runs[-1]), encoding="utf-8")
        print(f"seed {seed}: gain in macro-F1 {gain.macro_f1_gain}", flush=True)
    print(f"\n| way | {' | '.join(FIGURES)} | processor seconds |\n|---|{'---|' * (len(FIGURES) + 1)}")
    for name in runs[0]["ways"]:
        found = {
            figure: np.array([run["ways"][name][figure] for run in runs], float) for figure in (*FIGURES, "seconds")
        }
        shown = " | ".join(
            f"{100 * found[figure].mean():.1f} ± {100 * found[figure].std(ddof=1):.1f}" for figure in FIGURES
        )
        print(f"| {name} | {shown} | {np.median(found['seconds']):.1f} |")
    RESULTS.write_text(
        json.dumps({"rows": options.rows, "test_rows": len(true), "runs": runs}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
