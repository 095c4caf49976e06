"""Files kept of versions of datasets and of arrays: whole ones, and not without end."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.measurement.kept_files import MOST_KEPT, keep_file, kept_array, kept_file
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
    assert list(path.parent.iterdir()) == [path]


def test_two_who_write_the_same_file_at_once_write_each_a_file_of_its_own(workspace: Workspace) -> None:
    path = kept_file(workspace, "support-d1.alone.npz")

    def write(beside: Path) -> None:
        beside.write_text("begun")
        keep_file(path, lambda other: other.write_text("whole"))
        assert beside.read_text() == "begun"

    keep_file(path, write)

    assert list(path.parent.iterdir()) == [path]


class Counted:
    """Doubles what it was made of, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.times = 0

    def of(self, *arrays: np.ndarray, kind: str = "double") -> np.ndarray:
        def compute() -> np.ndarray:
            self.times += 1
            return arrays[0] * 2

        found: np.ndarray = kept_array(self.folder, kind, arrays, compute)
        return found


def test_what_was_made_of_the_same_arrays_is_not_computed_again(tmp_path: Path) -> None:
    counted, array = Counted(tmp_path), np.arange(6.0).reshape(2, 3)

    first, second = counted.of(array, array), counted.of(array.copy(), array)

    assert counted.times == 1
    assert (first == second).all()
    assert first.dtype == second.dtype


def test_arrays_of_other_numbers_types_shapes_or_kinds_are_others(tmp_path: Path) -> None:
    counted, array = Counted(tmp_path), np.arange(6.0).reshape(2, 3)
    others = (array + 1, array.astype(np.float32), array.reshape(3, 2), array.view(np.int64), array[:1])

    for number, other in enumerate((array, *others), start=1):
        counted.of(other)
        assert counted.times == number
    counted.of(array, kind="other")
    assert counted.times == len(others) + 2


def test_arrays_are_kept_up_to_a_number_and_a_damaged_one_is_computed_again(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    for number in range(MOST_KEPT + 3):
        counted.of(np.array(number))
    kept = sorted((tmp_path / "computed").iterdir())
    assert len(kept) == MOST_KEPT

    for path in kept:
        path.write_bytes(path.read_bytes()[:-1])

    assert counted.of(np.array(MOST_KEPT)) == 2 * MOST_KEPT
    assert counted.times == MOST_KEPT + 4


def test_an_array_that_cannot_be_kept_is_computed_each_time(tmp_path: Path) -> None:
    (tmp_path / "computed").write_text("no folder")
    counted = Counted(tmp_path)

    assert [counted.of(np.array(4)), counted.of(np.array(4))] == [8, 8]
    assert counted.times == 2
