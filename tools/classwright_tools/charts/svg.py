"""The SVG elements that charts are drawn of. Every text is escaped here: labels come from outside."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from markupsafe import Markup

from classwright_tools.charts.style import LIGHT

LONGEST_LABEL = 34
"""Characters of a label's name; those of East Asia count as two."""
# Of its own width a chart shrinks to no less than this on a narrow page, which then scrolls: its text stays legible.
LEAST_SCALE = 0.8


def drawing(width: float, height: float, title: str, parts: Iterable[str]) -> Markup:
    """Return an SVG element that shrinks with the page as far as its text stays legible."""
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="max-width:{width:.0f}px;min-width:{LEAST_SCALE * width:.0f}px" role="img" '
        f'aria-label="{escape(title)}">'
    )
    return Markup(f"{start}{''.join(parts)}</svg>")  # noqa: S704  # every text in it went through `escape`


def standalone(chart: Markup) -> str:
    """Return a drawing as a file of its own, with its style and a light ground."""
    ground = '<rect class="ground" width="100%" height="100%"/>'
    head, _, body = chart.partition(">")
    return f"{head}><style>{LIGHT}</style>{ground}{body}"


def group(tip: str, content: str) -> str:
    """Return `content` with a tip that appears under the pointer."""
    return f"<g><title>{escape(tip)}</title>{content}</g>"


def shape(tag: Literal["rect", "circle"], css: str, **attributes: float) -> str:
    """Return an element with numbers for attributes; `_` in a name stands for `-`."""
    given = " ".join(f'{name.replace("_", "-")}="{_number(value)}"' for name, value in attributes.items())
    return f'<{tag} class="{css}" {given}/>'


def line(css: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a straight line."""
    return f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def points(tag: Literal["polygon", "polyline"], css: str, places: Sequence[tuple[float, float]]) -> str:
    """Return a line through `places`."""
    return f'<{tag} class="{css}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'


def dots(css: str, places: Iterable[tuple[float, float]]) -> str:
    """Return a round dot at each of `places`, as one element; the style tells their width."""
    return f'<path class="{css}" d="{"".join(f"M{x:.0f} {y:.0f}h0" for x, y in places)}"/>'


def triangles(css: str, places: Iterable[tuple[float, float]]) -> str:
    """Return a triangle at each of `places`, as one element."""
    return f'<path class="{css}" d="{"".join(f"M{x:.0f} {y - 5:.0f}l5 9h-10z" for x, y in places)}"/>'


def text(
    x: float, y: float, content: str, css: str, anchor: Literal["start", "middle", "end"] = "start", turn: int = 0
) -> str:
    """Return a text at a place, turned by `turn` degrees around it."""
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}"{turned}>{escape(content)}</text>'


def fitted_name(name: str) -> str:
    """Return a label's name, without its middle where it would take the chart's place: names often begin alike."""
    if sum(map(_columns, name)) <= LONGEST_LABEL:
        return name
    return f"{_fitting(name, LONGEST_LABEL // 2)}…{_fitting(name[::-1], LONGEST_LABEL // 2 - 1)[::-1]}"


def label_width(names: Iterable[str]) -> float:
    """Return about how wide the longest of `names` is drawn at 12 pixels."""
    return max(sum(map(_width, fitted_name(name))) for name in names)


def _fitting(name: str, columns: int) -> str:
    """Return the beginning of `name` that takes so many columns."""
    taken = 0
    for place, character in enumerate(name):
        taken += _columns(character)
        if taken > columns:
            return name[:place]
    return name


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _width(character: str) -> float:
    """Return about how wide a character is at 12 pixels."""
    if _columns(character) == 2:
        return 12.5
    return 11.0 if character in "MWmw@" else 8.6 if character.isupper() else 6.8


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
