"""The zero-data benchmark as it is run: recorded completions, real test rows, stopped and started again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "banking12"
ROWS = 576
LIMIT_SECONDS = 600


def run(work: Path) -> str:
    """Run the benchmark on the example and return what it printed."""
    recorded = sorted(map(str, (EXAMPLE / "completions").iterdir()))
    options = ["--rows", str(ROWS), "--rows-a-round", "600", "--rounds", "2", "--method", "probe", "--quick"]
    command = [sys.executable, "benchmarks/zero_data.py", "--sets", str(EXAMPLE), "--work", str(work), *options]
    done = subprocess.run(
        [*command, "--recorded", *recorded],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    return done.stdout


def runs_of(work: Path) -> list[dict[str, Any]]:
    """Return the runs that were measured."""
    runs: list[dict[str, Any]] = json.loads((work / "quick" / "s4.json").read_text(encoding="utf-8"))["runs"]
    return runs


@pytest.mark.timeout(2 * LIMIT_SECONDS)
def test_it_measures_both_ways_on_real_rows_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    first = run(tmp_path)
    measured = {(run["key"]["way"], run["key"]["round"]): run["figures"] for run in runs_of(tmp_path)}
    later = runs_of(tmp_path)[:-1]  # as if it had been stopped before the last figure
    (tmp_path / "quick" / "s4.json").write_text(json.dumps({"runs": later}), encoding="utf-8")
    second = run(tmp_path)

    assert set(measured) == {("plain recipe", 0), ("classwright", 0), ("classwright", 1)}
    assert all(figures["test_rows"] == 467 for figures in measured.values())
    assert measured["plain recipe", 0]["training_rows"] == ROWS
    assert measured["classwright", 1]["training_rows"] > ROWS
    assert measured["classwright", 1]["accuracy"] > measured["classwright", 0]["accuracy"] > 0.7
    assert 0 < measured["classwright", 0]["written_similarity"] < 1
    again = {(run["key"]["way"], run["key"]["round"]): run["figures"] for run in runs_of(tmp_path)}
    assert again == measured
    assert second.count('"seed": 0') == 1  # only what was missing was measured
    assert first.split("## S4")[1] == second.split("## S4")[1]
