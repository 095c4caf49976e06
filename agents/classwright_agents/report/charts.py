"""The charts of a run as SVG: the learning curve, and the seconds by stage."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from markupsafe import Markup

from classwright_tools.charts.svg import drawing, line, points, shape, text
from classwright_tools.contract import Estimate

# More labels than this touch each other below the learning curve.
MAX_AXIS_LABELS = 8


class Point(NamedTuple):
    """A training on the learning curve."""

    name: str
    rows: int
    """Training rows."""
    figure: Estimate


def learning_curve(trainings: Sequence[Point], target: float | None, test: Estimate | None, best: int) -> Markup:
    """Return the validation figure training by training, with intervals.

    `best` is the index of the chosen one; `test` is its figure on the test rows, drawn beside it.
    """
    width, height, left, right, top, bottom = 720.0, 310.0, 48.0, 620.0, 28.0, 250.0
    shown = [point.figure for point in trainings] + ([test] if test else [])
    aim = [target] if target is not None and target < 1 else []
    floor = max(0.0, min([e.low for e in shown] + aim) - 0.03)
    ceiling = min(1.0, max([e.high for e in shown] + aim) + 0.02)
    step = (right - left) / len(trainings)

    def px(index: int) -> float:
        return left + step * (index + 0.5)

    def py(value: float) -> float:
        return bottom - (bottom - top) * (value - floor) / (ceiling - floor or 1)

    def interval(x: float, figure: Estimate) -> str:
        return line("whisker", x, py(figure.low), x, py(figure.high))

    parts = []
    for tick in _ticks(floor, ceiling):
        parts += [
            line("grid", left, py(tick), right, py(tick)),
            text(left - 8, py(tick) + 4, f"{tick:.2f}", "tick", "end"),
        ]
    for value in aim:
        parts += [
            line("target", left, py(value), right, py(value)),
            text(right + 8, py(value) + 4, f"target {value:.2f}", "tick"),
        ]
    if len(trainings) > 1:
        upper = [(px(n), py(point.figure.high)) for n, point in enumerate(trainings)]
        lower = [(px(n), py(point.figure.low)) for n, point in enumerate(trainings)]
        parts.append(points("polygon", "band", [*upper, *reversed(lower)]))
        curve = [(px(n), py(point.figure.value)) for n, point in enumerate(trainings)]
        parts.append(points("polyline", "curve", curve))
    labelled = _labelled(len(trainings), best)
    for n, (name, rows, figure) in enumerate(trainings):
        parts += [
            interval(px(n), figure),
            shape("circle", "point best" if n == best else "point", cx=px(n), cy=py(figure.value), r=5.5),
        ]
        if n in labelled:
            parts += [
                text(px(n) - 10, py(figure.value) - 8, f"{figure.value:.3f}", "value", "end"),
                text(px(n), bottom + 20, name, "value", "middle"),
                text(px(n), bottom + 37, f"{rows:,} rows", "tick", "middle"),
            ]
    if test:
        x, y = px(best) + 18, py(test.value)
        parts += [
            interval(x, test),
            points("polygon", "test", [(x - 7, y), (x, y - 7), (x + 7, y), (x, y + 7)]),
            text(x + 12, y + 4, f"test {test.value:.3f}", "value"),
        ]
    return drawing(width, height, "Learning curve", parts)


def _labelled(trainings: int, best: int) -> list[int]:
    """Return which of the trainings are labelled: the best, then the last, then others that do not touch those."""
    apart = ceil(trainings / MAX_AXIS_LABELS)
    kept = [best]
    for n in (trainings - 1, *range(0, trainings, apart)):
        if all(abs(n - other) >= apart for other in kept):
            kept.append(n)
    return kept


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between `low` and `high`, at most nine."""
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / s <= 8), 0.25)
    first = int(low / step) + (low > 0)
    return [round(n * step, 2) for n in range(first, int(high / step + 1e-9) + 1)]


def stage_bars(seconds: Sequence[tuple[str, float]]) -> Markup:
    """Return a bar for each stage's seconds."""
    longest = max((value for _, value in seconds), default=0) or 1
    step, left, scale = 24.0, 90.0, 360.0
    parts = []
    for index, (name, value) in enumerate(seconds):
        y, length = index * step, scale * value / longest
        parts += [
            text(left - 8, y + 13, name, "tick", "end"),
            shape("rect", "bar", x=left, y=y + 2, width=max(1.0, length), height=13, rx=3),
            text(left + length + 8, y + 13, f"{value:.1f} s", "value"),
        ]
    return drawing(left + scale + 80, step * len(seconds), "Seconds by stage", parts)
