"""The negatives that were not kept: without a teacher, and vectors of a generator that is trained on or not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.learning.matching.descent import Training
from classwright_tools.learning.matching.fit import fit_matcher
from classwright_tools.learning.matching.linear import FeatureScaling
from classwright_tools.learning.matching.matcher import build_network
from classwright_tools.learning.matching.negatives import generator as generating
from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.matching.negatives.generator import QueryGenerator
from classwright_tools.learning.matching.negatives.overwriting import Overwritten
from classwright_tools.learning.matching.partner import PartnerOver
from classwright_tools.learning.matching.settings import MatcherSettings, NegativeSettings
from support.matching import MATCH, MISMATCH, made_pairs, setup_in
from support.negatives import generator as generator
from support.negatives import on_one_thread as on_one_thread
from support.negatives import rows as rows
from support.negatives import teacher as teacher
from support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks" / "articles"))
from pair_ways import OBJECTIVES
from variants.negatives import UnfilteredQueries, VectorOverwriting, VectorPass, overwrite

FREE = NegativeSettings(mix=(("generated", 1.0),), overwritten=0.5)
POOLED = MatcherSettings(parts=("pooled",), steps=8, ensemble=False, negatives=FREE)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=12))
def test_a_gradient_reaches_the_generator_only_where_the_switch_is_on(switch: list[int]) -> None:
    generated = torch.ones(len(switch), 3, requires_grad=True)
    own = torch.full((len(switch), 3), 2.0, requires_grad=True)
    read = overwrite(torch.tensor(switch), generated, own)
    assert read[:, 0].tolist() == [1.0 if s else 2.0 for s in switch]
    read.sum().backward()
    assert generated.grad is not None
    assert own.grad is not None
    assert generated.grad[:, 0].tolist() == [float(s) for s in switch]
    assert own.grad[:, 0].tolist() == [1.0 - s for s in switch]


def test_the_loss_sends_no_gradient_to_the_generator_where_nothing_is_overwritten(
    rows: PlacedRows, generator: QueryGenerator, tmp_path: Path
) -> None:
    network = build_network(("pooled",), setup_in(tmp_path).encoder, None, 2)
    norms = []
    for on in (0, 1):
        switch = np.where(rows.labels == MATCH, on, 0)
        drawn = Overwritten(rows.queries, np.maximum(switch, rows.labels).astype(float), switch)
        batch = VectorPass(_training(rows, POOLED), drawn, generator, seed=0)
        places = np.arange(len(rows.labels))
        made = batch.generate(places)
        generator.zero_grad(set_to_none=False)
        batch.loss_of(network(batch.overwritten(places, made.queries)), places).backward()
        norms.append(sum(float(p.grad.abs().sum()) for p in generator.parameters() if p.grad is not None))
    assert norms[0] == 0.0
    assert norms[1] > 0.0


@pytest.mark.parametrize("objective", ["frozen", "cooperative", "adversarial"])
def test_vectors_of_the_generator_train_a_classifier_of_embeddings(
    objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "STEPS_A_TUPLE", 1)
    pairs = made_pairs()
    matcher = fit_matcher(
        pairs, setup_in(tmp_path), POOLED, overwriting=VectorOverwriting, descent=OBJECTIVES[objective]
    )
    assert np.isfinite(matcher.logits(pairs.queries, pairs.items)).all()


def test_without_a_teacher_every_target_is_certain(
    rows: PlacedRows, generator: QueryGenerator, teacher: PartnerOver
) -> None:
    drawn = UnfilteredQueries(rows, MISMATCH, generator, teacher).draw(np.arange(20), np.random.default_rng(0))
    assert (drawn.targets == 1.0).all()


def _training(rows: PlacedRows, settings: MatcherSettings) -> Training:
    lexical = rows.table.lexical(rows.queries, rows.items)
    scaling = FeatureScaling.fit(lexical)
    return Training(rows, scaling, scaling.of(lexical), settings, 2, lambda _done, _message: None)
