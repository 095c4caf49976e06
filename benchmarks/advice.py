"""The advice of `gan_augment` against what its rows gain on test rows: how often it is right, and given at all.

    python benchmarks/advice.py --data FOLDER [--tuning] [--minutes M]

Few rows of a set are drawn (`advising/tasks.py` says of which, beside which corpus), the product measures and advises,
and a classifier with the generated rows and one without answer the set's test rows. What is expected before anything is
measured, and how sure an advice must be, was chosen on the sets of --tuning; the six others serve for the figures.
Runs are kept as they come in `results/advice.json`: after --minutes it stops, and goes on when it is called again.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # networks this small gain nothing from threads

import numpy as np

from advising.tasks import FINAL, TUNING, Pairing, Problem, Rows, read_problem
from articles.pages import table
from articles.runs import Figures, Runs
from classwright_tools.augmentation.gain import fit, measure_gains
from classwright_tools.augmentation.gan_fitting import Pretrained, pretrain
from classwright_tools.augmentation.gan_form import GanForm
from classwright_tools.augmentation.methods import Material, Recipe, generate
from classwright_tools.domain.augmentation import GenerationMethod
from classwright_tools.learning.head import Head
from classwright_tools.statistics.exact_tests import mcnemar

METHODS: tuple[GenerationMethod, ...] = ("gan", "distribution_calibration")
PER_LABEL = (10, 25, 25, 50)  # rows, in turn
DRAWS = 20
REPETITIONS = 3  # of the cross-validation, as by default
COUNTED = 0.01  # of test accuracy: advice about less is neither right nor wrong
VERDICTS = ("use it", "do not use it", "cannot be told")


def measured(problem: Problem, corpus: Pretrained, seed: int) -> dict[str, Figures]:
    """Return for each method what is advised on one draw of rows, and what its rows gain on test rows."""
    few = problem.pool.draw(PER_LABEL[seed % len(PER_LABEL)], seed)
    material = Material(few.embeddings, few.labels, np.arange(len(few.labels)), few.names, corpus)
    recipes = [Recipe(method, None, 1.0, seed) for method in METHODS]
    started = time.process_time()
    gains = measure_gains(recipes, material, REPETITIONS, progress=lambda *_: None)
    seconds = time.process_time() - started
    found = {}
    for recipe, gain in zip(recipes, gains, strict=True):
        with_rows = _right(fit(material, generate(recipe, material), gain.penalty), problem.test)
        without = _right(fit(material, None, gain.penalty_without), problem.test)
        won, lost = int((with_rows & ~without).sum()), int((without & ~with_rows).sum())
        found[recipe.method] = {
            "verdict": float(VERDICTS.index(gain.advice.verdict)),
            "rows_to_tell": float(gain.advice.rows_to_tell or 0),
            "gain": gain.gain.value,
            "low": gain.gain.low,
            "high": gain.gain.high,
            "test_gain": (won - lost) / len(without),
            "test_p": mcnemar(won, lost),
            "without": float(without.mean()),
            "cpu_seconds": seconds / len(recipes),
        }
    return found


def _right(head: Head, test: Rows) -> np.ndarray:
    return np.asarray(head.logits(test.embeddings).argmax(axis=1) == test.labels)


def measure(pairings: tuple[Pairing, ...], data: Path, runs: Runs, seeds: range, minutes: float) -> bool:
    """Make the runs that are not there yet; whether all are there now."""
    ends = time.monotonic() + 60 * minutes
    for pairing in pairings:
        key = {"set": pairing.task, "corpus": pairing.corpus}
        missing = [seed for seed in seeds if not runs.figures("verdict", **key, method=METHODS[0], seed=seed)]
        if not missing:
            continue
        problem = read_problem(data, pairing)
        corpus = problem.corpus
        vectors = np.eye(len(corpus.names), dtype=np.float32)[corpus.labels]
        taught = pretrain(corpus.embeddings, vectors, corpus.names, GanForm(), 0)
        for seed in missing:
            if time.monotonic() > ends:
                return False
            found = measured(problem, taught, seed)
            for method in reversed(METHODS):  # the first is there when all are
                runs.measure(key | {"method": method, "seed": seed}, lambda: found[method])  # noqa: B023  # called at once
    return True


def summary(runs: Runs, pairings: tuple[Pairing, ...], seeds: range, method: str) -> list[list[str]]:
    """Return a line of the table for each set, and one for all of them."""
    lines, everywhere = [], []
    for pairing in pairings:
        wanted = {"method": method, "set": pairing.task, "corpus": pairing.corpus}.items()
        own = [figures for key, figures in runs.all() if wanted <= key.items() and key["seed"] in seeds]
        everywhere += own
        if own:
            lines.append([f"`{pairing.task}`, beside `{pairing.corpus}`", *_figures(own)])
    return [*lines, ["all", *_figures(everywhere)]] if everywhere else []


def _figures(own: list[Figures]) -> list[str]:
    gains = np.array([run["test_gain"] for run in own])
    verdicts = np.array([int(run["verdict"]) for run in own])
    given, counted = verdicts < 2, np.abs(gains) > COUNTED
    right = np.where(verdicts == 0, gains > 0, gains < 0)
    judged = given & counted
    figures = [f"{100 * gains.mean():+.1f} ({100 * gains.min():+.1f} to {100 * gains.max():+.1f})"]
    figures += [f"{int((verdicts == place).sum())}" for place in range(3)]
    return [*figures, f"{int(right[judged].sum())} of {int(judged.sum())}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    parser.add_argument("--tuning", action="store_true", help="measure on the sets that were tuned by")
    parser.add_argument("--minutes", type=float, default=60, help="stop after about so many")
    arguments = parser.parse_args()
    pairings = TUNING if arguments.tuning else FINAL
    runs = Runs("advice", quick=False)
    seeds = range(DRAWS) if arguments.tuning else range(1_000, 1_000 + DRAWS)
    done = measure(pairings, arguments.data, runs, seeds, arguments.minutes)
    heads = ["set, corpus", "test gain, points (least to most)", *VERDICTS, "right, of gains beyond a point"]
    for method in METHODS:
        print(f"\n{method}\n\n{table(heads, summary(runs, pairings, seeds, method))}")
    print("" if done else "\nNot all is measured yet: call it again.")


if __name__ == "__main__":
    main()
