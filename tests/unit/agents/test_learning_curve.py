"""The learning curve of a build's report: inside its frame, with names that do not touch."""

from __future__ import annotations

import re

import pytest

from classwright_agents.report.charts import Point, learning_curve
from classwright_tools.contract import Estimate
from support.agent import around


@pytest.mark.parametrize("values", [[0.0], [1.0], [0.5, 0.5], [0.1, 0.99, 0.3]])
def test_every_learning_curve_stays_inside_its_frame(values: list[float]) -> None:
    trainings = [Point(f"round {n}", 10 * (n + 1), around(value)) for n, value in enumerate(values)]
    svg = learning_curve(trainings, 0.9, around(values[-1]), 0)

    for number in re.findall(r'(?:y|cy|y1|y2)="(-?[\d.]+)"', svg):
        assert 0 <= float(number) <= 310


def test_a_figure_beyond_the_scale_still_makes_a_learning_curve() -> None:
    beyond = Estimate(value=1.1, low=1.03, high=1.2)  # of a server that lies

    assert learning_curve([Point("round 0", 10, beyond)], None, None, 0).startswith("<svg")


@pytest.mark.parametrize(
    ("count", "best", "named"),
    [(3, 0, [0, 1, 2]), (10, 4, [0, 2, 4, 6, 9]), (10, 8, [0, 2, 4, 6, 8]), (25, 9, [0, 4, 9, 16, 20, 24])],
)
def test_labels_of_a_long_learning_curve_do_not_touch_and_the_best_has_one(
    count: int, best: int, named: list[int]
) -> None:
    svg = learning_curve([Point(f"round {n}", 1_000 * n, around(0.5)) for n in range(count)], None, None, best)

    assert [int(n) for n in re.findall(r">round (\d+)<", svg)] == named
    assert svg.count(">0.500<") == len(named)
    assert svg.count("<circle") == count


def test_a_figure_of_one_is_whole_above_its_point() -> None:
    svg = learning_curve([Point("round 0", 10, around(1.0))], None, None, 0)

    assert all(float(y) > 12 for y in re.findall(r'<text x="[\d.]+" y="(-?[\d.]+)"', svg))  # the height of a line
