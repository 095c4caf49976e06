"""A round of the loop at 10,000 rows, with what the rounds before have kept, beside the same without caches.

    python benchmarks/loop_round.py --data FOLDER [--rows 10000] [--measured 3000] [--added 100] [--runs 3]

Banking77: `--rows` training rows and `--measured` of its test rows as validation rows. A first round imports, trains a
probe, evaluates it and analyses its errors. In each run the round after it is made twice from the same state, in a
process of its own, which has imported before what a server's compute process is forked with: `--added` further training
rows are imported, a probe is trained, evaluated and analysed. Without caches the workspace's folder of embeddings and
opinions is gone. The time is that of the processor, with its parts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from articles.sets import read_split
from classwright_server.jobs.fork_server import LIBRARIES
from classwright_tools.context import ToolContext
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Label, Task
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "loop_round.json"
TASK = "bank"
A_CALL = 2_500  # rows


def round_of(workspace: Workspace, number: int, rows: dict[str, list[GivenRow]]) -> dict[str, float]:
    """Import `rows` by their splits, train, evaluate and analyse; return the processor time of each part."""
    parts: dict[str, float] = {}

    def timed(part: str, run: Callable[[Any, ToolContext], Any], request: Any) -> Any:
        began = time.process_time()
        context = ToolContext(workspace=workspace, run_key=f"{number} {part} {parts.get(part, 0)}")
        result = run(request, context)
        parts[part] = parts.get(part, 0) + time.process_time() - began
        return result

    for split, own in rows.items():
        for start in range(0, len(own), A_CALL):
            given = {"task": TASK, "split": split, "rows": tuple(own[start : start + A_CALL])}
            timed("import", import_examples, ImportExamplesRequest.model_validate(given))
    model = timed("train", train_classifier, TrainClassifierRequest(task=TASK, method="probe")).model
    timed("evaluate", evaluate, EvaluateRequest(model=model))
    timed("analyse", error_analysis, ErrorAnalysisRequest(model=model))
    return parts


def given(data: Path, split: str, first: int, last: int) -> list[GivenRow]:
    """Return rows of the set, from `first` to `last`."""
    texts = read_split(data, "banking77", split)
    return [GivenRow(text=text, label=label) for text, label in zip(texts.texts, texts.labels, strict=True)][first:last]


def in_own_process(*words: object) -> dict[str, float]:
    """Return what this script prints last when it is called with `words`."""
    command = [sys.executable, __file__, *map(str, words)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    parts: dict[str, float] = json.loads(answer.splitlines()[-1])
    return parts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--measured", type=int, default=3_000)
    parser.add_argument("--added", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--round", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    first = options.rows - options.added
    if options.round:
        for library in LIBRARIES:
            import_module(library)
        workspace = Workspace(options.round)
        new = given(options.data, "train", first, options.rows)
        print(json.dumps(round_of(workspace, 1, {"train": new})))
        return
    load = os.getloadavg()[0]
    rounds: dict[str, list[dict[str, float]]] = {"without caches": [], "with caches": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = Workspace(folder / "began")
        texts = read_split(options.data, "banking77", "train")
        labels = tuple(Label(name=label) for label in sorted(set(texts.labels)))
        began.save_task(Task(slug=TASK, instruction="Tell what a customer wants.", labels=labels))
        rows = {
            "validation": given(options.data, "test", 0, options.measured),
            "train": given(options.data, "train", 0, first),
        }
        rounds["first round"] = [round_of(began, 0, rows)]
        began.engine.dispose()
        for number in range(options.runs):
            for way in ("without caches", "with caches"):
                made = folder / f"{way} {number}"
                shutil.copytree(began.root, made)
                if way == "without caches":
                    shutil.rmtree(Workspace(made).cache)
                words = ("--data", options.data, "--rows", options.rows, "--added", options.added, "--round", made)
                rounds[way].append(in_own_process(*words))
                shutil.rmtree(made)
    ratios = [
        sum(without.values()) / sum(own.values())
        for without, own in zip(rounds["without caches"], rounds["with caches"], strict=True)
    ]
    for way, found in rounds.items():
        parts = {part: round(statistics.median(one[part] for one in found), 2) for part in found[0]}
        print(f"{way:>16} {sum(parts.values()):8.2f} s of processor time: {parts}")
    print(f"{statistics.median(ratios):.1f} times ({min(ratios):.1f} to {max(ratios):.1f})")
    figures = {
        "rows": options.rows,
        "measured": options.measured,
        "added": options.added,
        "times": [round(value, 2) for value in (statistics.median(ratios), min(ratios), max(ratios))],
        "cores": os.cpu_count(),
        "load_average_before": round(load, 1),
        "rounds": rounds,
    }
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
