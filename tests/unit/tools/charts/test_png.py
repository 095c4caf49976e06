"""Charts as PNG: small enough for an answer, in the chart's own colours, with names in any script."""

from __future__ import annotations

import base64
import functools
import io
import random

import matplotlib.image
import numpy as np
import pytest
import resvg_py
from numpy.typing import NDArray

from classwright_tools.charts.confusion import confusion_chart
from classwright_tools.charts.png import MOST_BYTES, picture
from classwright_tools.charts.scatter import label_map

BLUE, ORANGE = (0, 0x72, 0xB2), (0xD5, 0x5E, 0)  # of the first label and of the second
GREEN = (0, 0x9E, 0x73)


def pixels(encoded: str) -> NDArray[np.uint8]:
    """Return a picture as (height, width, 3)."""
    drawn = matplotlib.image.imread(io.BytesIO(base64.b64decode(encoded)), format="png")
    return np.rint(drawn[:, :, :3] * 255).astype(np.uint8)


def colours(encoded: str) -> set[tuple[int, ...]]:
    return set(map(tuple, pixels(encoded).reshape(-1, 3).tolist()))


@pytest.mark.parametrize("k", [1, 12, 150])
def test_a_confusion_matrix_is_less_than_100_kb_however_many_labels_err(k: int) -> None:
    generator = random.Random(k)
    counts = [[generator.randrange(100) for _ in range(k)] for _ in range(k)]

    drawn = picture(confusion_chart([f"a label with a long name {i}" for i in range(k)], counts, []))

    assert len(base64.b64decode(drawn)) < MOST_BYTES
    assert min(pixels(drawn).shape[:2]) > 100


def test_rows_have_the_colours_of_their_labels() -> None:
    spread = [(x / 9, y / 9) for x in range(9) for y in range(9)]

    drawn = picture(label_map(spread, [0] * 81, [], [], ["refund"]))
    other = picture(label_map(spread, [0, 1, 2] * 27, [], [], ["refund", "delivery", "account"]))

    assert BLUE in colours(drawn)
    assert not {ORANGE, GREEN} & colours(drawn)
    assert {BLUE, ORANGE, GREEN} <= colours(other)


@pytest.mark.parametrize("name", ["refund", "возврат", "استرداد"])
def test_a_name_is_drawn_in_its_script(name: str) -> None:
    drawn, without = (pixels(picture(confusion_chart([label], [[1]], []))) for label in (name, "\u2003" * len(name)))

    assert (drawn < 128).any(axis=2).sum() > (without < 128).any(axis=2).sum()


@pytest.mark.parametrize("name", ["refund", "возврат"])
def test_a_name_is_drawn_on_a_machine_without_fonts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = functools.partial(resvg_py.svg_to_bytes, skip_system_fonts=True)
    monkeypatch.setattr(resvg_py, "svg_to_bytes", bare)

    drawn, without = (pixels(picture(confusion_chart([label], [[1]], []))) for label in (name, "\u2003" * len(name)))

    assert (drawn < 128).any(axis=2).sum() > (without < 128).any(axis=2).sum()
