"""HTML pages that stand alone: style and charts inside, every text from outside escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classwright_tools.charts.style import LIGHT
from classwright_tools.charts.svg import standalone
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.threshold import threshold_in_words

PAGE = "report.html"
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)


def write_page(template: str, folder: Path, charts: Mapping[str, Markup], **values: Any) -> None:
    """Write the page of a template in `templates/` to `folder`, and each of its `charts` as an SVG file beside it."""
    for name, chart in charts.items():
        (folder / f"{name}.svg").write_text(standalone(chart), encoding="utf-8")
    page = _environment().get_template(template).render(charts=charts, chart_style=LIGHT, **values)
    (folder / PAGE).write_text(_TABLE.sub(lambda table: _with_names(table[0]), page), encoding="utf-8")


def _with_names(table: str) -> str:
    """Return a table of a template with its columns' names at each cell: a narrow page shows a cell a line.

    What stands in the cells was escaped, so that a tag in it is one of ours.
    """
    names = re.findall(r"<th[^>]*>(.*?)</th>", table)

    def named(row: re.Match[str]) -> str:
        if "<th" in row[0]:
            return row[0].replace("<tr", '<tr class="names"', 1)
        left = iter(names)
        return re.sub("<td", lambda cell: f'{cell[0]} data-name="{next(left)}"', row[0])

    return _ROW.sub(named, table)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("classwright_tools.measurement"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, estimate=estimate, breakable=breakable)
    environment.filters.update(threshold=threshold_in_words)
    return environment


def breakable(name: str) -> Markup:
    """Return a label's name, escaped, with places where a line may break."""
    return Markup("_<wbr>").join(name.split("_"))


def percent(share: float) -> str:
    """Return 0.8642 as '86.4%'."""
    return f"{100 * share:.1f}%"


def estimate(found: Estimate) -> str:
    """Return a share and its interval as '86.4% (83.0 to 89.2)'."""
    return f"{percent(found.value)} ({100 * found.low:.1f} to {100 * found.high:.1f})"
