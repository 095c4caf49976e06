"""The confusion matrix as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from classwright_tools.charts.svg import drawing, fitted_name, group, label_width, line, shape, text
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import ClassFigures

MOST_LABELS = 40
"""More do not fit on a page; those with most errors are drawn."""
# Names of more labels than this are drawn upright, as slanted ones would need too much room on the right.
MOST_SLANTED = 12
# Errors are shaded as if there were more of them: a single one must be seen beside the full diagonal.
MISS_SHADE = 2.5


def confusion_chart(labels: Sequence[str], counts: Sequence[Sequence[int]], classes: Sequence[ClassFigures]) -> Markup:
    """Return the heat map of `counts`, (k, k): rows are the true labels, columns the predicted ones.

    Right answers are blue, errors vermilion. A cell's shade is its share of all texts of the label of its row, so that
    labels of different sizes compare; `classes` tell how many these are, as where texts have several labels the counts
    of a row need not add up to that. Of more than `MOST_LABELS` labels those with most errors are drawn.
    """
    shown, rows_of = _most_errors(counts), {one.label: one.support for one in classes}
    names = [fitted_name(labels[place]) for place in shown]
    cell = min(46.0, max(17.0, 560 / len(shown)))
    slanted = len(shown) <= MOST_SLANTED
    width = label_width(names)
    left, top = width + 34, (0.72 * width if slanted else width) + 42
    side = cell * len(shown)
    parts = [
        text(left + side / 2, 14, "predicted label", "tick", "middle"),
        text(14, top + side / 2, "true label", "tick", "middle", turn=-90),
        shape("rect", "cell", x=left, y=top, width=side, height=side),
    ]
    for y, row in enumerate(shown):
        parts.append(text(left - 8, top + y * cell + cell / 2 + 4, names[y], "tick", "end"))
        for x, column in enumerate(shown):
            if count := counts[row][column]:
                total = max(count, rows_of.get(labels[row], 0))  # a report from elsewhere may not add up
                tip = f"{count} of {counted(total, 'text')} of {labels[row]} labelled {labels[column]}"
                square = _cell(left + x * cell, top + y * cell, cell, count, count / total, hit=row == column)
                parts.append(group(tip, square))
    for edge in range(len(shown) + 1):
        parts.append(line("gap", left + edge * cell, top, left + edge * cell, top + side))
        parts.append(line("gap", left, top + edge * cell, left + side, top + edge * cell))
    for x, name in enumerate(names):
        middle = left + x * cell + cell / 2
        place = (middle, top - 8) if slanted else (middle + 4, top - 8)
        parts.append(text(*place, name, "tick", turn=-45 if slanted else -90))
    overhang = 0.72 * width if slanted else 0.0
    left_out = len(labels) - len(shown)
    if left_out:
        parts.append(text(left, top + side + 20, f"The {len(shown)} of {len(labels)} labels with most errors.", "tick"))
    return drawing(left + side + overhang + 6, top + side + (30 if left_out else 6), "Confusion matrix", parts)


def _most_errors(counts: Sequence[Sequence[int]]) -> list[int]:
    """Return the places of the labels to draw, in their order."""
    columns = [sum(column) for column in zip(*counts, strict=True)]
    errors = [sum(row) + columns[place] - 2 * row[place] for place, row in enumerate(counts)]
    return sorted(sorted(range(len(counts)), key=lambda place: -errors[place])[:MOST_LABELS])


def _cell(x: float, y: float, side: float, count: int, share: float, *, hit: bool) -> str:
    """Return a square, shaded by its share, with its count where that fits."""
    shade = 0.12 + 0.88 * min(1.0, share if hit else MISS_SHADE * share)
    square = shape("rect", "hit" if hit else "miss", x=x, y=y, width=side, height=side, fill_opacity=shade)
    if 7 * len(str(count)) > side:
        return square
    on_colour = " on-hit" if hit and shade > 0.75 else " on-miss" if not hit and shade > 0.55 else ""
    return square + text(x + side / 2, y + side / 2 + 4, str(count), f"count{on_colour}", "middle")
