"""The report's charts as SVG: confusion matrix, figures by class, learning curve, time by stage.

Colours are CSS variables of the page, so that a chart follows the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from markupsafe import Markup

from classwright_agents.report.svg import drawing, group, label_width, line, points, shape, shortened, text
from classwright_tools.contract import ClassFigures, Estimate

# Beyond this many classes a cell of the matrix is too small to read.
MAX_MATRIX_LABELS = 40
# Errors are shaded as if there were more of them: a single one must be seen beside the full diagonal.
MISS_SHADE = 2.5
# More labels than this touch each other below the learning curve.
MAX_AXIS_LABELS = 8


def confusion_matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """Return the heat map of `counts`, (k, k): rows are the true labels, columns the answers.

    A cell's shade is its share of its row, so that classes of different sizes compare.
    """
    cell = min(46.0, max(18.0, 560 / len(labels)))
    left, top = label_width(labels) + 14, 0.72 * label_width(labels) + 20
    parts = []
    for row, (name, numbers) in enumerate(zip(labels, counts, strict=True)):
        y = top + row * cell
        parts.append(text(left - 8, y + cell / 2 + 4, shortened(name), "tick", "end"))
        for column, count in enumerate(numbers):
            tip = f"{count} of {sum(numbers)} {name} were called {labels[column]}"
            share = count / sum(numbers) if count else 0.0
            parts.append(group(tip, _cell(left + column * cell, y, cell, count, share, hit=row == column)))
    for column, name in enumerate(labels):
        x = left + column * cell + cell / 2
        parts.append(text(x, top - 8, shortened(name), "tick", turn=-45))
    return drawing(left + len(labels) * cell + 0.95 * top, top + len(labels) * cell + 6, "Confusion matrix", parts)


def _cell(x: float, y: float, side: float, count: int, share: float, *, hit: bool) -> str:
    """Return a square, shaded by its share, with its count."""
    box = {"x": x, "y": y, "width": side - 2, "height": side - 2, "rx": 3}
    if not count:
        return shape("rect", "cell", **box)
    shade = 0.12 + 0.88 * min(1.0, share if hit else MISS_SHADE * share)
    css = "count strong" if shade > 0.55 else "count"
    return (
        shape("rect", "cell", **box)
        + shape("rect", "hit" if hit else "miss", **box, fill_opacity=shade)
        + text(x + side / 2 - 1, y + side / 2 + 3, str(count), css, "middle")
    )


def class_bars(classes: Sequence[ClassFigures]) -> Markup:
    """Return a bar for each class: its F1, drawn with its 95% interval."""
    step, bar, scale, top = 30.0, 14.0, 330.0, 30.0
    left = label_width([found.label for found in classes]) + 14
    bottom = top + step * len(classes)
    columns = {"precision": left + scale + 70, "recall": left + scale + 130, "rows": left + scale + 180}
    parts = [text(x, 14, name, "tick", "end") for name, x in columns.items()]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + scale * tick
        parts += [text(x, 14, f"{tick:g}", "tick", "middle"), line("grid", x, 20, x, bottom)]
    for index, found in enumerate(classes):
        name, f1 = found.label, found.f1
        y = top + index * step
        middle = y + bar / 2
        low, high = left + scale * f1.low, left + scale * f1.high
        parts.append(text(left - 8, middle + 4, shortened(name), "tick", "end"))
        parts.append(
            group(
                f"{name}: F1 {f1.value:.3f}, 95% interval {f1.low:.3f} to {f1.high:.3f}",
                shape("rect", "bar", x=left, y=y, width=max(1.0, scale * f1.value), height=bar, rx=3)
                + line("whisker", low, middle, high, middle)
                + line("whisker", low, middle - 4, low, middle + 4)
                + line("whisker", high, middle - 4, high, middle + 4),
            )
        )
        values = (f"{found.precision.value:.2f}", f"{found.recall.value:.2f}", str(found.support))
        parts += [text(x, middle + 4, v, "value", "end") for x, v in zip(columns.values(), values, strict=True)]
    return drawing(left + scale + 190, bottom, "F1 by class", parts)


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
        return bottom - (bottom - top) * (value - floor) / (ceiling - floor)

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
