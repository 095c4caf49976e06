"""The matcher: what it answers, its attention, and how it reads back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.errors import Cancelled, DamagedArtifact, InvalidInput, NotEnoughData
from classwright_tools.learning.matching.fit import fit_matcher
from classwright_tools.learning.matching.matcher import Matcher
from classwright_tools.learning.matching.pairs import make_pairs
from classwright_tools.learning.matching.settings import MatcherSettings, NegativeSettings
from support.matching import MISMATCH, made_pairs, setup_in

FEW_STEPS = MatcherSettings(steps=60, negatives=NegativeSettings(mix=(("random", 1.0),)))


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> Matcher:
    pairs = made_pairs()
    return fit_matcher(pairs, setup_in(tmp_path_factory.mktemp("cache")), FEW_STEPS)


def test_a_matcher_tells_unseen_mismatches_from_matches(matcher: Matcher) -> None:
    item = "Home Basics 14-inch Window Blind in bamboo, model 7"
    logits = matcher.logits(["bamboo window blind", "stone bird bath"], [item, item])
    assert logits.shape == (2, 2)
    assert logits.dtype == np.float64
    odds = logits[:, MISMATCH] - logits[:, 1 - MISMATCH]
    assert odds[1] > odds[0]


def test_a_matcher_reads_back_to_the_bit(matcher: Matcher, tmp_path: Path) -> None:
    pairs = made_pairs()
    matcher.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    again = Matcher.load(tmp_path, matcher.encoder, matcher.cache)
    assert (again.logits(pairs.queries, pairs.items) == matcher.logits(pairs.queries, pairs.items)).all()


def test_a_damaged_matcher_is_refused(matcher: Matcher, tmp_path: Path) -> None:
    matcher.save(tmp_path)
    (tmp_path / "matcher.safetensors").write_bytes(b"no tensors")
    with pytest.raises(DamagedArtifact):
        Matcher.load(tmp_path, matcher.encoder)


def test_attention_weights_and_importance_sum_to_one(matcher: Matcher) -> None:
    seen = matcher.attention("brass door handle", "Solid Brass Handle for unmistakably heavy doors")
    assert seen.query == ("brass", "door", "handle")
    assert seen.weights.shape == (3, len(seen.item))
    np.testing.assert_allclose(seen.weights.sum(axis=1), 1.0, atol=1e-6)
    assert seen.importance.sum() == pytest.approx(1.0, abs=1e-6)
    assert seen.item[seen.weights[0].argmax()] == "brass"


def test_a_pair_without_words_is_refused_attention_and_still_judged(matcher: Matcher) -> None:
    with pytest.raises(InvalidInput, match="without words"):
        matcher.attention("", "a lamp")
    assert np.isfinite(matcher.logits(["", "?!", "lamp"], ["a lamp", "", "🪔"])).all()


def test_no_pairs_give_no_logits(matcher: Matcher) -> None:
    assert matcher.logits([], []).shape == (0, 2)


def test_three_labels_are_learnt_and_only_the_named_one_is_the_mismatch(tmp_path: Path) -> None:
    pairs = made_pairs()
    labels = np.where(pairs.labels == MISMATCH, 2, np.arange(len(pairs)) % 2)
    settings = replace(FEW_STEPS, mismatch=2, ensemble=False)
    matcher = fit_matcher(make_pairs(pairs.queries, pairs.items, labels), setup_in(tmp_path, k=3), settings)
    assert matcher.logits(pairs.queries, pairs.items).shape == (54, 3)


def test_the_same_seed_gives_the_same_matcher(tmp_path: Path, matcher: Matcher) -> None:
    pairs = made_pairs()
    again = fit_matcher(pairs, setup_in(tmp_path), FEW_STEPS)
    assert (again.logits(pairs.queries, pairs.items) == matcher.logits(pairs.queries, pairs.items)).all()


def test_too_few_mismatches_are_refused(tmp_path: Path) -> None:
    pairs = made_pairs()
    with pytest.raises(NotEnoughData, match="0 mismatches"):
        fit_matcher(pairs.take(np.flatnonzero(pairs.labels != MISMATCH)), setup_in(tmp_path), FEW_STEPS)


def test_training_stops_when_asked(tmp_path: Path) -> None:
    def stop(_done: float, message: str) -> None:
        if message.startswith("training"):
            raise Cancelled

    with pytest.raises(Cancelled):
        fit_matcher(made_pairs(), replace(setup_in(tmp_path), progress=stop), FEW_STEPS)
