"""The attention of a matcher between the tokens of a query and of an item."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from classwright_tools.charts.svg import drawing, fitted_name, group, label_width, shape, text

CELL = 26.0


def attention_map(
    query: Sequence[str], item: Sequence[str], weights: Sequence[Sequence[float]], importance: Sequence[float]
) -> Markup:
    """Return a row for each query token and a column for each item token, darker for more attention.

    `weights` (s, t) sum to 1 in each row; `importance` (s,), what a query token counts for the answer, stands beside
    its name.
    """
    names = [f"{fitted_name(token)}  {share:.2f}" for token, share in zip(query, importance, strict=True)]
    strongest = max(0.5, *(weight for row in weights for weight in row))
    left, top = 1.1 * label_width(query) + 72, label_width(item) + 38
    parts = [
        text(left + CELL * len(item) / 2, 14, "item", "tick", "middle"),
        text(14, top + CELL * len(query) / 2, "query, with importance", "tick", "middle", turn=-90),
    ]
    for column, token in enumerate(item):
        parts.append(text(left + column * CELL + CELL / 2 + 4, top - 8, fitted_name(token), "value", turn=-90))
    for row, (name, token) in enumerate(zip(names, query, strict=True)):
        y = top + row * CELL
        parts.append(text(left - 8, y + CELL / 2 + 4, name, "value", "end"))
        for column, weight in enumerate(weights[row]):
            box = {"x": left + column * CELL, "y": y, "width": CELL - 2, "height": CELL - 2, "rx": 3}
            square = shape("rect", "cell", **box) + shape("rect", "hit", **box, fill_opacity=weight / strongest)
            parts.append(group(f"{token} looks for itself in {item[column]}: {weight:.2f}", square))
    height = max(top + CELL * len(query) + 6, 190)
    return drawing(left + CELL * len(item) + 12, height, "Attention between the words of a query and of an item", parts)
