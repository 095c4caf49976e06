"""Files kept of versions of datasets: whole ones, and not without end."""

from __future__ import annotations

import os

import pytest

from classwright_tools.measurement.kept_files import MOST_KEPT, keep_file, kept_file
from classwright_tools.workspace.workspace import Workspace


def test_the_newest_files_are_kept_and_older_ones_go(workspace: Workspace) -> None:
    for number in range(MOST_KEPT + 3):
        path = kept_file(workspace, f"support-d{number}.alone.npz")
        keep_file(path, lambda beside: beside.write_text("whole"))
        os.utime(path, (number, number))

    kept = {path.name for path in path.parent.iterdir()}
    assert kept == {f"support-d{number}.alone.npz" for number in range(3, MOST_KEPT + 3)}


def test_a_file_that_fails_half_way_leaves_the_one_before(workspace: Workspace) -> None:
    path = kept_file(workspace, "support-d1.alone.npz")
    keep_file(path, lambda beside: beside.write_text("whole"))

    with pytest.raises(ZeroDivisionError):
        keep_file(path, lambda beside: beside.write_text("ha") and 1 / 0)

    assert path.read_text() == "whole"
