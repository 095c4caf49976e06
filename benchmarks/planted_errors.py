"""Label issues of `error_analysis` on rows of which 5% were given a wrong label: how many of the first 50 are those.

    python benchmarks/planted_errors.py --data FOLDER

FOLDER (or the environment variable DATA) holds a folder for each set with `train.jsonl.gz`, lines of {"text": ...,
"label": ...}, or with a list of "labels". 2,000 rows of a set are drawn, in 5% of them one label becomes another one at
random, and the label issues are those of the product: answers out of fold by the frozen encoder and logistic
regression, then confident learning. Wrong labels that the set had before count as false alarms. It prints a table and
writes `benchmarks/results/planted_errors.json`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.example import make_example
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.measurement.second_opinion import second_opinion

SETS = ("subj", "banking77", "arxiv12", "financial_phrasebank", "go_emotions")
ROWS, PLANTED, SEEDS = 2_000, 0.05, 3
FIRST = 50
LEAST_ROWS = 5  # of a label: some are held out
RESULTS = Path(__file__).parent / "results" / "planted_errors.json"


def precision_and_recall(
    rows: list[list[str]], several: bool, encoder: Encoder, cache: EmbeddingCache, seed: int
) -> list[float]:
    """Return the share of planted errors among the first `FIRST` issues, and the share of them that any issue names."""
    labels = tuple(sorted({label for _, *own in rows for label in own}))
    generator = np.random.default_rng(seed)
    given = [[labels.index(label) for label in own] for _, *own in rows]
    planted = generator.choice(len(rows), round(PLANTED * len(rows)), replace=False)
    for place in planted.tolist():
        own = given[place]
        changed = int(generator.integers(len(own)))
        others = [label for label in range(len(labels)) if label not in own]
        own[changed] = int(generator.choice(others))
    examples = [
        make_example(text, None, labels=tuple(labels[label] for label in sorted(own)))
        if several
        else make_example(text, labels[own[0]])
        for (text, *_), own in zip(rows, given, strict=True)
    ]
    wrong = {examples[place].id for place in planted}
    opinion = second_opinion(examples, labels, "planted-d1", encoder, cache, seed, lambda _: None, several=several)
    issues = [issue.example for issue in opinion.issues()] if opinion else []
    named = issues[:FIRST]
    return [
        len(wrong.intersection(named)) / max(1, len(named)),
        len(wrong.intersection(issues)) / len(wrong),
        len(issues),
    ]


def drawn_rows(folder: Path) -> tuple[list[list[str]], bool]:
    """Return the rows to plant errors in, each a text and its labels, and whether these may be several.

    They are of labels with enough rows to hold some out.
    """
    with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    several = "labels" in rows[0]
    drawn = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))[:ROWS]]
    labelled = [[row["text"], *(row["labels"] if several else [row["label"]])] for row in drawn]
    counts = Counter(label for _, *own in labelled for label in own)
    return [row for row in labelled if len(row) > 1 and all(counts[label] >= LEAST_ROWS for label in row[1:])], several


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
        rows, several = drawn_rows(options.data / name)
        runs = np.array([precision_and_recall(rows, several, encoder, cache, seed) for seed in range(SEEDS)])
        table[name] = {
            "precision": runs[:, 0].tolist(),
            "recall": runs[:, 1].tolist(),
            "issues": runs[:, 2].tolist(),
            "rows": len(rows),
        }
        print(f"| {name} | {runs[:, 0].mean():.2f} | {runs[:, 1].mean():.2f} |", flush=True)
    RESULTS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
