"""The tutorial of the unattended agent: its commands are run as a reader runs them, from the folder of a clone."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from support.console import as_printed, renewed, run_page
from support.paths import ROOT

PAGE = ROOT / "docs/tutorials/unattended.md"
UPDATE = "CLASSWRIGHT_UPDATE_SNAPSHOTS"
LIMIT_SECONDS = 600


@pytest.mark.timeout(LIMIT_SECONDS)
def test_the_commands_print_what_the_page_shows_and_leave_what_it_says(tmp_path: Path) -> None:
    """Run with CLASSWRIGHT_UPDATE_SNAPSHOTS=1 to record it anew."""
    text = PAGE.read_text(encoding="utf-8")

    ran = run_page(text, tmp_path, LIMIT_SECONDS)

    if os.environ.get(UPDATE):
        PAGE.write_text(renewed(text, ran), encoding="utf-8")
        return
    for one in ran:
        as_printed(one)
    (run,) = (tmp_path / "runs").iterdir()
    assert {"report.html", "summary.json", "card.md", "model", "dataset"} <= {path.name for path in run.iterdir()}
    log = (run / "server.log").read_text(encoding="utf-8")
    assert log.startswith("Classwright ")
    assert "train_classifier completed after" in log
    assert "it/s" not in log  # no bar of a library
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as answers:
        assert [row["label"] for row in csv.DictReader(answers)] == ["card_arrival", *["lost_or_stolen_card"] * 2]
