"""Measures of a table that other processes run, which import them from here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks" / "articles"))
from runs import Runs
from together import measured_together

__all__ = ["SEEDS", "Runs", "fail_at_seven", "measure", "measured_together"]

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
