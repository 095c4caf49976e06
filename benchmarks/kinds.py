"""Texts whose kinds nobody knows, grouped by meaning: how well the groups are the kinds that they really are of.

    python benchmarks/kinds.py --data FOLDER [--tuning]

Of a set with known labels, up to 1,200 training texts are drawn, uneven over the labels (a fifth to all of a label's
texts), and the default encoder's embeddings are grouped without the labels. How to group, and how to choose the number
of groups, was chosen on the sets of --tuning; the others serve for the figures. Told are the V-measure (Rosenberg and
Hirschberg 2007), the share of the kinds that have a group of their own (more than half of the group is of the kind, and
more than half of the kind is in the group), and the share of the kinds that some group shows (more than half of it is
of the kind). It prints a table and writes `benchmarks/results/kinds.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import silhouette_score, v_measure_score

from articles.pages import table
from articles.sets import LabelledTexts, read_split
from classwright_tools.learning.grouping import components, counts_tried, grouped

TUNING = (("clinc150", 6), ("clinc150", 18), ("banking77", 77))
FINAL = (("clinc150", 40), ("clinc150", 150), ("banking77", 12), ("arxiv12", 12), ("hate_speech_davidson", 3))
MOST_TEXTS, DRAWS = 1_200, 5
LEAST_SHARE = 0.2  # of a kind's texts that a draw keeps
FINAL_SEEDS = 100  # the draws of clinc150 and banking77 are no draws of the tuning
RESULTS = Path(__file__).parent / "results" / "kinds.json"

Numbers = np.ndarray
Way = Callable[[Numbers, int, int], Numbers]


def drawn(data: Path, name: str, kinds: int, seed: int) -> LabelledTexts:
    """Return the texts of one draw: so many of the set's labels, each with another share of its texts."""
    generator = np.random.default_rng(seed)
    rows = read_split(data, name, "train")
    chosen = generator.permutation(sorted(set(rows.labels)))[:kinds]
    shares = dict(zip(chosen.tolist(), generator.uniform(LEAST_SHARE, 1, len(chosen)), strict=True))
    weights = np.array([shares.get(label, 0.0) for label in rows.labels])
    kept = generator.permutation(np.flatnonzero(generator.random(len(weights)) < weights))[:MOST_TEXTS]
    return LabelledTexts(tuple(rows.texts[i] for i in kept), tuple(rows.labels[i] for i in kept))


def best_by_silhouette(vectors: Numbers, make: Callable[[int], Numbers]) -> Numbers:
    found = [groups for count in counts_tried(len(vectors)) if len(np.unique(groups := make(count))) > 1]
    return max(found, key=lambda groups: float(silhouette_score(vectors, groups, metric="cosine")))


def product(vectors: Numbers, kinds: int | None, seed: int) -> Numbers:
    groups = np.empty(len(vectors), int)
    for number, member in enumerate(grouped(vectors, kinds, seed)):
        groups[member] = number
    return groups


def by_kmeans(vectors: Numbers, _kinds: int, seed: int) -> Numbers:
    few = components(vectors, seed)
    return best_by_silhouette(few, lambda count: KMeans(count, n_init=3, random_state=seed).fit_predict(few))


def by_average(vectors: Numbers, _kinds: int, _seed: int) -> Numbers:
    tree = linkage(vectors, "average", metric="cosine")
    return best_by_silhouette(vectors, lambda count: fcluster(tree, count, "maxclust") - 1)


def by_hdbscan(vectors: Numbers, _kinds: int, seed: int) -> Numbers:
    groups = HDBSCAN(min_cluster_size=8, copy=True).fit_predict(components(vectors, seed))
    found: Numbers = groups - groups.min()  # what it takes for noise is a group by itself
    return found


WAYS: dict[str, Way] = {
    "as `find_examples`": lambda vectors, _, seed: product(vectors, None, seed),
    "the same, told the number": product,
    "k-means": by_kmeans,
    "average linkage": by_average,
    "HDBSCAN": by_hdbscan,
}


def figures(groups: Numbers, kinds: Numbers) -> dict[str, float]:
    """Return what the groups (n,) tell of the kinds (n,)."""
    both = np.zeros((groups.max() + 1, kinds.max() + 1), int)
    np.add.at(both, (groups, kinds), 1)
    most_of_group = both > both.sum(1, keepdims=True) / 2
    most_of_kind = both > both.sum(0, keepdims=True) / 2
    return {
        "groups": float(len(np.unique(groups))),
        "v": float(v_measure_score(kinds, groups)),
        "own": float((most_of_group & most_of_kind).any(0).mean()),
        "shown": float(most_of_group.any(0).mean()),
    }


def in_words(values: list[float], digits: int) -> str:
    """Return the mean of some draws, and the least and the most of them."""
    return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tuning", action="store_true")
    options = parser.parse_args()
    runs = []
    for name, of in TUNING if options.tuning else FINAL:
        for seed in range(DRAWS):
            rows = drawn(options.data, name, of, seed if options.tuning else FINAL_SEEDS + seed)
            vectors = rows.embeddings()
            kinds = np.unique(rows.labels, return_inverse=True)[1]
            for way, group in WAYS.items():
                started = time.process_time()
                found = figures(group(vectors, int(kinds.max() + 1), seed), kinds)
                seconds = time.process_time() - started
                run = {"set": name, "kinds": of, "texts": len(kinds), "seed": seed, "way": way, "seconds": seconds}
                runs.append(run | found)
            print(name, of, seed, flush=True)
    measured = {(run["set"], run["kinds"], run["way"]): [] for run in runs}
    for run in runs:
        measured[run["set"], run["kinds"], run["way"]].append(run)
    lines = [
        [f"{name}, {of} kinds", way]
        + [
            in_words([float(run[key]) for run in own], 0 if key == "groups" else 2)
            for key in ("groups", "v", "own", "shown")
        ]
        for (name, of, way), own in measured.items()
    ]
    print(
        table(
            ["set", "way", "groups", "V-measure", "kinds with a group of their own", "kinds that a group shows"], lines
        )
    )
    if not options.tuning:
        RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
