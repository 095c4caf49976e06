"""Maps of texts: points in the plane, written and real ones, or those of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from classwright_tools.charts.style import SERIES
from classwright_tools.charts.svg import dots, drawing, fitted_name, label_width, shape, text, triangles
from classwright_tools.domain.excerpt import counted

Place = tuple[float, float]
WIDTH, HEIGHT, TOP, MARGIN = 680.0, 560.0, 34.0, 12.0
GREY = "#6b7280"
RING = 7.0


def text_scatter(written: Sequence[Place], real: Sequence[Place]) -> Markup:
    """Return written texts as blue dots and real ones as vermilion triangles."""
    everywhere = [*written, *real]
    parts = [
        shape("rect", "frame", x=1, y=TOP, width=WIDTH - 2, height=HEIGHT - TOP - 1),
        dots("dots", _inside(written, everywhere)),
        triangles("triangles", _inside(real, everywhere)),
        dots("dots", [(10, 15)]),
        text(20, 19, f"written ({len(written):,})", "value"),
        triangles("triangles", [(150, 15)]),
        text(160, 19, f"real ({len(real):,})", "value"),
    ]
    return drawing(WIDTH, HEIGHT, "Map of written and real texts", parts)


def label_map(
    real: Sequence[Place],
    real_labels: Sequence[int],
    made: Sequence[Place],
    made_labels: Sequence[int],
    names: Sequence[str],
    *,
    made_are: str = "generated",
    ringed: Sequence[Place] = (),
    note: str = "",
) -> Markup:
    """Return rows that were `made` as dots and real ones as triangles with an edge, in a colour for each label.

    Labels are places in `names`; those of the first seven have colours, as more cannot be told apart, and the others
    are grey. Rows in doubt are `ringed`; the `note` stands below.
    """
    everywhere = [*real, *made]
    shown = names[: len(SERIES)]
    parts = [shape("rect", "frame", x=1, y=TOP, width=WIDTH - 2, height=HEIGHT - TOP - 1)]
    counts = f"{counted(len(real), 'real row')} (triangles), {counted(len(made), f'{made_are} one')} (dots)"
    parts.append(text(2, 19, counts + (f", {len(ringed):,} in doubt (ringed)" if ringed else ""), "value"))
    for number in range(len(shown) + (len(names) > len(shown))):
        colour = SERIES[number] if number < len(shown) else GREY
        name = fitted_name(shown[number]) if number < len(shown) else "other labels"
        theirs, ours = (
            [place for place, label in zip(places, labels, strict=True) if _is(label, number, shown)]
            for places, labels in ((made, made_labels), (real, real_labels))
        )
        y = TOP + 14 + 20 * number
        marks = dots("dots", _inside(theirs, everywhere))
        marks += triangles("real", _inside(ours, everywhere))
        marks += shape("rect", "swatch", x=WIDTH + 10, y=y - 10, width=11, height=11)
        parts.append(f'<g style="color:{colour};fill:{colour}">{marks}</g>' + text(WIDTH + 28, y, name, "value"))
    parts += [shape("circle", "ring", cx=x, cy=y, r=RING) for x, y in _inside(ringed, everywhere)]
    if note:
        parts.append(text(2, HEIGHT + 18, note, "tick"))
    width = WIDTH + 40 + label_width([*shown, "other labels"])
    return drawing(width, HEIGHT + (26 if note else 0), f"Map of real and {made_are} rows", parts)


def _is(label: int, number: int, shown: Sequence[str]) -> bool:
    return label == number if number < len(shown) else label >= len(shown)


def _inside(places: Iterable[Place], everywhere: Sequence[Place]) -> list[Place]:
    """Return `places` moved into the frame, which `everywhere` fills."""
    xs, ys = ([place[axis] for place in everywhere] for axis in (0, 1))
    left, below = min(xs), min(ys)
    across, up = max(xs) - left or 1.0, max(ys) - below or 1.0
    return [
        (
            MARGIN + (WIDTH - 2 * MARGIN) * (x - left) / across,
            HEIGHT - MARGIN - (HEIGHT - TOP - 2 * MARGIN) * (y - below) / up,
        )
        for x, y in places
    ]
