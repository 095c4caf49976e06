"""Do near-duplicates among labelled pairs have one label, so that a second one tells nothing?

For each set: pairs of training rows with a similarity of 0.85 or more that are not equal, how many of these have
different labels, and how many of any two rows of one query have. A row is counted with the first row that it resembles.

    python benchmarks/near_pairs.py --data FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from classwright_tools.curation.bulk_duplicates import BulkDuplicates
from classwright_tools.domain.pair import joined

SETS = ("homedepot_search", "crowdflower_search")
BATCH = 10_000


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def differing_near(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """Return how many rows resemble an earlier one, and how many of these have another label than it."""
    contents = [joined(row["query"], row["item"]) for row in rows]
    everywhere = np.ones((1, 1), dtype=bool)
    with tempfile.TemporaryDirectory() as folder:
        duplicates = BulkDuplicates(Path(folder), everywhere, everywhere)
        for begin in range(0, len(contents), BATCH):
            duplicates.add(contents[begin : begin + BATCH], 0)
        repeats = list(duplicates.repeats(lambda rows: [contents[row] for row in rows], lambda _: None))
    near = [one for one in repeats if one.similarity < 1]
    return len(near), sum(rows[one.row]["label"] != rows[one.of]["label"] for one in near)


def differing_of_query(rows: list[dict[str, Any]]) -> float:
    """Return the share of different labels among all twos of rows that have one query."""
    by_query: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        by_query[row["query"]][row["label"]] += 1
    twos = sum(labels.total() * (labels.total() - 1) for labels in by_query.values())
    alike = sum(n * (n - 1) for labels in by_query.values() for n in labels.values())
    return 1 - alike / twos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    data = parser.parse_args().data
    for name in SETS:
        rows = read(data / name / "train.jsonl.gz")
        near, differ = differing_near(rows)
        print(
            f"{name}: {len(rows):,} rows, {near:,} near an earlier one, {differ / near:.0%} of these with another "
            f"label; of any two rows of one query {differing_of_query(rows):.0%}"
        )


if __name__ == "__main__":
    main()
