"""Negatives made from matches: the switch, the generator behind it, snapping, the teacher, and mining."""

from __future__ import annotations

import random as python_random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.matching.descent import mismatch_loss
from classwright_tools.learning.matching.fit import fit_matcher
from classwright_tools.learning.matching.negatives.drawn import NO_QUERY, PlacedRows, RandomQueries
from classwright_tools.learning.matching.negatives.generator import LATENT, QueryGenerator, pretrained_generator
from classwright_tools.learning.matching.negatives.mined import MinedQueries
from classwright_tools.learning.matching.negatives.overwriting import Overwriting
from classwright_tools.learning.matching.negatives.snapped import LEAST_MISMATCH, SnappedQueries
from classwright_tools.learning.matching.negatives.switch import switches
from classwright_tools.learning.matching.partner import PartnerOver
from classwright_tools.learning.matching.settings import MatcherSettings, MiningSettings, NegativeSettings
from support.matching import MATCH, MISMATCH, made_pairs, setup_in
from support.negatives import generator as generator
from support.negatives import on_one_thread as on_one_thread
from support.negatives import rows as rows
from support.negatives import teacher as teacher

POOLED = MatcherSettings(parts=("pooled",), steps=30, ensemble=False)


@given(
    labels=st.lists(st.integers(0, 1), min_size=1, max_size=50),
    probability=st.floats(0, 0.999),
    seed=st.integers(0, 2**32),
)
def test_a_mismatch_is_never_overwritten(labels: list[int], probability: float, seed: int) -> None:
    y = np.array(labels)
    s = switches(y, probability, np.random.default_rng(seed))
    assert set(s.tolist()) <= {0, 1}
    assert (s[y == 1] == 0).all()


def test_the_switch_overwrites_the_share_of_matches_that_was_asked_for() -> None:
    s = switches(np.zeros(20_000), 0.3, np.random.default_rng(0))
    assert s.mean() == pytest.approx(0.3, abs=0.02)


def test_without_overwriting_it_is_the_plain_classifier_to_the_bit(tmp_path: Path) -> None:
    pairs, setup = made_pairs(), setup_in(tmp_path)
    plain = replace(POOLED, parts=("pooled", "lexical"), negatives=NegativeSettings(mix=()))
    off = replace(plain, negatives=NegativeSettings(overwritten=0.0))
    answers = [fit_matcher(pairs, setup, one).logits(pairs.queries, pairs.items) for one in (plain, off)]
    assert (answers[0] == answers[1]).all()


@pytest.mark.parametrize("kind", ["random", "mined", "generated"])
def test_each_kind_of_negatives_changes_the_classifier(kind: str, tmp_path: Path) -> None:
    pairs, setup = made_pairs(), setup_in(tmp_path)
    mixes = (NegativeSettings(mix=()), NegativeSettings(mix=((kind, 1.0),)))  # type: ignore[arg-type]
    answers = [
        fit_matcher(pairs, setup, replace(POOLED, negatives=one)).logits(pairs.queries, pairs.items) for one in mixes
    ]
    assert (answers[0] != answers[1]).any()


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(InvalidInput, match="sum to 1"):
        NegativeSettings(mix=(("random", 0.5),))


def test_the_frozen_generator_leaves_no_trace_of_the_classifiers_training(
    rows: PlacedRows, generator: QueryGenerator
) -> None:
    again = pretrained_generator(rows, MISMATCH, seed=0)
    for own, other in zip(generator.parameters(), again.parameters(), strict=True):
        assert (own == other).all()


def test_the_generator_moves_queries_towards_mismatches(rows: PlacedRows, generator: QueryGenerator) -> None:
    matches = np.flatnonzero(rows.labels == MATCH)
    own, items = rows.table.query_embeddings[rows.queries[matches]], rows.table.item_embeddings[rows.items[matches]]
    with torch.no_grad():
        made = generator(own, items, torch.zeros(len(matches), LATENT)).queries
    np.testing.assert_allclose(made.norm(dim=1).numpy(), 1.0, atol=1e-5)
    assert float((made * items).sum(dim=1).mean()) < float((own * items).sum(dim=1).mean())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_snapped_queries_are_real_ones_and_never_the_items_own(
    rows: PlacedRows, generator: QueryGenerator, teacher: PartnerOver, seed: int
) -> None:
    matches = np.flatnonzero(rows.labels == MATCH)
    drawn = SnappedQueries(rows, MISMATCH, generator, teacher).draw(matches, np.random.default_rng(seed))
    found = drawn.queries != NO_QUERY
    assert found.any()
    assert ((drawn.queries[found] >= 0) & (drawn.queries[found] < len(rows.table.queries))).all()
    assert (drawn.queries[found] != rows.queries[matches][found]).all()
    assert not rows.known(drawn.queries[found], rows.items[matches][found]).any()
    assert (drawn.targets[found] >= LEAST_MISMATCH).all()


