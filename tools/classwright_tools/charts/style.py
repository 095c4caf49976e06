"""The style of charts: colours that colour-blind readers tell apart (Okabe and Ito 2008, "Color universal design")."""

from __future__ import annotations

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5c00")
"""Colours of up to seven labels; what is beyond is grey."""

_COLOURS = """
svg.chart { --ink: #1d2730; --soft: #55626d; --line: #dfe3e8; --ground: #ffffff; --cell: #f1f3f5; --blue: #0072b2;
  --vermilion: #d55e00; --green: #008461; --on-blue: #ffffff; --on-vermilion: #1d2730; }
"""
_SHAPES = """
svg.chart { color: var(--blue); display: block; width: 100%; height: auto; margin: 0 auto; fill: var(--ink);
  font: 12px ui-sans-serif, system-ui, Segoe UI, DejaVu Sans, Noto Sans CJK SC, sans-serif; }
svg.chart .ground { fill: var(--ground); }
svg.chart .tick { fill: var(--soft); }
svg.chart .value { font-variant-numeric: tabular-nums; }
svg.chart .grid { stroke: var(--line); }
svg.chart .frame { fill: none; stroke: var(--line); }
svg.chart .cell { fill: var(--cell); }
svg.chart .gap { stroke: var(--ground); stroke-width: 2; }
svg.chart .hit { fill: var(--blue); }
svg.chart .miss { fill: var(--vermilion); }
svg.chart .count { font-size: 11px; }
svg.chart .on-hit { fill: var(--on-blue); }
svg.chart .on-miss { fill: var(--on-vermilion); }
svg.chart .bar { fill: var(--blue); fill-opacity: .45; }
svg.chart .whisker { stroke: var(--ink); stroke-width: 1.4; }
svg.chart .band { fill: var(--blue); fill-opacity: .14; }
svg.chart .curve { fill: none; stroke: var(--blue); stroke-width: 2.2; }
svg.chart .point { fill: var(--ground); stroke: var(--blue); stroke-width: 2; }
svg.chart .best { fill: var(--blue); }
svg.chart .test { fill: var(--green); }
svg.chart .target { stroke: var(--green); stroke-dasharray: 5 4; }
svg.chart .diagonal { stroke: var(--soft); stroke-dasharray: 5 4; }
svg.chart .overconfident { fill: var(--vermilion); fill-opacity: .08; }
svg.chart .dots { fill: none; stroke: currentColor; stroke-width: 5; stroke-linecap: round; stroke-opacity: .6; }
svg.chart .real { stroke: var(--ink); stroke-width: .8; }
svg.chart .ring { fill: none; stroke: var(--vermilion); stroke-width: 1.6; }
svg.chart .triangles { fill: var(--vermilion); fill-opacity: .8; }
"""
# Without quotes and angle brackets, so that a template which escapes every text leaves it as it is.
LIGHT = _COLOURS + _SHAPES
"""Of a page that is light for every reader."""
LIGHT_OR_DARK = (
    LIGHT
    + """
@media (prefers-color-scheme: dark) { svg.chart { --ink: #e6eaed; --soft: #a3afb8; --line: #2e383f; --ground: #1c2329;
  --cell: #242c33; --blue: #6db6d4; --vermilion: #ec8a63; --green: #6cc397; --on-blue: #10151a;
  --on-vermilion: #10151a; } }
"""
)
"""Of a page that follows the reader's theme."""
