"""The runs of a table: each is made once, by whichever process takes it, and none is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.table_runs import SEEDS, Runs, fail_at_seven, measure, measured_together


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
