"""The processor time that `find_examples` takes on 50,000 rows, in a process that has opened its encoder.

    python benchmarks/find.py

Beside a peer in one run: pandas on the same Parquet file, and numpy on embeddings that lie in memory. The rows'
embeddings are in the workspace's cache, as after a training: here random vectors stand for them, as slow to read.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the sentences are the tests' own

import numpy as np
import pandas as pd

from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.writing_verbs import sentence

RESULTS = Path(__file__).parent / "results" / "find.json"
ROWS, LABELS, RUNS = 50_000, 77, 5


def seconds(run: Callable[[], Any], runs: int = RUNS) -> float:
    """Return the median processor time of so many runs after a first one."""
    run()
    taken = []
    for _ in range(runs):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        names = [f"label {number}" for number in range(LABELS)]
        workspace.save_task(Task(slug="big", instruction="Tell.", labels=tuple(Label(name=name) for name in names)))
        rows = []
        for number in range(ROWS):
            label = names[number % LABELS]
            made = Provenance(cell=Cell(label=label, topic=f"topic {number % 9}"), round=number % 3, writer="w")
            rows.append(make_example(f"{sentence(number)} number {number}", label, origin="written", provenance=made))
        earlier = save_dataset(workspace, "big", {"train": rows}, parent=None, run_key="a", made_by="benchmark").id
        changed = [row.model_copy(update={"label": names[0]}) for row in rows[:100]] + rows[200:]
        later = save_dataset(workspace, "big", {"train": changed}, parent=earlier, run_key="b", made_by="benchmark").id
        encoder = open_encoder(DEFAULT_ENCODER)
        texts = [row.text for row in changed]
        vectors = np.random.default_rng(0).normal(size=(len(texts), encoder.dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        EmbeddingCache(workspace.cache).put(encoder.ref.digest, texts, vectors)
        context = ToolContext(workspace=workspace, run_key="find")
        parquet = workspace.artifact(later, "dataset").path / "train.parquet"

        def found(**arguments: Any) -> Callable[[], Any]:
            request = FindExamplesRequest.model_validate({"task": "big", **arguments})
            return lambda: find_examples(request, context)

        def by_words() -> Any:
            frame = pd.read_parquet(parquet)
            return frame[frame["text"].str.contains("number 77", case=False, regex=False) & (frame["round"] == 1)]

        def by_meaning() -> Any:
            frame = pd.read_parquet(parquet)
            return frame.iloc[np.argsort(-(vectors @ encoder.embed(["lost my card"])[0]))[:20]]

        times = {
            "counts of all": seconds(found(limit=0)),
            "words and round": seconds(found(where={"text": "number 77", "round": 1})),
            "words and round, pandas": seconds(by_words),
            "meaning": seconds(found(like={"text": "lost my card"})),
            "meaning, numpy in memory": seconds(by_meaning),
            "changes since another version": seconds(found(compare_to=earlier)),
            "repeats": seconds(found(doubt="repeats"), 1),
        }
    times = {name: round(taken, 3) for name, taken in times.items()}
    RESULTS.write_text(json.dumps({"rows": ROWS, "processor_seconds": times}, indent=1) + "\n", encoding="utf-8")
    for name, taken in times.items():
        print(f"{name:32}{taken:8.3f} s")


if __name__ == "__main__":
    main()
