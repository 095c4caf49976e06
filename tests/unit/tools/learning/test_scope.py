"""The scope of a classifier: how like its rows a text is, and where the limit lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.domain.example import Origin
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.scope import (
    MOST_ROWS,
    Scope,
    evenly_drawn,
    out_of_scope,
    scope_by,
    scope_card,
    scope_of,
)


def unit(rows: int, seed: int = 0) -> np.ndarray:
    """Points on the unit sphere of eight dimensions."""
    points = np.random.default_rng(seed).normal(size=(rows, 8))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


class Held:
    """Rows held out."""

    def __init__(self, likeness: np.ndarray | None, data: str) -> None:
        self.likeness, self.data = likeness, data


def test_a_text_is_as_like_as_the_nearest_mean_and_reads_back_the_same(tmp_path: Path) -> None:
    points = unit(30)
    scope = Scope(points[:20].astype(np.float16))
    scope.save(tmp_path / "scope.safetensors")

    found = scope.likeness(points)

    np.testing.assert_allclose(found[:20], 1, atol=2e-3)
    np.testing.assert_allclose(found[20:], (points[20:] @ points[:20].T).max(axis=1), atol=2e-3)
    assert (Scope.load(tmp_path / "scope.safetensors").likeness(points) == found).all()


def test_a_limit_flags_as_many_further_texts_as_it_says() -> None:
    generator = np.random.default_rng(1)
    inside = []
    for _ in range(400):
        card = scope_card(generator.random(60), "real")
        assert card is not None
        inside.append((card.likeness, card.flagged.low <= card.likeness <= card.flagged.high))  # of uniform numbers

    shares, covered = np.array(inside).T
    assert card.flagged.value == pytest.approx(3 / 61)
    assert shares.mean() == pytest.approx(3 / 61, abs=0.004)
    assert 0.92 < covered.mean() < 0.98


@pytest.mark.parametrize(("rows", "origin"), [(30, "real"), (60, "real"), (200, "written")])
def test_a_limit_is_on_no_row_so_that_every_engine_has_the_same_rows_in_scope(rows: int, origin: Origin) -> None:
    for seed in range(20):
        likeness = np.random.default_rng(seed).normal(0.5, 0.1, rows).astype(np.float32)
        card = scope_card(likeness, origin)
        assert card is not None
        one, other = (out_of_scope(likeness + error, card, rows) for error in (-1e-6, 1e-6))
        assert one.tolist() == other.tolist()
        assert one.sum() == round(card.flagged.value * (rows + 1)) - 1


@pytest.mark.parametrize(("rows", "data", "told"), [(18, "real", False), (19, "real", True), (48, "written", False)])
def test_too_few_rows_tell_no_limit(rows: int, data: str, told: bool) -> None:
    assert (scope_card(np.linspace(0, 1, rows), data) is not None) == told  # type: ignore[arg-type]  # an origin


def test_written_rows_set_a_more_careful_limit_and_real_ones_go_before_them() -> None:
    likeness = np.linspace(0, 1, 200)
    written, real = Held(likeness, "written"), Held(likeness / 2, "annotated")

    alone, both = scope_by(training=written), scope_by(validation=real, training=written)

    assert alone is not None
    assert both is not None
    assert alone.likeness < likeness[4]
    assert (both.data, both.rows, both.is_set_by_validation) == ("annotated", 200, True)
    assert not alone.is_set_by_validation
    assert scope_by(validation=Held(likeness[:5], "real"), training=written) == alone
    assert scope_by(training=Held(None, "real")) is None


def test_what_is_not_told_is_never_out_of_scope() -> None:
    card = scope_card(np.linspace(0, 1, 100), "real")

    assert out_of_scope(np.array([-1.0, 0.9]), card, 2).tolist() == [True, False]
    assert not out_of_scope(np.array([-1.0]), None, 1).any()
    assert not out_of_scope(None, card, 1).any()


def test_means_are_of_as_many_rows_of_each_label_as_of_any_other_or_of_all_that_it_has() -> None:
    labels = np.repeat([0, 1, 2], [8_000, 30, 2_000])
    texts = tuple(map(str, range(len(labels))))
    points = unit(len(labels))
    asked: list[int] = []

    def embed(some: Sequence[str]) -> np.ndarray:
        asked.extend(map(int, some))
        return points[asked]

    scope = scope_of(Rows(texts, labels, np.arange(len(labels)), "real"), embed, seed=0)

    kept = labels[asked]
    assert np.bincount(kept).tolist() == [985, 30, 985]
    assert sum(np.bincount(kept)) == MOST_ROWS
    means = np.stack([points[asked][kept == label].mean(axis=0) for label in range(3)])
    np.testing.assert_allclose(scope.means, means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-3)
    assert evenly_drawn(labels, 20_000, 0).tolist() == list(range(len(labels)))
