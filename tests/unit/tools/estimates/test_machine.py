"""The machine by which rates are kept: what its speed depends on, and nothing that changes from start to start."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from classwright_tools.estimates import machine as module
from classwright_tools.estimates.machine import machine

ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n"
X86 = "processor\t: 0\nmodel\t\t: 207\nmodel name\t: Xeon\ncpu MHz\t: 2300\n\nprocessor\t: 1\n"


def test_a_container_of_another_name_is_the_same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine()
    monkeypatch.setattr(platform, "node", lambda: "another")

    assert machine() == before


@pytest.mark.parametrize(("told", "stands_for"), [(ARM, "0x41 0xd0c,"), (X86, "Xeon 207,")])
def test_a_processor_is_told_by_its_model_and_not_by_its_pace_of_the_moment(
    told: str, stands_for: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(told)
    monkeypatch.setattr(module, "_PROCESSORS", path)

    assert machine().startswith(stands_for)


def test_the_threads_that_are_asked_for_count_as_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")

    assert ", 3 cores," in machine()
