"""Charts: drawn for any number of labels of any name, whole, inside their frame, and the same each time."""

from __future__ import annotations

import random
import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from classwright_tools.charts.attention import attention_map
from classwright_tools.charts.confusion import MOST_LABELS, confusion_chart
from classwright_tools.charts.label_bars import MOST_BARS, label_bars
from classwright_tools.charts.reliability import reliability_diagram
from classwright_tools.charts.scatter import label_map, text_scatter
from classwright_tools.charts.style import SERIES
from classwright_tools.charts.svg import LONGEST_LABEL, fitted_name, label_width, standalone
from classwright_tools.domain.figures import ClassFigures, Estimate, ReliabilityBin

NAMES = ("plain", "$x^2", "<b>bold</b>", "with_underscores", "é" * 90, "zwei Wörter", "line " * 19, "a", "退款" * 20)


def names(k: int) -> list[str]:
    return [f"{NAMES[i % len(NAMES)]} {i}" for i in range(k)]


def around(value: float) -> Estimate:
    return Estimate(value=value, low=max(0.0, value - 0.1), high=min(1.0, value + 0.1))


def matrix(k: int) -> list[list[int]]:
    """Counts of k labels, with an error in each row, and more of them in later rows."""
    return [[9 if i == j else i + 1 if j == (i + 1) % k else 0 for j in range(k)] for i in range(k)]


def classes(k: int) -> list[ClassFigures]:
    return figures({name: sum(row) for name, row in zip(names(k), matrix(k), strict=True)})


def figures(rows: dict[str, int]) -> list[ClassFigures]:
    found = around(0.5)
    return [ClassFigures(label=one, precision=found, recall=found, f1=found, support=n) for one, n in rows.items()]


def places(count: int) -> list[tuple[float, float]]:
    generator = random.Random(0)
    return [(generator.gauss(0, 9), generator.gauss(5, 1)) for _ in range(count)]


BINS = [ReliabilityBin(rows=3, confidence=value, accuracy=around(value)) for value in (0.0, 0.3, 1.0)]
CHARTS = {
    "confusion of 1": confusion_chart(["a"], [[0]], []),
    **{f"confusion of {k}": confusion_chart(names(k), matrix(k), classes(k)) for k in (2, 12, 13, 150)},
    **{f"bars of {k}": label_bars(classes(k)) for k in (0, 2, 150)},
    "reliability": reliability_diagram(BINS),
    "no reliability": reliability_diagram([]),
    "map": text_scatter(places(40), places(9)),
    "map of written texts alone": text_scatter(places(1), []),
    "generated map": label_map(places(9), list(range(9)), places(20), [0] * 20, names(12)),
    "map of rows": label_map(
        places(9), [0] * 9, places(20), [1] * 20, names(2), made_are="written", ringed=places(3), note="9 of 99"
    ),
    "attention": attention_map(("oak", "shelf"), ("shelf", "of", "oak"), [[0.2, 0.3, 0.5]] * 2, [0.4, 0.6]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_well_formed_svg_inside_its_frame(name: str) -> None:
    for chart in (str(CHARTS[name]), standalone(CHARTS[name])):
        root = ElementTree.fromstring(chart)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for element in root.iter():
            for side, ends in ((width, ("x", "x1", "x2", "cx")), (height, ("y", "y1", "y2", "cy"))):
                assert all(0 <= float(element.attrib[end]) <= side for end in ends if end in element.attrib)
            for x, y in re.findall(r"M(-?\d+) (-?\d+)", element.attrib.get("d", "")):
                assert 0 <= int(x) <= width
                assert 0 <= int(y) <= height


def texts(chart: Markup) -> list[str]:
    return [found.text or "" for found in ElementTree.fromstring(str(chart)).iter("{http://www.w3.org/2000/svg}text")]


def test_the_confusion_matrix_shows_each_count_once_with_its_words() -> None:
    chart = confusion_chart(["a", "b"], [[3, 1], [0, 0]], figures({"a": 4}))

    assert texts(chart).count("3") == 1
    assert texts(chart).count("1") == 1
    assert "1 of 4 texts of a labelled b" in chart
    assert 'class="hit"' in chart
    assert 'class="miss"' in chart


def test_where_texts_have_several_labels_a_share_is_of_all_texts_of_the_label() -> None:
    chart = confusion_chart(["a", "b"], [[2, 0], [0, 20]], figures({"a": 10, "b": 20}))

    assert "2 of 10 texts of a labelled a" in chart  # eight were missed, and given no other label


def test_of_many_labels_those_with_most_errors_are_drawn_with_shares_of_all_their_texts() -> None:
    chart = confusion_chart(names(150), matrix(150), classes(150))

    shown = [int(found[1]) for text in texts(chart) if (found := re.search(r" (\d+)$", text))]
    assert sorted(set(shown)) == list(range(150 - MOST_LABELS, 150))
    assert "149 of 158 texts of" in chart  # nine right ones and 149 errors, of label 148
    assert "The 40 of 150 labels with most errors." in texts(chart)


def test_the_first_labels_have_a_bar_each_with_interval_and_figures() -> None:
    chart = label_bars(classes(150))

    assert chart.count('class="bar"') == MOST_BARS
    assert texts(chart)[-1] == f"And {150 - MOST_BARS} labels more."
    assert "F1 0.500, 95% interval 0.400 to 0.600" in chart


def test_a_map_of_labels_has_a_colour_for_as_many_as_can_be_told_apart() -> None:
    chart = CHARTS["generated map"]

    assert [colour for colour in SERIES if f"color:{colour}" in chart] == list(SERIES)
    assert texts(chart)[-1] == "other labels"


def test_attention_is_drawn_with_every_token_and_its_importance() -> None:
    assert {"oak  0.40", "shelf  0.60", "of"} <= set(texts(CHARTS["attention"]))


def test_long_names_that_begin_alike_stay_apart_in_a_chart() -> None:
    long = [f"a question about an international transfer that is {state}" for state in ("pending", "late")]

    drawn = [fitted_name(name) for name in long]

    assert [len(name) for name in drawn] == [LONGEST_LABEL] * 2
    assert drawn[0].startswith("a question about")
    assert [name.endswith(state) for name, state in zip(drawn, ("pending", "late"), strict=True)] == [True, True]
    assert fitted_name("x" * LONGEST_LABEL) == "x" * LONGEST_LABEL


def test_characters_of_east_asia_are_as_wide_as_two() -> None:
    assert len(fitted_name("退" * 40)) == LONGEST_LABEL // 2
    assert label_width(["退" * 8]) > 1.5 * label_width(["a" * 8])
