"""Plots, all in one style: readable at page width, with colours that colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names

from classwright_tools.domain.figures import ClassFigures, ReliabilityBin

# Okabe and Ito 2008, "Color universal design"
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B7280"
RIGHT = LinearSegmentedColormap.from_list("right", ["#F3F8FC", BLUE])
WRONG = LinearSegmentedColormap.from_list("wrong", ["#FCE9DC", VERMILION])
DPI = 130
MOST_LABELS = 80  # more are not readable on a page; the ones with most errors are drawn
NUMBERS_UP_TO = 25  # labels up to which the counts fit into the cells of a confusion matrix
LONGEST_NAME = 34
# DejaVu Sans comes with matplotlib. It lacks the scripts of East Asia: the first of these that is installed has them.
EAST_ASIAN = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Microsoft YaHei",
    "Arial Unicode MS",
    "Droid Sans Fallback",
)


def plot_confusion(path: Path, matrix: npt.NDArray[np.int64], labels: Sequence[str]) -> None:
    """Draw the confusion matrix (k, k): shares of each row, right answers blue and wrong ones orange."""
    shown = _most_errors(matrix)
    matrix = matrix[np.ix_(shown, shown)]
    k = len(shown)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    names = [_short(labels[i]) for i in shown]
    cell = 0.46 if k <= NUMBERS_UP_TO else 0.165
    margin = 0.075 * max(map(len, names)) + 0.9
    figure, axes = _figure(max(4.5, k * cell + margin), max(4.2, k * cell + margin))
    diagonal = np.eye(k, dtype=bool)
    axes.imshow(np.ma.masked_array(shares, diagonal | (matrix == 0)), cmap=WRONG, vmin=0, vmax=0.6)
    axes.imshow(np.ma.masked_array(shares, ~diagonal), cmap=RIGHT, vmin=0, vmax=1)
    size = 9 if k <= NUMBERS_UP_TO else 6.5
    axes.set_xticks(range(k), names, rotation=90, fontsize=size, fontfamily=_fonts())
    axes.set_yticks(range(k), names, fontsize=size, fontfamily=_fonts())
    axes.set_xlabel("label that the model gave", fontsize=10)
    axes.set_ylabel("true label", fontsize=10)
    axes.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#E5E7EB", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    if k <= NUMBERS_UP_TO:
        for (i, j), count in np.ndenumerate(matrix):
            if count:
                dark = shares[i, j] > (0.55 if i == j else 0.35)
                axes.text(j, i, str(count), ha="center", va="center", fontsize=9, color="white" if dark else "black")
    _save(figure, path)


def plot_per_class(path: Path, classes: Sequence[ClassFigures]) -> None:
    """Draw F1 of each label with its interval, the weakest on top."""
    shown = sorted(classes, key=lambda c: c.f1.value)[:MOST_LABELS]
    figure, axes = _figure(7.5, max(2.2, 0.24 * len(shown) + 1.1))
    places = np.arange(len(shown))
    values = np.array([c.f1.value for c in shown])
    reach = np.array([[c.f1.value - c.f1.low, c.f1.high - c.f1.value] for c in shown]).T
    axes.barh(places, values, height=0.72, color=BLUE, alpha=0.85)
    axes.errorbar(values, places, xerr=reach, fmt="none", ecolor="#111827", elinewidth=1.1, capsize=2.5)
    axes.set_yticks(places, [f"{_short(c.label)}  ({c.support})" for c in shown], fontsize=8.5, fontfamily=_fonts())
    axes.invert_yaxis()
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("F1, with its 95% interval (number of rows after the name)", fontsize=9.5)
    axes.xaxis.grid(True, color="#E5E7EB")
    _open_frame(axes)
    _save(figure, path)


def plot_reliability(path: Path, bins: Sequence[ReliabilityBin]) -> None:
    """Draw how often the model was right against how sure it was."""
    figure, axes = _figure(5.4, 4.8)
    sure = np.array([b.confidence for b in bins])
    right = np.array([b.accuracy.value for b in bins])
    reach = np.array([[b.accuracy.value - b.accuracy.low, b.accuracy.high - b.accuracy.value] for b in bins]).T
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="as sure as right")
    axes.errorbar(sure, right, yerr=reach, fmt="o", color=BLUE, ecolor=BLUE, elinewidth=0.9, capsize=2, markersize=5)
    axes.fill_between([0, 1.02], [0, 1.02], [0, 0], color=VERMILION, alpha=0.06, linewidth=0)
    axes.text(0.97, 0.05, "too sure", color=VERMILION, ha="right", fontsize=10)
    axes.text(0.03, 0.93, "too modest", color=GREEN, fontsize=10)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="how sure the model was", ylabel="how often it was right")
    axes.grid(True, color="#E5E7EB")
    axes.legend(loc="upper center", frameon=False, fontsize=9)
    _open_frame(axes)
    _save(figure, path)


def plot_map(path: Path, places: npt.NDArray[np.floating], real: npt.NDArray[np.bool_]) -> None:
    """Draw texts as points (n, 2): written ones as dots, real ones as triangles."""
    figure, axes = _figure(7.2, 6.0)
    for marked, name, colour, marker, size in (
        (~real, "written", BLUE, "o", 14),
        (real, "real", VERMILION, "^", 26),
    ):
        if marked.any():
            axes.scatter(
                places[marked, 0],
                places[marked, 1],
                s=size,
                c=colour,
                marker=marker,
                alpha=0.65,
                linewidths=0,
                label=f"{name} ({int(marked.sum())})",
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.09), ncols=2, frameon=False, fontsize=10, markerscale=1.5)
    for side in axes.spines.values():
        side.set_color("#D1D5DB")
    _save(figure, path)


def plot_attention(
    path: Path,
    query: Sequence[str],
    item: Sequence[str],
    weights: npt.NDArray[np.floating],
    importance: npt.NDArray[np.floating],
) -> None:
    """Draw where a matcher looked: a row a query token, a column an item token, darker for more attention.

    `weights` (s, t) sum to 1 in each row; `importance` (s,), what a query token counts for the answer, stands beside
    its name.
    """
    figure, axes = _figure(1.9 + 0.42 * len(item), 1.3 + 0.36 * len(query))
    axes.imshow(weights, cmap=RIGHT, vmin=0, vmax=max(0.5, float(weights.max())), aspect="auto")
    names = [f"{_short(token)}  {share:.2f}" for token, share in zip(query, importance, strict=True)]
    axes.set_yticks(range(len(query)), names, fontsize=9, fontfamily=_fonts())
    columns = [_short(token) for token in item]
    axes.set_xticks(range(len(item)), columns, rotation=60, ha="right", fontsize=9, fontfamily=_fonts())
    axes.set_ylabel("query, with importance", fontsize=10)
    axes.set_xlabel("item", fontsize=10)
    axes.set_xticks(np.arange(len(item) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(query) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#E5E7EB", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    _save(figure, path)


def plot_generated(
    path: Path,
    places: npt.NDArray[np.floating],
    real: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.int64],
    names: Sequence[str],
) -> None:
    """Draw rows as points (n, 2), a colour a label: generated ones as dots, real ones as triangles with an edge.

    `labels` (n,) are places in `names`; those of labels beyond are grey.
    """
    figure, axes = _figure(8.2, 6.4)
    colours = [*colormaps["tab20"].colors[::2], *colormaps["tab20"].colors[1::2]]  # type: ignore[attr-defined]
    for number, name in enumerate((*names, "other labels")):
        own = labels == number if number < len(names) else labels >= len(names)
        colour = colours[number] if number < len(names) else GREY
        for marked, marker, size, edge in ((own & ~real, "o", 11, 0.0), (own & real, "^", 34, 0.6)):
            if marked.any():
                axes.scatter(
                    places[marked, 0],
                    places[marked, 1],
                    s=size,
                    color=colour,
                    marker=marker,
                    alpha=0.55 if edge == 0 else 0.95,
                    linewidths=edge,
                    edgecolors="#111827",
                )
        if own.any():
            axes.scatter([], [], s=30, color=colour, marker="s", label=_short(name))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(
        f"{int(real.sum())} real rows (triangles), {int((~real).sum())} generated (dots)", fontsize=10, loc="left"
    )
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, prop={"family": _fonts(), "size": 8.5})
    for side in axes.spines.values():
        side.set_color("#D1D5DB")
    _save(figure, path)


def _most_errors(matrix: npt.NDArray[np.int64]) -> list[int]:
    """Return the labels to draw: all, or the `MOST_LABELS` with most errors, in their order."""
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    return sorted(np.argsort(-wrong, kind="stable")[:MOST_LABELS].tolist())


def _short(name: str) -> str:
    """Return a label's name, cut to fit; '$' would start mathematics."""
    cut = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return cut.replace("$", r"\$")


@lru_cache(maxsize=1)
def _fonts() -> list[str]:
    """Return the fonts that labels' names are drawn with: a character is taken from the first that has it."""
    installed = set(get_font_names())
    return ["DejaVu Sans", *[name for name in EAST_ASIAN if name in installed][:1]]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)  # without pyplot nothing global is touched: safe in any thread
    return figure, figure.add_subplot()


def _open_frame(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=DPI)
