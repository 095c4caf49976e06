"""Label issues of `error_analysis` on rows of which 5% were given a wrong label: how many of the first 50 are those.

    python benchmarks/planted_errors.py --data FOLDER

FOLDER (or the environment variable DATA) holds a folder for each set with `train.jsonl.gz`, lines of {"text": ...,
"label": ...}. 2,000 rows of a set are drawn, 5% of them get another label at random, and the label issues are those of
the product: answers out of fold by the frozen encoder and a logistic regression, then confident learning. Wrong labels
that the set had before count as false alarms. It prints a table and writes `benchmarks/results/planted_errors.json`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
from pathlib import Path

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.example import make_example
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.measurement.label_issues import label_issues
from classwright_tools.measurement.out_of_fold import out_of_fold

SETS = ("subj", "banking77", "arxiv12", "financial_phrasebank")
ROWS, PLANTED, SEEDS = 2_000, 0.05, 3
FIRST = 50
RESULTS = Path(__file__).parent / "results" / "planted_errors.json"


def precision_and_recall(rows: list[dict[str, str]], encoder: Encoder, cache: EmbeddingCache, seed: int) -> list[float]:
    """Return the share of planted errors among the first `FIRST` issues, and the share of them that any issue names."""
    labels = tuple(sorted({row["label"] for row in rows}))
    generator = np.random.default_rng(seed)
    given = np.array([labels.index(row["label"]) for row in rows])
    planted = generator.choice(len(rows), round(PLANTED * len(rows)), replace=False)
    given[planted] = (given[planted] + generator.integers(1, len(labels), len(planted))) % len(labels)
    examples = [make_example(row["text"], labels[label]) for row, label in zip(rows, given, strict=True)]
    wrong = {examples[place].id for place in planted}
    found = out_of_fold(examples, labels, "planted-d1", encoder, cache, seed, lambda _: None)
    issues = [issue.example for issue in label_issues(found)]
    return [len(wrong.intersection(issues[:FIRST])) / FIRST, len(wrong.intersection(issues)) / len(wrong)]


def drawn_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows to plant errors in: of labels with enough rows to hold some out."""
    with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    rows = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))[:ROWS]]
    counts = {label: sum(row["label"] == label for row in rows) for label in {row["label"] for row in rows}}
    return [row for row in rows if counts[row["label"]] >= 5]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    kept = Path(tempfile.gettempdir()) / "classwright_planted"
    parser.add_argument("--cache", type=Path, default=kept, help="where embeddings are kept")
    parser.add_argument("--sets", nargs="+", default=SETS)
    options = parser.parse_args()
    encoder, cache = open_encoder(DEFAULT_ENCODER), EmbeddingCache(options.cache)
    table = {}
    print(f"| set | planted among the first {FIRST} | planted found in all |\n|---|---|---|")
    for name in options.sets:
        rows = drawn_rows(options.data / name)
        runs = np.array([precision_and_recall(rows, encoder, cache, seed) for seed in range(SEEDS)])
        table[name] = {"precision": runs[:, 0].tolist(), "recall": runs[:, 1].tolist(), "rows": len(rows)}
        print(f"| {name} | {runs[:, 0].mean():.2f} | {runs[:, 1].mean():.2f} |", flush=True)
    RESULTS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
