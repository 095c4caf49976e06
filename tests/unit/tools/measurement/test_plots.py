"""Plots: drawn for 2 and for 90 labels with any name, of a size that fits, and the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from classwright_tools.domain.figures import Estimate
from classwright_tools.measurement.pages import breakable, estimate, percent, points
from classwright_tools.measurement.plots import MOST_LABELS, plot_confusion, plot_map, plot_per_class, plot_reliability
from classwright_tools.statistics.metrics import class_figures, confusion_matrix, reliability

NAMES = ("plain", "$x^2", "<b>bold</b>", "with_underscores", "é" * 90, "zwei Wörter", "line " * 19, "a")


def labels_and_names(k: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(0)
    true = np.repeat(np.arange(k), 5)
    predicted = np.where(generator.random(len(true)) < 0.8, true, generator.integers(0, k, len(true)))
    return true, predicted, [f"{NAMES[i % len(NAMES)]} {i}" for i in range(k)]


@pytest.mark.parametrize("k", [2, 12, 90])
def test_the_confusion_matrix_and_the_bars_are_drawn_for_any_number_of_labels(tmp_path: Path, k: int) -> None:
    true, predicted, names = labels_and_names(k)

    plot_confusion(tmp_path / "confusion.png", confusion_matrix(true, predicted, k), names)
    plot_per_class(tmp_path / "per_class.png", class_figures(true, predicted, names))

    height, width, _ = imread(tmp_path / "confusion.png").shape
    assert 400 < min(width, height) <= max(width, height) < 3_000
    rows = imread(tmp_path / "per_class.png").shape[0]
    assert 200 < rows < 40 * MOST_LABELS


def test_right_and_wrong_answers_have_different_colours(tmp_path: Path) -> None:
    matrix = np.array([[9, 1], [5, 5]])

    plot_confusion(tmp_path / "confusion.png", matrix, ["a", "b"])

    pixels = imread(tmp_path / "confusion.png")[..., :3].reshape(-1, 3)
    assert ((pixels[:, 2] - pixels[:, 0]) > 0.4).mean() > 0.02  # blue
    assert ((pixels[:, 0] - pixels[:, 2]) > 0.4).mean() > 0.02  # orange


def test_a_plot_is_the_same_each_time(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    true, proba = generator.integers(0, 3, 40), generator.dirichlet(np.ones(3), 40)
    places, real = generator.normal(size=(30, 2)), np.arange(30) < 10

    for name in ("one", "other"):
        plot_reliability(tmp_path / f"reliability-{name}.png", reliability(true, proba))
        plot_map(tmp_path / f"map-{name}.png", places, real)

    for plot in ("reliability", "map"):
        assert (tmp_path / f"{plot}-one.png").read_bytes() == (tmp_path / f"{plot}-other.png").read_bytes()


def test_figures_read_as_percent_with_their_interval() -> None:
    found = Estimate(value=0.8642, low=0.83, high=0.892)

    assert percent(found.value) == "86.4%"
    assert estimate(found) == "86.4% (83.0 to 89.2)"
    assert points(Estimate(value=-0.04, low=-0.08, high=0.001)) == "-4.0 points (-8.0 to +0.1)"


def test_a_label_may_break_at_its_underscores_and_stays_escaped() -> None:
    assert str(breakable("<b>_up")) == "&lt;b&gt;_<wbr>up"
