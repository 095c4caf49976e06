"""S3: classes of very different sizes. Embeddings against cluster centroids, and their rivals.

Twelve seeds; each draws its training and its test rows anew, from both files of the set. "Same network" means the same
layers, noise, dropout, optimiser and number of steps. Numbers such as margins were set on other intents than these.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # nets this small gain nothing from threads

import torch
from imbalance_cost import measure_cost
from imbalance_map import draw_map
from imbalance_problems import Kind, Problem, draw
from imbalance_ways import (
    ABLATIONS,
    BANKING,
    ENCODER_SEEDS,
    KINDS,
    LINEAR,
    LSTM,
    LSTM_SEEDS,
    NETWORKS,
    SEEDS,
    TARGETS,
    by_adapter,
    by_encoder,
    by_linear,
    by_lstm,
)
from pages import write_section
from runs import Figures, Runs, arguments_of
from s3_page import page
from together import measured_together

QUICK_SEEDS = 2


def measure(runs: Runs, data: Path, quick: bool) -> None:
    """Make all runs that are not there yet, the tables' targets first."""
    kinds, seeds = _extent(quick=quick)
    for kind in kinds:
        _measure(runs, data, kind, seeds, "adapter", by_adapter, TARGETS)
    _measure(runs, data, BANKING, seeds, "adapter", by_adapter, ABLATIONS)
    lstm_seeds = seeds[:LSTM_SEEDS] if len(seeds) == SEEDS else seeds[:1]
    _measure(runs, data, BANKING, lstm_seeds, "lstm", by_lstm, LSTM)
    if not quick:
        _measure(runs, data, BANKING, seeds[:ENCODER_SEEDS], "encoder", by_encoder, TARGETS)
    for kind in kinds:
        _measure(runs, data, kind, seeds, "none", by_linear, LINEAR)
    for kind in kinds:
        _measure(runs, data, kind, seeds, "adapter", by_adapter, NETWORKS)


def _extent(*, quick: bool) -> tuple[Sequence[Kind], Sequence[int]]:
    """The kinds of problems, and the seeds of each."""
    return (KINDS[:1], range(QUICK_SEEDS)) if quick else (KINDS, range(SEEDS))


def _measure(
    runs: Runs,
    data: Path,
    kind: Kind,
    seeds: Sequence[int],
    network: str,
    run: Callable[[Problem, int, Any], Figures],
    methods: Mapping[str, Any],
) -> None:
    for seed in seeds:
        if not runs.takes(network, kind.name, *methods, seed):
            continue
        problem = draw(data, kind, seed)
        for name, method in methods.items():
            key = {"network": network, "kind": kind.name, "method": name, "seed": seed}
            runs.measure(key, partial(run, problem, seed, method))


def main() -> None:
    arguments = arguments_of(__doc__ or "")
    runs = measured_together(measure, "s3", arguments.data, quick=arguments.quick)
    kinds, seeds = _extent(quick=arguments.quick)
    torch.set_num_threads(1)
    measure_cost(runs, quick=arguments.quick)
    if not arguments.quick:
        draw_map(arguments.data, BANKING)
    write_section("s3", page(runs, kinds, len(seeds)), quick=arguments.quick)


if __name__ == "__main__":
    main()
