"""Matching of pairs with hard negatives (QUARTS): what each kind of negatives and attention are worth.

    python benchmarks/articles/s2.py --data FOLDER [--quick]

For each seed 40% of the queries are held out, and few labelled mismatches, more matches and many unlabelled matches are
drawn from the rest. Every fifth query of a set never enters the table: on these the settings were chosen.
"""

from __future__ import annotations

import torch
from pages import write_section
from pair_cross_encoder import measure_cross_encoder
from pair_generator import measure_generator
from pair_sets import QUICK, SETS
from pair_table import section
from pair_ways import ATTENTION, BASELINES, NETWORKS, POOLED, Problem, measure_baseline, measure_network
from runs import Runs, arguments_of

SLOW_SEEDS = 3  # of the ways that take longer or only serve the reading
CROSS_ENCODER_SEEDS = 3  # minutes each
BESIDE = ("labels only", "random", "generated, half random")  # networks on the sets beside homedepot_search


def main() -> None:
    torch.set_num_threads(1)  # on networks this small, threads wait for each other longer than they work
    arguments = arguments_of(__doc__ or "")
    runs = Runs("s2", quick=arguments.quick)
    main_set, *others = [QUICK] if arguments.quick else SETS
    for seed in range(main_set.seeds):
        _measure(runs, Problem(arguments.data, main_set, seed), quick=arguments.quick)
    if not arguments.quick:
        for seed in range(SLOW_SEEDS):
            _measure_slow(runs, Problem(arguments.data, main_set, seed))
        for pair_set in others:
            for seed in range(pair_set.seeds):
                _measure(runs, Problem(arguments.data, pair_set, seed), quick=False)
        for seed in range(CROSS_ENCODER_SEEDS):
            problem = Problem(arguments.data, main_set, seed)
            key = {"set": main_set.name, "seed": seed, "way": "cross-encoder"}
            runs.measure(key, lambda problem=problem: measure_cross_encoder(problem))
    write_section("s2", section(runs, quick=arguments.quick), quick=arguments.quick)


def _measure(runs: Runs, problem: Problem, *, quick: bool) -> None:
    """Measure the ways of the main table on one seed."""
    first = problem.pair_set.name == SETS[0].name
    key = {"set": problem.pair_set.name, "seed": problem.seed}
    for name in BASELINES:
        runs.measure({**key, "way": name}, lambda name=name: measure_baseline(problem, name))
    names = BESIDE if quick or not first else tuple(NETWORKS)
    for name in names:
        runs.measure({**key, "way": name}, lambda name=name: measure_network(problem, NETWORKS[name]))


def _measure_slow(runs: Runs, problem: Problem) -> None:
    """Measure the generator's own vectors and token attention on one seed."""
    key = {"set": problem.pair_set.name, "seed": problem.seed}
    for objective in ("frozen", "cooperative", "adversarial"):
        generator_key = {**key, "generator": objective}
        runs.measure(generator_key, lambda objective=objective: measure_generator(problem, objective))
    for name, way in (POOLED | ATTENTION).items():
        runs.measure({**key, "way": name}, lambda way=way: measure_network(problem, way))


if __name__ == "__main__":
    main()
