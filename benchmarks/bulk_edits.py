"""Bulk edits that `error_analysis` doubts: how often a bad one is raised, and how often a good one.

    python benchmarks/bulk_edits.py --data FOLDER

FOLDER (or the environment variable DATA) holds a folder for each set with `train.jsonl.gz`, lines of {"text": ...,
"label": ...}. In each draw some labels of a set are taken, with their rows among 2,000 drawn ones. Then one call
relabels rows, in four ways, and the rule of the product says whether it is doubted:

- bad, one label: of one label the rows nearest in meaning to one of them go to the nearest other label;
- bad, mixed: the rows nearest to one of them go to its label, whatever they are; half of them or more are wrong;
- good, one label: rows of one label that had the nearest other one by mistake, like the first way, get their own back;
- good, scattered: rows that had a random other label get their own back.

Good calls end in the labels of the set. It prints a table and writes `benchmarks/results/bulk_edits.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.edits import BULK
from classwright_tools.domain.example import make_example
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.measurement.bulk_edits import verdict
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.out_of_fold import out_of_fold
from planted_errors import drawn_rows

SETS = {"banking77": 16, "clinc150": 30, "sms_spam": 2}
"""How many labels of each are taken in a draw."""
DRAWS, MOST_ROWS, MOST_CALL, SHARES = 20, 600, 37, (0.2, 0.6)
"""Draws, rows of each; rows of a call, at most so many, and a share of a label's between these."""
WAYS = ("bad, one label", "bad, mixed", "good, one label", "good, scattered")
RESULTS = Path(__file__).parent / "results" / "bulk_edits.json"

Numbers = npt.NDArray[np.int64]


def called(
    way: str, true: Numbers, vectors: npt.NDArray[np.float32], generator: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """Return the places of the rows that a call relabels in one `way`, and the labels (n,) after it."""
    counts = np.bincount(true)
    label = int(generator.choice(np.flatnonzero(counts * SHARES[1] >= BULK)))
    rows = min(MOST_CALL, max(BULK, int(counts[label] * generator.uniform(*SHARES))))
    own = np.flatnonzero(true == label)
    alike = vectors @ vectors[generator.choice(own)]
    if way == "good, scattered":
        return np.sort(generator.choice(len(true), rows, replace=False)), true
    if way == "bad, mixed":
        others = np.flatnonzero(true != label)
        picked = np.concatenate([own[np.argsort(-alike[own])][: rows // 2], others[np.argsort(-alike[others])]])[:rows]
        return picked, np.where(np.isin(np.arange(len(true)), picked), label, true)
    picked = own[np.argsort(-alike[own])][:rows]
    if way == "good, one label":
        return picked, true
    means = np.stack([vectors[true == one].mean(axis=0) for one in range(len(counts))])
    near = means @ means[label]
    near[label] = -1
    return picked, np.where(np.isin(np.arange(len(true)), picked), near.argmax(), true)


def raised(folder: Path, labels: int, cache: EmbeddingCache) -> dict[str, list[bool]]:
    """Return for each way in which draws the call is doubted."""
    encoder = open_encoder(DEFAULT_ENCODER)
    rows, _ = drawn_rows(folder)
    found: dict[str, list[bool]] = {way: [] for way in WAYS}
    for draw in range(DRAWS):
        generator = np.random.default_rng(draw)
        names = sorted(generator.choice(sorted({label for _, label in rows}), labels, replace=False).tolist())
        some = [row for row in rows if row[1] in names]
        some = [some[place] for place in np.sort(generator.permutation(len(some))[:MOST_ROWS])]
        true = np.array([names.index(label) for _, label in some])
        vectors = encoder.embed([text for text, _ in some], cache)
        for way in WAYS:
            places, given = called(way, true, vectors, generator)
            examples = [make_example(text, names[label]) for (text, _), label in zip(some, given.tolist(), strict=True)]
            answers, _ = out_of_fold(examples, tuple(names), "bulk-d1", encoder, cache, draw, lambda _: None)
            found[way].append(judged(answers, {examples[place].id for place in places.tolist()}, encoder, cache))
    return found


def judged(answers: Answers, touched: set[str], encoder: Encoder, cache: EmbeddingCache) -> bool:
    """Return whether the call that touched these rows is doubted."""
    vectors = encoder.embed([row.content for row in answers.rows], cache)
    places = np.flatnonzero([row.id in touched for row in answers.rows])
    return verdict(answers, vectors, places, calls=1).is_doubted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    kept = Path(tempfile.gettempdir()) / "classwright_planted"
    parser.add_argument("--cache", type=Path, default=kept, help="where embeddings are kept")
    options = parser.parse_args()
    table = {}
    print(f"| set | {' | '.join(WAYS)} |\n|---|{'---|' * len(WAYS)}")
    for name, labels in SETS.items():
        table[name] = raised(options.data / name, labels, EmbeddingCache(options.cache))
        print(f"| {name} | {' | '.join(f'{sum(table[name][way])} of {DRAWS}' for way in WAYS)} |", flush=True)
    RESULTS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
