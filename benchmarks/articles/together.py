"""A table made by as many processes as there are cores: its networks are too small to gain anything from threads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from runs import RESULTS, Runs

Measure = Callable[[Runs, Path, bool], None]
"""Makes every run of a table that is not there yet, in parts that it asks `Runs.takes` for; of a quick try if True."""


def measured_together(
    measure: Measure, name: str, data: Path, *, quick: bool, folder: Path = RESULTS, cores: int | None = None
) -> Runs:
    """Return the runs of the table `name` after `measure` has made them from `data` in `cores` processes at once.

    When one of them fails, the others make what is left before its error is raised; what was measured is kept.
    """
    cores = cores or os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        claims = Path(scratch) / "claims"
        claims.mkdir()
        shares = [pool.submit(_share, measure, name, data, quick, folder, claims) for _ in range(cores)]
        for share in as_completed(shares):
            share.result()
    return Runs(name, quick=quick, folder=folder)


def _share(measure: Measure, name: str, data: Path, quick: bool, folder: Path, claims: Path) -> None:
    measure(Runs(name, quick=quick, folder=folder, claims=claims), data, quick)
