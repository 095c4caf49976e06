"""Labels that the frozen encoder does not part are told, with what to try, and others are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.figures import Estimate
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.measurement.label_separation import FIRST_ROWS, above_guessing, placed_rightly, separation_remark

PLACES = ("Rome", "Oslo", "Lima", "Cairo", "Delhi", "Seoul", "Quito", "Accra")
COOKED, RODE = ("we cooked soup in {}", "a recipe from {}"), ("the train to {} was late", "we rode a bus in {}")
POOR, GOOD = Estimate(value=0.6, low=0.5, high=0.7), Estimate(value=0.9, low=0.8, high=1.0)


def rows_of(*labels: tuple[str, ...]) -> Rows:
    """Return sixteen rows of each label, made of its forms."""
    texts = [form.format(place) for forms in labels for form in forms for place in PLACES]
    numbers = np.repeat(np.arange(len(labels)), FIRST_ROWS)
    return Rows(tuple(texts), numbers, np.arange(len(texts)), "real")


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """A training of two labels with the default encoder."""
    cache = EmbeddingCache(tmp_path)
    return Setup(open_encoder(DEFAULT_ENCODER), cache, ("a", "b"), None, 0, progress=lambda *_: None)


def test_labels_that_the_encoder_does_not_part_are_told(setup: Setup) -> None:
    alike = rows_of(COOKED, COOKED)
    alike = replace(alike, texts=tuple(text + "!" * (place % 2) for place, text in enumerate(alike.texts)))
    told = separation_remark(setup, alike, POOR, ())
    assert told.startswith("Labels lie together in the encoder 'all-MiniLM-L6-v2': of 16 rows of each, ")
    assert "50% would by chance" in told
    assert told.endswith("try encoder='auto' or method='contrastive'.")
    assert separation_remark(setup, alike, POOR, ["auto", "probe"]).endswith("more rows; try method='contrastive'.")
    assert separation_remark(setup, alike, POOR, ["auto", "contrastive"]).endswith("Expect little of more rows.")
    assert separation_remark(setup, alike, GOOD, ()) == ""  # the model answers well all the same


def test_labels_that_the_encoder_parts_are_not_nor_those_with_few_rows(setup: Setup) -> None:
    apart = rows_of(COOKED, RODE)
    assert separation_remark(setup, apart, POOR, ()) == ""
    few = rows_of(COOKED, COOKED).take(np.arange(2 * FIRST_ROWS - 1))
    assert separation_remark(setup, few, POOR, ()) == ""


def test_no_row_counts_in_the_mean_that_it_is_compared_with() -> None:
    labels = np.array([0, 0, 1, 1])
    between = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [0.6, 0.8]], np.float32)
    assert placed_rightly(between, labels) == 0.0  # with itself in it, the first row's own mean would be the nearer one
    assert placed_rightly(np.eye(2, dtype=np.float32)[labels], labels) == 1.0
    assert (above_guessing(0.5, 2), above_guessing(1.0, 5)) == (0.0, 1.0)
