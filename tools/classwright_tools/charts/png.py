"""Charts as PNG pictures, for clients that show pictures and no SVG."""

from __future__ import annotations

import base64
import re
from functools import cache

from markupsafe import Markup

from classwright_tools.charts.style import LIGHT
from classwright_tools.charts.svg import standalone
from classwright_tools.errors import NotFound

MOST_BYTES = 100_000
"""Of a picture: it travels inside an answer, to a model that reads it."""
_ZOOMS = (1.0, 0.85, 0.7, 0.5, 0.3)
_FONT = "DejaVu Sans"
_COLOURS = dict(re.findall(r"(--[\w-]+): *(#\w+)", LIGHT))
_LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9" font-family="sans-serif">{}</text></svg>'
)


def picture(chart: Markup) -> str:
    """Return a chart as a PNG in base64, drawn smaller until it is less than `MOST_BYTES` or no smaller one is legible.

    Raises:
        NotFound: this machine has no font, so names would be left out.
    """
    import resvg_py

    if not _has_fonts():
        raise NotFound("a font to draw names with", "is not on this machine", "Install one, such as fonts-dejavu-core.")
    svg = re.sub(r"var\((--[\w-]+)\)", lambda name: _COLOURS[name[1]], standalone(chart))  # resvg knows no variables
    for zoom in _ZOOMS:
        drawn = resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, sans_serif_family=_FONT)
        if len(drawn) < MOST_BYTES:
            break
    return base64.b64encode(drawn).decode()


@cache
def _has_fonts() -> bool:
    """Whether a letter leaves a mark: texts that no font has are left out in silence."""
    import resvg_py

    letter, nothing = (
        resvg_py.svg_to_bytes(svg_string=_LETTER.format(text), sans_serif_family=_FONT) for text in ("x", " ")
    )
    return bool(letter != nothing)
