"""The reliability diagram: accuracy against confidence."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from classwright_tools.charts.svg import drawing, group, line, points, shape, text
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import ReliabilityBin


def reliability_diagram(bins: Sequence[ReliabilityBin], *, of_labels: bool = False) -> Markup:
    """Return a point for each bin of rows of similar confidence, with the interval of its accuracy.

    On the diagonal a model is as often right as it claims; below it is overconfident. `of_labels` says that a bin holds
    no rows but single labels of them, by the probability that each applies.
    """
    across, up = "confidence: the probability of the predicted label", "accuracy"
    if of_labels:
        across, up = "the probability that a label applies", "share that do apply"
    left, top, side = 62.0, 14.0, 360.0
    bottom = top + side

    def place(confidence: float, accuracy: float) -> tuple[float, float]:
        return left + side * min(1.0, confidence), bottom - side * accuracy

    parts = [points("polygon", "overconfident", [place(0, 0), place(1, 1), place(1, 0)])]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(tick, tick)
        parts += [
            line("grid", x, top, x, bottom),
            line("grid", left, y, left + side, y),
            text(x, bottom + 18, f"{tick:.0%}", "tick", "middle"),
            text(left - 8, y + 4, f"{tick:.0%}", "tick", "end"),
        ]
    parts += [
        line("diagonal", *place(0, 0), *place(1, 1)),
        text(left + side - 8, bottom - 12, "overconfident", "tick", "end"),
        text(left + 10, top + 20, "underconfident", "tick"),
        text(left + side / 2, bottom + 38, across, "value", "middle"),
        text(16, top + side / 2, up, "value", "middle", turn=-90),
    ]
    for found in bins:
        x, y = place(found.confidence, found.accuracy.value)
        (_, low), (_, high) = place(0, found.accuracy.low), place(0, found.accuracy.high)
        tip = f"{counted(found.rows, 'row')}: confidence {found.confidence:.3f}, accuracy {found.accuracy.value:.3f}"
        mark = line("whisker", x, low, x, high) + shape("circle", "point best", cx=x, cy=y, r=4.5)
        parts.append(group(tip, mark))
    return drawing(left + side + 20, bottom + 46, "Accuracy against confidence", parts)
