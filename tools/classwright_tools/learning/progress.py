"""The progress of a training that has several parts: one share that never falls."""

from __future__ import annotations

from functools import partial

from classwright_tools.learning.setup import Progress


def rising(progress: Progress) -> Progress:
    """Return a progress report that never falls: the steps of a fit each count from zero."""
    highest = 0.0

    def report(done: float, message: str) -> None:
        nonlocal highest
        highest = max(highest, done)
        progress(highest, message)

    return report


def parts(progress: Progress, names: tuple[str, ...]) -> dict[str, Progress]:
    """Return for each name a progress report that fills its share of the whole."""
    share = 1 / len(names)
    return {name: part(progress, number * share, share, name) for number, name in enumerate(names)}


def part(progress: Progress, start: float, share: float, name: str) -> Progress:
    """Return a progress report of the part `name`, which fills `share` of the whole from `start` on."""
    return partial(_report, progress, start, share, name)


def _report(progress: Progress, start: float, share: float, name: str, done: float, message: str) -> None:
    progress(start + share * done, f"{name}: {message}")
