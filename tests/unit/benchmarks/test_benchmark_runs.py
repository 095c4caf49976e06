"""The runs of a table: each is made once, by whichever process takes it, and none is lost."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks" / "articles"))
from runs import Runs
from together import measured_together

SEEDS = 40


def measure(runs: Runs, data: Path, quick: bool) -> None:
    """Make `SEEDS` parts of two runs each, noting in `data` who made which."""
    assert quick
    for seed in range(SEEDS):
        if runs.takes("part", seed):
            for method in ("a", "b"):
                with (data / "made").open("a") as made:
                    made.write(f"{method} {seed} {os.getpid()}\n")
                runs.measure({"method": method, "seed": seed}, lambda: {"error": float(seed)})  # noqa: B023  # called at once


def fail_at_seven(runs: Runs, data: Path, quick: bool) -> None:
    """Measure, but for one part."""
    if runs.takes("part", 7):
        raise ValueError("seven")
    measure(runs, data, quick)


def test_two_processes_make_each_run_once_and_lose_none(tmp_path: Path) -> None:
    runs = measured_together(measure, "t", tmp_path, quick=True, folder=tmp_path, cores=2)

    made = [line.rsplit(" ", 1) for line in (tmp_path / "made").read_text().splitlines()]
    assert len(made) == len({run for run, _ in made}) == 2 * SEEDS
    assert len({process for _, process in made} - {str(os.getpid())}) >= 1
    for method in ("a", "b"):
        assert runs.figures("error", method=method) == [float(seed) for seed in range(SEEDS)]


def test_a_table_that_failed_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="seven"):
        measured_together(fail_at_seven, "t", tmp_path, quick=True, folder=tmp_path, cores=2)
    kept = len(Runs("t", quick=True, folder=tmp_path).all())
    runs = measured_together(measure, "t", tmp_path, quick=True, folder=tmp_path, cores=2)

    assert kept == 2 * (SEEDS - 1)
    assert len(runs.all()) == 2 * SEEDS
