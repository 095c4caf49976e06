"""The penalty of a probe on written rows is the one that real validation rows ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classwright_tools.domain.example import Origin
from classwright_tools.learning import penalty
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.penalty import FOR_WRITTEN, tempered_log_loss, with_penalty
from classwright_tools.learning.probe import choose_regularisation
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from support.imbalance import rows_of, setup_of


class Known:
    """An encoder of texts whose embeddings are known."""

    def __init__(self, setup: Setup, vectors: dict[str, np.ndarray]) -> None:
        self.ref = setup.encoder.ref
        self._vectors = vectors

    def embed(self, texts: tuple[str, ...], *_: object) -> np.ndarray:
        return np.stack([self._vectors[text] for text in texts])


def named(labels: np.ndarray, name: str, origin: Origin) -> Rows:
    return replace(rows_of(labels), texts=tuple(f"{name} {place}" for place in range(len(labels))), origin=origin)


def problem(folder: Path, *, shared: bool = False) -> tuple[Rows, Rows, Setup]:
    """Return rows with a small habit that tells their labels, validation rows that may have it too, and the setup."""
    generator = np.random.default_rng(0)
    labels = np.arange(200) % 2
    meaning = 0.6 * generator.normal(size=(200, 30))
    meaning[:, 0] += labels - 0.5
    habit = 0.3 * (labels - 0.5)
    if not shared:
        habit[120:] = 0.3 * (generator.permutation(labels[120:]) - 0.5)
    vectors = np.column_stack([meaning, habit]).astype(np.float32)
    rows, validation = named(labels[:120], "row", "written"), named(labels[120:], "real", "real")
    setup = setup_of(2, folder)
    known: Any = Known(setup, dict(zip((*rows.texts, *validation.texts), vectors, strict=True)))
    return rows, validation, replace(setup, encoder=known, imbalance="none")


def chosen(rows: Rows, validation: Rows, setup: Setup) -> float | None:
    return with_penalty([METHODS["probe"]], rows, validation, setup).penalty


def test_written_rows_get_the_penalty_that_real_validation_rows_ask_for(tmp_path: Path) -> None:
    assert chosen(*problem(tmp_path)) == FOR_WRITTEN[0]
    assert chosen(*problem(tmp_path, shared=True)) == FOR_WRITTEN[-1]


def test_no_penalty_is_lighter_than_folds_of_the_rows_ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalty, "choose_regularisation", lambda *_: 3.0)
    assert chosen(*problem(tmp_path, shared=True)) == 3.0


def test_rows_with_real_texts_among_them_choose_their_penalty_by_folds_of_themselves(tmp_path: Path) -> None:
    rows, validation, setup = problem(tmp_path)
    by_folds = choose_regularisation(setup.embed(rows.texts), rows, setup)
    assert by_folds != chosen(rows, validation, setup)
    for others in (replace(rows, origin="annotated"), replace(rows, mixed=True)):
        assert chosen(others, validation, setup) == by_folds
    assert chosen(rows, validation, replace(setup, imbalance="class_weights")) == by_folds


def test_rows_with_a_penalty_of_their_own_are_left_as_they_are(tmp_path: Path) -> None:
    rows, validation, setup = problem(tmp_path)
    assert chosen(rows, validation, replace(setup, imbalance="auto")) is None
    assert with_penalty([METHODS["finetune"]], rows, validation, setup) is setup


def test_the_log_loss_does_not_depend_on_how_sure_the_logits_are() -> None:
    labels, logits = np.array([0, 1, 1, 0]), np.array([[2.0, 0], [0, 1.0], [0.5, 0], [1.0, 0]])
    assert tempered_log_loss(labels, 3 * logits) == pytest.approx(tempered_log_loss(labels, logits), rel=0.01)
    assert tempered_log_loss(labels, 0 * logits) == pytest.approx(np.log(2))
