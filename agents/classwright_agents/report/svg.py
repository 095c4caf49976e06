"""The elements that charts are drawn of. Every text is escaped here: labels come from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from markupsafe import Markup

CHAR_WIDTH = 6.6  # the mean width of a character at the page's 12 px
LONGEST_LABEL = 34


def drawing(width: float, height: float, title: str, parts: Iterable[str]) -> Markup:
    """Return an SVG element that shrinks with the page and does not grow beyond its own size."""
    start = (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px" role="img" '
        f'aria-label="{escape(title)}">'
    )
    return Markup(f"{start}{''.join(parts)}</svg>")  # noqa: S704  # every text in it went through `escape`


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


def text(
    x: float, y: float, content: str, css: str, anchor: Literal["start", "middle", "end"] = "start", turn: int = 0
) -> str:
    """Return a text at a place, turned by `turn` degrees around it."""
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}"{turned}>{escape(content)}</text>'


def shortened(name: str) -> str:
    """Return a label's name, without its middle where it would take the chart's place: names often begin alike."""
    if len(name) <= LONGEST_LABEL:
        return name
    head = LONGEST_LABEL // 2
    return f"{name[:head]}…{name[head + 1 - LONGEST_LABEL :]}"


def label_width(names: Sequence[str]) -> float:
    """Return about how wide the longest of `names` is drawn, in pixels."""
    return CHAR_WIDTH * max(len(shortened(name)) for name in names)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
