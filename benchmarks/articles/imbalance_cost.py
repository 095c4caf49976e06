"""The cost of `method="cluster"` as rows grow: the processor seconds of three passes over random embeddings."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import torch
from pages import table
from runs import RESULTS, Figures, Runs

from classwright_tools.learning.imbalance import cluster
from classwright_tools.learning.imbalance.networks import AdapterNetwork

ROWS = (1_000, 3_000, 10_000, 30_000, 100_000)
QUICK_ROWS = (1_000, 3_000)
RATIO = (2, 2, 1, 26)
DIMENSION = 384
FIGURE = RESULTS / "s3_cost.png"


def seconds_of(rows: int) -> Figures:
    """Return the processor seconds that the two stages take."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.nn.functional.normalize(torch.randn(rows, DIMENSION, generator=generator), dim=1)
    sizes = [rows * part // sum(RATIO) for part in RATIO[:3]]
    labels = torch.repeat_interleave(torch.arange(4), torch.tensor([*sizes, rows - sum(sizes)]))
    torch.manual_seed(0)
    training = cluster.ClusterTraining(AdapterNetwork(DIMENSION), inputs, labels, 0)
    steps = cluster.Steps.of(rows, cluster.PASSES)
    started = time.process_time()
    clusters = training.learn_embedding(steps.embedding, lambda _: None)
    middle = time.process_time()
    training.train_classifier(clusters, steps.head, lambda _: None)
    return {"embedding": middle - started, "head": time.process_time() - middle}


def measure_cost(runs: Runs, *, quick: bool) -> None:
    """Measure each number of rows once, and draw the figure."""
    for rows in QUICK_ROWS if quick else ROWS:
        runs.measure({"table": "cost", "rows": rows, "seed": rows}, partial(seconds_of, rows))
    if not quick:
        _draw(*_totals(runs))


def tell_cost(runs: Runs) -> str:
    """Return the section on the cost."""
    rows, seconds = _totals(runs)
    lines = [(f"{n:,}", f"{s:.1f}", f"{1000 * s / n:.2f}") for n, s in zip(rows, seconds, strict=True)]
    slope = np.polyfit(np.log(rows), np.log(seconds), 1)[0]
    return "\n\n".join(
        [
            '### Cost of `method="cluster"`',
            "Processor time of three passes over random embeddings at 2:2:1:26, one thread "
            "([figure](results/s3_cost.png)).",
            table(("rows", "seconds", "milliseconds a row"), lines),
            f"Reading: seconds grow as rows to the power of {slope:.2f}: rows are compared with centroids, never with "
            "each other.",
        ]
    )


def _totals(runs: Runs) -> tuple[list[int], list[float]]:
    parts = [runs.figures(stage, table="cost") for stage in ("embedding", "head")]
    return list(ROWS[: len(parts[0])]), [sum(both) for both in zip(*parts, strict=True)]


def _draw(rows: list[int], seconds: list[float]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.4), layout="constrained")
    axes.loglog(rows, seconds, "o-", label="measured")
    axes.loglog(rows, [seconds[-1] * n / rows[-1] for n in rows], ":", color="grey", label="proportional to the rows")
    axes.set(xlabel="training rows", ylabel="processor seconds", title="cluster: cost of three passes")
    axes.legend()
    figure.savefig(FIGURE, dpi=110)
    pyplot.close(figure)
