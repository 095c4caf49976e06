"""The method `contrastive` against the setfit library: the same rows, encoder and test texts; accuracy and time.

    python benchmarks/contrastive_vs_setfit.py --data FOLDER

FOLDER (or the environment variable DATA) holds a folder for each set with `train.jsonl.gz` and `test.jsonl.gz`, lines
of {"text": ..., "label": ...}. For each set, number of rows a label, and seed, both methods train on one draw of rows
and answer one draw of test texts. The difference is paired: its interval is a bootstrap over all (seed, text) pairs.
It prints a table and writes `benchmarks/results/contrastive_vs_setfit.json`. Each run is kept there as soon as it is
done, all cases of a seed before the next seed. With `--resume` a run that was stopped goes on; with fewer `--seeds` as
well, it makes the table of those that are done. Without it everything is measured anew.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import accuracy_of

SETS = ("financial_phrasebank", "cr", "subj")
ROWS_A_LABEL = (8, 16)
RIVALS = ("contrastive", "setfit")
RESULTS = Path(__file__).parent / "results" / "contrastive_vs_setfit.json"


@dataclass(frozen=True)
class Draw:
    """Rows to train on and texts to answer."""

    rows: Rows
    k: int
    texts: tuple[str, ...]
    labels: np.ndarray


def read_lines(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def draw(folder: Path, rows_a_label: int, test_texts: int, seed: int) -> Draw:
    train, test = read_lines(folder / "train.jsonl.gz"), read_lines(folder / "test.jsonl.gz")
    names = sorted({row["label"] for row in train})
    generator = np.random.default_rng(seed)
    texts: list[str] = []
    for name in names:
        of_label = [row["text"] for row in train if row["label"] == name]
        texts += [of_label[place] for place in generator.permutation(len(of_label))[:rows_a_label]]
    asked = [test[place] for place in generator.permutation(len(test))[:test_texts]]
    labels = np.repeat(np.arange(len(names)), rows_a_label)
    return Draw(
        rows=Rows(texts=tuple(texts), labels=labels, groups=np.arange(len(texts)), origin="real"),
        k=len(names),
        texts=tuple(row["text"] for row in asked),
        labels=np.array([names.index(row["label"]) for row in asked]),
    )


def measured(method: str, drawn: Draw, seed: int, cache: Path) -> dict[str, Any]:
    """Train by `method` and return which answers are right, and the seconds of the training."""
    setup = Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=EmbeddingCache(cache),
        labels=tuple(map(str, range(drawn.k))),
        epochs=None,
        seed=seed,
        progress=lambda _done, _message: None,
    )
    wall, processor = time.perf_counter(), time.process_time()
    fitted = METHODS[method].fit(drawn.rows, setup)
    seconds = {"seconds": time.perf_counter() - wall, "processor_seconds": time.process_time() - processor}
    right = fitted.logits(drawn.texts).argmax(axis=1) == drawn.labels
    return {"right": "".join("01"[one] for one in right.astype(int)), **seconds}


def compared(all_runs: list[dict[str, Any]], name: str, rows: int) -> dict[str, Any]:
    """Return the figures of one set and number of rows over its seeds."""
    case = [run for run in all_runs if (run["set"], run["rows_a_label"]) == (name, rows)]
    seeds = {run["seed"] for run in case if run["method"] == RIVALS[-1]}  # those that both have
    runs = {rival: [run for run in case if run["method"] == rival and run["seed"] in seeds] for rival in RIVALS}
    right = {rival: np.concatenate([answers(run) for run in runs[rival]]) for rival in RIVALS}
    gain = bootstrap(
        lambda weights, ours, theirs: accuracy_of(weights, ours) - accuracy_of(weights, theirs),
        right["contrastive"],
        right["setfit"],
    )
    figures: dict[str, Any] = {"set": name, "rows_a_label": rows, "seeds": len(seeds), "gain": gain.model_dump()}
    for rival in RIVALS:
        figures[rival] = {
            "accuracy": float(right[rival].mean()),
            "accuracy_by_seed": [float(answers(run).mean()) for run in runs[rival]],
            "seconds": float(np.sum([run["seconds"] for run in runs[rival]])),
            "processor_seconds": float(np.sum([run["processor_seconds"] for run in runs[rival]])),
        }
    for unit in ("seconds", "processor_seconds"):
        figures[f"{unit}_ratio"] = figures["setfit"][unit] / figures["contrastive"][unit]
    return figures


def answers(run: dict[str, Any]) -> np.ndarray:
    """Return which answers (n,) of a run are right."""
    return np.array([one == "1" for one in run["right"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), help="the folder of the sets")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS_A_LABEL, help="rows a label")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test-texts", type=int, default=500)
    parser.add_argument("--resume", action="store_true", help="keep the runs that the results hold already")
    arguments = parser.parse_args()
    if arguments.data is None:
        print("contrastive_vs_setfit: skipped, for it needs the sets: pass --data FOLDER or set DATA")
        return
    runs = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"] if arguments.resume else []
    done = {(run["set"], run["rows_a_label"], run["seed"], run["method"]) for run in runs}
    cases = list(product(arguments.sets, arguments.rows))
    with tempfile.TemporaryDirectory() as cache:
        measured(
            "probe", draw(arguments.data / arguments.sets[0], 8, 8, 0), 0, Path(cache)
        )  # imports, outside the time
        for seed, (name, rows), rival in product(range(arguments.seeds), cases, RIVALS):
            if (name, rows, seed, rival) in done:
                continue
            drawn = draw(arguments.data / name, rows, arguments.test_texts, seed)
            run = {"set": name, "rows_a_label": rows, "seed": seed, "method": rival}
            runs.append({**run, **measured(rival, drawn, seed, Path(cache))})
            print(run, flush=True)
            write(runs, [])
    results = [compared(runs, *case) for case in cases]
    write(runs, results)
    print(table(results))


def write(runs: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
    """Write the runs and the figures of each case; without the latter while the runs go on."""
    RESULTS.parent.mkdir(exist_ok=True)
    content = {"encoder": DEFAULT_ENCODER, "results": results, "runs": runs}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def line(result: dict[str, Any]) -> str:
    ours, theirs, gain = result["contrastive"], result["setfit"], result["gain"]
    return (
        f"| {result['set']} | {result['rows_a_label']} | {ours['accuracy']:.3f} | {theirs['accuracy']:.3f} "
        f"| {gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}) | {ours['seconds']:.0f} "
        f"| {theirs['seconds']:.0f} | {result['seconds_ratio']:.1f} | {result['processor_seconds_ratio']:.1f} |"
    )


def table(results: list[dict[str, Any]]) -> str:
    return "\n".join(
        [
            "",
            "| set | rows a label | contrastive | setfit | paired difference (95%) | contrastive, s | setfit, s "
            "| times faster | by processor time |",
            "|---|---|---|---|---|---|---|---|---|",
            *(line(result) for result in results),
        ]
    )


if __name__ == "__main__":
    main()