class _CertainTeacher:
    """Takes every pair for a match."""

    def probabilities(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:  # noqa: ARG002
        return np.tile([1.0, 0.0], (len(queries), 1))


def test_the_teacher_drops_what_it_takes_for_a_match(rows: PlacedRows, generator: QueryGenerator) -> None:
    matches = np.flatnonzero(rows.labels == MATCH)
    strict = SnappedQueries(rows, MISMATCH, generator, _CertainTeacher())  # type: ignore[arg-type]
    assert (strict.draw(matches, np.random.default_rng(0)).queries == NO_QUERY).all()


def test_rows_for_which_nothing_is_left_get_random_queries(rows: PlacedRows) -> None:
    settings = NegativeSettings(mix=(("generated", 1.0),), overwritten=0.9)
    drawn = Overwriting(rows, MISMATCH, settings, _CertainTeacher(), seed=0).draw()  # type: ignore[arg-type]
    changed = drawn.switch == 1
    assert changed.sum() > 10
    assert (drawn.queries[changed] != rows.queries[changed]).all()
    assert (drawn.targets[changed] == 1.0).all()
    assert (drawn.queries[~changed] == rows.queries[~changed]).all()


def test_random_queries_never_belong_to_the_item(rows: PlacedRows) -> None:
    drawn = RandomQueries(rows).draw(np.arange(len(rows.labels)), np.random.default_rng(0))
    assert (drawn.queries != NO_QUERY).all()
    assert not rows.known(drawn.queries, rows.items).any()


def test_mined_queries_are_similar_to_the_item_and_not_known_to_match(rows: PlacedRows) -> None:
    matches = np.flatnonzero(rows.labels == MATCH)
    mining = MiningSettings(range_max=10, num_negatives=2, sampling_strategy="top", relative_margin=None)
    mined = MinedQueries(rows, MISMATCH, mining, seed=0).draw(matches, np.random.default_rng(0))
    random = RandomQueries(rows).draw(matches, np.random.default_rng(0))
    items = rows.items[matches]
    found = mined.queries != NO_QUERY
    assert found.mean() > 0.9
    assert not rows.known(mined.queries[found], items[found]).any()
    near = rows.table.cosines(mined.queries[found], items[found]).mean()
    assert near > rows.table.cosines(random.queries, items).mean() + 0.1


def test_mined_queries_come_from_the_seed_and_leave_the_callers_random_numbers_as_they_were(rows: PlacedRows) -> None:
    matches = np.flatnonzero(rows.labels == MATCH)
    mining = MiningSettings(num_negatives=1, relative_margin=None)
    python_random.seed(1)
    expected = python_random.random()
    found = []
    for outside, seed in ((1, 0), (2, 0), (1, 5)):
        python_random.seed(outside)
        mined = MinedQueries(rows, MISMATCH, mining, seed)
        found.append(mined.draw(matches, np.random.default_rng(0)).queries)

    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()
    assert python_random.random() == expected


def test_a_refused_knob_of_the_miner_is_told(rows: PlacedRows) -> None:
    with pytest.raises(InvalidInput, match="range_min"):
        MinedQueries(rows, MISMATCH, MiningSettings(range_min=60), seed=0)


def test_the_loss_is_the_articles_weighted_cross_entropy() -> None:
    logits, y = torch.tensor([[0.3, -0.2], [-1.0, 0.5], [0.1, 2.0]]), torch.tensor([0.0, 1.0, 1.0])
    f = logits.softmax(dim=1)[:, 1]
    expected = -(5 * y * f.log() + (1 - y) * (1 - f).log()).mean()
    targets = torch.stack([1 - y, y], dim=1)
    assert mismatch_loss(logits, targets, MISMATCH, 5.0).item() == pytest.approx(expected.item(), rel=1e-6)
