"""Matching of pairs with hard negatives (QUARTS): what each kind of negatives and attention are worth.

    python benchmarks/articles/s2.py --data FOLDER [--quick]

For each seed 40% of the queries are held out, and few labelled mismatches, more matches and many unlabelled matches are
drawn from the rest. Every fifth query of a set never enters the table: on these the settings were chosen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # networks this small gain nothing from threads

from pages import write_section
from pair_cross_encoder import measure_cross_encoder
from pair_generator import measure_generator
from pair_sets import QUICK, SETS, PairSet
from pair_table import section
from pair_ways import ATTENTION, BASELINES, NETWORKS, POOLED, Problem, measure_baseline, measure_network
from runs import Runs, arguments_of
from together import measured_together

SLOW_SEEDS = 3  # of the ways that take longer or only serve the reading
CROSS_ENCODER_SEEDS = 3  # minutes each
BESIDE = ("labels only", "random", "generated, half random")  # networks on the sets beside homedepot_search


def main() -> None:
    arguments = arguments_of(__doc__ or "")
    runs = measured_together(measure, "s2", arguments.data, quick=arguments.quick)
    write_section("s2", section(runs, quick=arguments.quick), quick=arguments.quick)


def measure(runs: Runs, data: Path, quick: bool) -> None:
    """Make all runs that are not there yet."""
    for part, pair_set, seed in _parts(quick=quick):
        if runs.takes(part.__name__, pair_set.name, seed):
            part(runs, Problem(data, pair_set, seed), quick=quick)


def _parts(*, quick: bool) -> Iterator[tuple[Callable[..., None], PairSet, int]]:
    """What to measure on which set and seed: the main table first, the shortest last."""
    main_set, *others = [QUICK] if quick else SETS
    for seed in range(main_set.seeds):
        yield _measure, main_set, seed
    if not quick:
        for part, seeds in ((_measure_cross_encoder, CROSS_ENCODER_SEEDS), (_measure_slow, SLOW_SEEDS)):
            for seed in range(seeds):
                yield part, main_set, seed
    for pair_set in others:
        for seed in range(pair_set.seeds):
            yield _measure, pair_set, seed


def _measure(runs: Runs, problem: Problem, *, quick: bool) -> None:
    """Measure the ways of the main table on one seed."""
    first = problem.pair_set.name == SETS[0].name
    key = {"set": problem.pair_set.name, "seed": problem.seed}
    for name in BASELINES:
        runs.measure({**key, "way": name}, lambda name=name: measure_baseline(problem, name))
    names = BESIDE if quick or not first else tuple(NETWORKS)
    for name in names:
        runs.measure({**key, "way": name}, lambda name=name: measure_network(problem, NETWORKS[name]))


def _measure_cross_encoder(runs: Runs, problem: Problem, **_: bool) -> None:
    """Measure the fine-tuned cross-encoder on one seed."""
    key = {"set": problem.pair_set.name, "seed": problem.seed, "way": "cross-encoder"}
    runs.measure(key, lambda: measure_cross_encoder(problem))


def _measure_slow(runs: Runs, problem: Problem, **_: bool) -> None:
    """Measure the generator's own vectors and token attention on one seed."""
    key = {"set": problem.pair_set.name, "seed": problem.seed}
    for objective in ("frozen", "cooperative", "adversarial"):
        generator_key = {**key, "generator": objective}
        runs.measure(generator_key, lambda objective=objective: measure_generator(problem, objective))
    for name, way in (POOLED | ATTENTION).items():
        runs.measure({**key, "way": name}, lambda way=way: measure_network(problem, way))


if __name__ == "__main__":
    main()
