"""Table s1: a conditional GAN of sentence embeddings, pre-trained on tweets, for reviews with few rows.

    python benchmarks/articles/s1.py --data FOLDER

Rows are drawn from the training split, figures are on the test split. Nothing was tuned on either: settings were
chosen on other draws of training rows, measured on the remaining training rows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # networks this small gain nothing from threads

import numpy as np
from pages import table, write_section
from paired import Gain, gain
from runs import Runs, arguments_of
from s1_cells import Cell, Corpus, Rows, read_rows
from s1_own_measures import FORMS, REAL, own_measures
from sets import read_split
from together import measured_together

SETS = ("mr", "cr")
EVERYWHERE = (
    "real only",
    "SMOTE",
    "mixup",
    "plain",
    "no pre-training",
    "full",
    "full w3",
    "class means moved",
    "no fine-tuning",
    "Gaussians, nothing trained",
    "distribution calibration",
    "reviews and tweets",
    "tweets only",
)
ABLATED = ("no consistency", "no fresh noise", "no smoothing")
NUMBERS = (10, 25, 50, 100)
SEEDS = range(10)
ABLATED_NUMBERS = (25,)
FORM_SEEDS = range(2)
QUICK_ROWS = 2_000  # of each split: to embed all of them takes minutes
ALL_FORMS = (REAL, *FORMS)


def main() -> None:
    arguments = arguments_of(__doc__ or "")
    tweets = len(_tweets(arguments.data, quick=arguments.quick).labels)  # embeds all texts, which the processes need
    runs = measured_together(measure, "s1", arguments.data, quick=arguments.quick)
    seeds, numbers = _extent(quick=arguments.quick)
    write_section("s1", _section(runs, numbers, len(seeds), tweets), quick=arguments.quick)


def measure(runs: Runs, data: Path, quick: bool) -> None:
    """Make all runs that are not there yet."""
    most = QUICK_ROWS if quick else None
    corpus = Corpus(_tweets(data, quick=quick))
    sets = {name: [read_rows(data, name, split, most=most) for split in ("train", "test")] for name in SETS}
    _measure_forms(data, corpus.rows, runs, quick=quick)
    for methods, name, n, seed in _cells(*_extent(quick=quick), quick=quick):
        if runs.takes(methods[0], name, n, seed):
            train, test = sets[name]
            cell = Cell(train.draw(n, seed), test, corpus, seed)
            for method in methods:
                runs.measure({"method": method, "set": name, "n": n, "seed": seed}, lambda: _timed(cell, method))  # noqa: B023  # called at once


def _extent(*, quick: bool) -> tuple[range, tuple[int, ...]]:
    """The seeds, and how many rows a class."""
    return (SEEDS[:2], (25,)) if quick else (SEEDS, NUMBERS)


def _tweets(data: Path, *, quick: bool) -> Rows:
    """The corpus to pre-train on: no tweet is a near-duplicate of a review."""
    reviews = tuple(read_split(data, name, split) for name in SETS for split in ("train", "test"))
    return read_rows(data, "semeval_tweets", "train", reviews, QUICK_ROWS if quick else None)


def _cells(seeds: range, numbers: tuple[int, ...], *, quick: bool) -> Iterator[tuple[tuple[str, ...], str, int, int]]:
    """What to measure where: the methods, the set, the rows of a class and the seed; the main table comes first."""
    for methods, where in ((EVERYWHERE, numbers), (ABLATED, ABLATED_NUMBERS)):
        for seed in seeds:
            for name in SETS:
                for n in where:
                    if n in numbers and not (quick and (methods is ABLATED or (seed and methods is not EVERYWHERE))):
                        yield methods, name, n, seed


def _timed(cell: Cell, method: str) -> dict[str, float]:
    before = time.process_time()
    figures = cell.measured(method)
    return {**figures, "cpu_seconds": time.process_time() - before}


def _measure_forms(data: Path, tweets: Rows, runs: Runs, *, quick: bool) -> None:
    test = read_rows(data, "semeval_tweets", "test", most=QUICK_ROWS if quick else None)
    for form in ALL_FORMS[:2] if quick else ALL_FORMS:
        for seed in FORM_SEEDS[:1] if quick else FORM_SEEDS:
            if runs.takes(form, seed):
                runs.measure({"form": form, "seed": seed}, lambda: own_measures(form, tweets, test, seed))  # noqa: B023  # called at once


def _section(runs: Runs, numbers: tuple[int, ...], seeds: int, tweets: int) -> str:
    return "\n\n".join(
        [
            "## s1: a conditional GAN of sentence embeddings (`benchmarks/articles/s1.py`)",
            f"Movie (`mr`) and product (`cr`) reviews with few rows a class; {tweets:,} positive and negative tweets "
            "(`semeval_tweets`, without near-duplicates of the reviews) to pre-train on. Logistic regression, C = 1, "
            f"on frozen MiniLM embeddings; balanced accuracy on the test split in points, {seeds} seeds. Against the "
            "same classifier on the real rows alone: mean gain (95% interval), seeds won, two-sided p of the paired "
            "t-test. Generated rows weigh as much as the real ones, w3 three times as much.",
            *[_gains(runs, name, numbers) for name in SETS],
            _reading(runs, numbers),
            _diversity(runs, numbers),
            _forms(runs),
        ]
    )


def _against_real(runs: Runs, method: str, name: str, n: int) -> Gain | None:
    """The gain of a method over real rows alone, on the seeds that were measured; None if there are none."""
    ours = runs.figures("accuracy", method=method, set=name, n=n)
    theirs = runs.figures("accuracy", method="real only", set=name, n=n)
    return gain(ours, theirs[: len(ours)]) if ours else None


def _gains(runs: Runs, name: str, numbers: tuple[int, ...]) -> str:
    rows = [
        ["real only, accuracy"]
        + [f"{100 * np.mean(runs.figures('accuracy', method='real only', set=name, n=n)):.1f}" for n in numbers]
    ]
    for method in (*EVERYWHERE[1:], *ABLATED):
        found = [_against_real(runs, method, name, n) for n in numbers]
        rows.append([method, *[one.told(100) if one else "" for one in found]])
    return table([f"`{name}`, rows a class", *map(str, numbers)], rows)


def _reading(runs: Runs, numbers: tuple[int, ...]) -> str:
    """One line for each question, in figures of the run."""

    def told(method: str, n: int) -> str:
        found = {name: _against_real(runs, method, name, n) for name in SETS}
        return ", ".join(f"{name} {100 * one.mean:+.1f}" for name, one in found.items() if one)

    few, many = (25 if 25 in numbers else numbers[0]), numbers[-1]
    return "\n".join(
        [
            f"- The whole method at {few} rows a class: {told('full', few)} points; with three times the weight: "
            f"{told('full w3', few)}.",
            f"- The gain is transfer from the tweets. Without pre-training: {told('no pre-training', few)}; the plain "
            f"network: {told('plain', few)}.",
            f"- The pre-trained generator needs no fine-tuning: {told('no fine-tuning', few)} without any; and the "
            f"classes' Gaussians that it starts from reach {told('Gaussians, nothing trained', few)} with no "
            f"network trained. What training adds to them: {_added(runs, few)}.",
            f"- Using the tweets themselves is about as good where that is allowed: "
            f"{told('reviews and tweets', few)} beside the reviews, {told('tweets only', few)} with no review but for "
            f"the mean. Distribution calibration, which trains nothing: {told('distribution calibration', few)}.",
            f"- Of the modifications, switched off one at a time at {few}: "
            + "; ".join(f"{method} {told(method, few)}" for method in ABLATED)
            + ". Beside pre-training none makes a difference here.",
            f"- At {many} rows a class: {told('full', many)}; with three times the weight {told('full w3', many)}.",
            f"- What did not help: SMOTE ({told('SMOTE', few)}), mixup ({told('mixup', few)}), moving the class means "
            f"onto the few rows ({told('class means moved', few)}).",
        ]
    )


def _added(runs: Runs, n: int) -> str:
    """What the whole method gains over the Gaussians that it starts from."""
    told = []
    for name in SETS:
        ours, theirs = (
            runs.figures("accuracy", method=method, set=name, n=n) for method in ("full", "Gaussians, nothing trained")
        )
        told.append(f"{name} {gain(ours, theirs).told(100)}")
    return "; ".join(told)


def _diversity(runs: Runs, numbers: tuple[int, ...]) -> str:
    rows = []
    for name in SETS:
        for method in ("plain", "no pre-training", "full"):
            for n in dict.fromkeys((numbers[0], numbers[-1])):
                own = {"method": method, "set": name, "n": n}
                figures = [
                    np.mean(runs.figures(key, **own)) for key in ("vendi_ratio", "recall", "density", "coverage")
                ]
                rows.append([f"`{name}`, {n} rows a class, {method}", *[f"{value:.2f}" for value in figures]])
    return (
        "Generated rows beside as many real test rows: diversity (Vendi score over that of the real rows), and how "
        "they cover them.\n\n" + table(["", "Vendi ratio", "recall", "density", "coverage"], rows)
    )


def _forms(runs: Runs) -> str:
    keys = ("tstr", "trts", "vendi_ratio", "recall", "density", "coverage", "label_share")
    rows = []
    for form in ALL_FORMS:
        found = [runs.figures(key, form=form) for key in keys]
        if all(found):
            rows.append([form, *[f"{np.mean(values):.2f}" for values in found]])
    names = ["train on generated", "test on generated", "Vendi ratio", "recall", "density", "coverage", "rarer label"]
    return (
        "The article's own measures, on the tweets alone (pre-training only, two seeds, tested on 2017's tweets): "
        "accuracy on real tweets of a classifier of generated ones, and the reverse.\n\n"
        + table(["form", *names], rows)
    )


if __name__ == "__main__":
    main()
