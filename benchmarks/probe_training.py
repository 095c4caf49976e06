"""A probe's training beside scikit-learn's `LogisticRegressionCV`, on the same embeddings, penalties and folds.

    python benchmarks/probe_training.py --data FOLDER [--rows 1000] [--runs 3]

Banking77: the first `--rows` training rows, and 500 others to compare the answers on. Both choose one of four penalties
by the accuracy over the same three grouped folds and fit all rows by it, in turn in each run. The time is that of the
processor. Embeddings are made before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from threadpoolctl import threadpool_limits

from articles.sets import CACHE, read_split
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.head import CANDIDATES, ITERATIONS, Head, fit_head
from classwright_tools.learning.probe import CHOOSING_FOLDS, choose_regularisation
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.splits import grouped_folds

RESULTS = Path(__file__).parent / "results" / "probe_training.json"
ASKED = 500


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    read = read_split(options.data, "banking77", "train")
    places = np.random.default_rng(0).permutation(len(read.texts))[: options.rows + ASKED]
    texts = tuple(read.texts[place] for place in places)
    names = tuple(sorted(set(read.labels)))
    labels = np.array([names.index(read.labels[place]) for place in places])
    encoder, cache = open_encoder(DEFAULT_ENCODER), EmbeddingCache(CACHE)
    embeddings = encoder.embed(texts, cache)
    known, asked = embeddings[: options.rows], embeddings[options.rows :]
    own, true = labels[: options.rows], labels[options.rows :]
    rows = Rows(texts[: options.rows], own, np.arange(options.rows), "real")
    setup = Setup(encoder=encoder, cache=cache, labels=names, epochs=None, seed=0, progress=lambda _done, _what: None)

    def probe() -> tuple[float, np.ndarray]:
        c = choose_regularisation(known, rows, setup)
        return c, fit_head(known, own, len(names), c=c).logits(asked)

    # A probe shuffles its rows before it makes folds: those of its rows are those of these places.
    order = np.random.default_rng(setup.seed).permutation(options.rows)
    folds = [(order[train], order[held]) for train, held in grouped_folds(rows.take(order), 0, CHOOSING_FOLDS)]

    def peer() -> tuple[float, np.ndarray]:
        with threadpool_limits(1):
            model = LogisticRegressionCV(
                Cs=CANDIDATES,
                cv=folds,
                max_iter=ITERATIONS,
                scoring="accuracy",
                l1_ratios=(0,),
                use_legacy_attributes=False,
            ).fit(known.astype(np.float64), own)
        return float(model.C_), Head(model.coef_, model.intercept_).logits(asked)

    ways = {"probe": probe, "LogisticRegressionCV": peer}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    found = {}
    for _ in range(options.runs):
        for way, run in ways.items():
            began = time.process_time()
            found[way] = run()
            seconds[way].append(time.process_time() - began)
    ratios = [one / other for one, other in zip(*seconds.values(), strict=True)]
    answers = {way: softmax(logits) for way, (_, logits) in found.items()}
    right = {way: float((proba.argmax(axis=1) == true).mean()) for way, proba in answers.items()}
    apart = float(abs(answers["probe"] - answers["LogisticRegressionCV"]).max())
    figures = {
        "rows": options.rows,
        "seconds": seconds,
        "ratios": ratios,
        "penalty": {way: c for way, (c, _) in found.items()},
        "accuracy": right,
        "probabilities_apart_at_most": apart,
        "cores": os.cpu_count(),
        "load_average_before": round(load, 1),
    }
    for way in ways:
        print(f"{way:>20} {statistics.median(seconds[way]):6.2f} s, C {found[way][0]:g}, accuracy {right[way]:.3f}")
    print(f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f}); {apart:.4f} apart at most")
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
