"""Bars of F1, one a label."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from classwright_tools.charts.svg import drawing, fitted_name, group, label_width, line, shape, text
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import ClassFigures

MOST_BARS = 80
"""More make a page too long; the first are drawn."""


def label_bars(labels: Sequence[ClassFigures]) -> Markup:
    """Return a bar of F1 with its 95% interval for each label, in the order given, and its other figures beside it."""
    shown = labels[:MOST_BARS]
    step, bar, scale, top = 24.0, 13.0, 330.0, 30.0
    left = label_width([found.label for found in shown] or [""]) + 14
    bottom = top + step * len(shown)
    columns = {"precision": left + scale + 80, "recall": left + scale + 130, "rows": left + scale + 180}
    parts = [text(x, 14, name, "tick", "end") for name, x in columns.items()]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + scale * tick
        parts += [text(x, 14, f"{tick:g}", "tick", "middle"), line("grid", x, 20, x, bottom)]
    for index, found in enumerate(shown):
        y, f1 = top + index * step, found.f1
        middle = y + bar / 2
        low, high = left + scale * f1.low, left + scale * f1.high
        parts.append(text(left - 8, middle + 4, fitted_name(found.label), "tick", "end"))
        parts.append(
            group(
                f"{found.label}: F1 {f1.value:.3f}, 95% interval {f1.low:.3f} to {f1.high:.3f}",
                shape("rect", "bar", x=left, y=y, width=max(1.0, scale * f1.value), height=bar, rx=3)
                + line("whisker", low, middle, high, middle)
                + line("whisker", low, middle - 4, low, middle + 4)
                + line("whisker", high, middle - 4, high, middle + 4),
            )
        )
        values = (f"{found.precision.value:.2f}", f"{found.recall.value:.2f}", str(found.support))
        parts += [text(x, middle + 4, v, "value", "end") for x, v in zip(columns.values(), values, strict=True)]
    left_out = len(labels) - len(shown)
    if left_out:
        parts.append(text(left, bottom + 16, f"And {counted(left_out, 'label')} more.", "tick"))
    return drawing(left + scale + 190, bottom + (26 if left_out else 0), "F1 by label", parts)
