"""Charts as PNG pictures, for clients that show pictures and no SVG."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from markupsafe import Markup

from classwright_tools.charts.style import LIGHT
from classwright_tools.charts.svg import standalone

MOST_BYTES = 100_000
"""Of a picture: it travels inside an answer, to a model that reads it."""
_ZOOMS = (1.0, 0.85, 0.7, 0.5, 0.3)
_FONT = "DejaVu Sans"
_FONT_FILE = str(Path(__file__).parent / "fonts" / "DejaVuSans.ttf")  # a machine may have no font, and names need one
_COLOURS = dict(re.findall(r"(--[\w-]+): *(#\w+)", LIGHT))


def picture(chart: Markup) -> str:
    """Return a chart as a PNG in base64, drawn smaller until it is less than `MOST_BYTES` or no smaller one is legible.

    Names that the font shipped here has no letters for, such as Chinese ones, are drawn by the machine's own fonts.
    """
    import resvg_py

    svg = re.sub(r"var\((--[\w-]+)\)", lambda name: _COLOURS[name[1]], standalone(chart))  # resvg knows no variables
    for zoom in _ZOOMS:
        drawn = resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, sans_serif_family=_FONT, font_files=[_FONT_FILE])
        if len(drawn) < MOST_BYTES:
            break
    return base64.b64encode(drawn).decode()
