"""The second opinion: one scale for all rows, and no word on rows that no classifier could answer rightly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.example import Example, make_example
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.head import fit_head, fit_one_vs_rest
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.measurement import out_of_fold
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.measurement.judging import judged
from classwright_tools.measurement.second_opinion import SecondOpinion, second_opinion
from support.measurement import REAL, WRITTEN

LABELS = tuple(WRITTEN)
NEAR = [f"I am away until Monday and will answer your kind message then, number {number}" for number in range(3)]


def texts(label: str) -> list[str]:
    return [*(text for _, text in WRITTEN[label]), *REAL[label]]


def rows(*, several: bool = False) -> list[Example]:
    if several:
        return [make_example(text, None, labels=(label,)) for label in LABELS for text in texts(label)]
    return [make_example(text, label) for label in LABELS for text in texts(label)]


def asked(folder: Path, known: Sequence[Example], *, several: bool = False) -> SecondOpinion:
    cache = EmbeddingCache(folder)
    encoder = open_encoder(DEFAULT_ENCODER)
    found = second_opinion(known, LABELS, "d1", encoder, cache, 0, lambda _: None, several=several)
    assert found
    return found


@pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
def test_rows_of_the_sample_and_all_others_are_answered_on_one_scale(
    tmp_path: Path, several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out_of_fold, "MOST_ROWS", 20)
    monkeypatch.setattr(out_of_fold, "LEAST_ROWS", 6)
    known = rows(several=several)
    first = asked(tmp_path, known, several=several)
    opinion = asked(tmp_path, known, several=several)  # from the kept file
    found, scaling = opinion.held_out, opinion.probe.scaling

    held = {row.id for row in found.rows}
    others = [place for place, row in enumerate(opinion.answers.rows) if row.id not in held]
    embedded = [
        opinion.embed([row.content for row in some], lambda _: None)
        for some in (found.rows, [opinion.answers.rows[place] for place in others])
    ]
    if several:
        raw = fit_one_vs_rest(embedded[0], found.true, c=opinion.probe.c).logits(embedded[1])
    else:
        raw = fit_head(embedded[0], found.true, 3, c=opinion.probe.c).logits(embedded[1])
    calibrated = LabelSpace(found.labels, found.thresholds).probabilities(raw * scaling.slopes + scaling.offsets)

    assert len(others) == len(known) - len(held) > 0
    assert np.abs(scaling.slopes - 1).min() > 0.1  # so that raw answers would differ
    order = [LABELS.index(label) for label in found.labels]
    assert opinion.answers.proba[others][:, order] == pytest.approx(calibrated, abs=1e-5)
    assert (first.answers.proba == opinion.answers.proba).all()


@pytest.mark.parametrize("sampled", [False, True], ids=["all rows", "a sample"])
def test_rows_of_a_label_that_is_never_held_out_are_not_doubted(
    tmp_path: Path, sampled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sampled:
        monkeypatch.setattr(out_of_fold, "MOST_ROWS", 20)
        monkeypatch.setattr(out_of_fold, "LEAST_ROWS", 4)
    labels = (*LABELS, "auto_reply", "once")
    known = [*rows(), *(make_example(text, "auto_reply") for text in NEAR), make_example("this is said once", "once")]
    new = [make_example("where is my money", None)]

    doubts = of(tmp_path, known, new, labels)

    alike = slice(len(rows()), len(known))
    assert not doubts.answered[alike].any()
    assert not doubts.disagrees[alike].any()
    assert doubts.answered[: len(rows())].all()
    assert doubts.answered[len(known) :].all()


def test_a_set_with_a_label_that_one_row_has_is_not_doubted(tmp_path: Path) -> None:
    known = [*rows(several=True), make_example("my parcel, and this is said once", None, labels=("delivery", "once"))]

    doubts = of(tmp_path, known, [], (*LABELS, "once"), several=True)

    assert doubts.answered.tolist() == [True] * (len(known) - 1) + [False]


def test_a_set_with_a_label_whose_rows_resemble_one_another_is_not_doubted(tmp_path: Path) -> None:
    alike = [make_example(text, None, labels=("account", "auto_reply")) for text in NEAR]

    doubts = of(tmp_path, [*rows(several=True), *alike], [], (*LABELS, "auto_reply"), several=True)

    assert not doubts.answered[-len(alike) :].any()
    assert doubts.answered[: -len(alike)].all()


def of(
    folder: Path, known: list[Example], new: list[Example], labels: tuple[str, ...], *, several: bool = False
) -> Doubts:
    split = [*(("train", row) for row in known), *(("unlabelled", row) for row in new)]
    encoder, cache = open_encoder(DEFAULT_ENCODER), EmbeddingCache(folder)
    return judged(split, labels, "d1", None, encoder, cache, 0, lambda *_: None, several=several)
