"""Gains that are tested by swapping the answers of two models: equal ones seldom differ, and few rows tell nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.gains import RareLabelGain
from classwright_tools.statistics import multi_label, paired, swapped_answers
from classwright_tools.statistics.exact_tests import holm
from classwright_tools.statistics.paired_rare import with_rare

Draw = Callable[[np.random.Generator], Comparison]


def ranked(generator: np.random.Generator, queries: np.ndarray | None = None) -> Comparison:
    """Compare two models that tell 3 mismatches from 97 pairs equally well, each with errors of its own."""
    true = (np.arange(100) % 33 == 0).astype(int)
    shared = 0 if queries is None else 2 * generator.standard_normal((2, 20))[:, queries]
    scores = 1.5 * true + generator.standard_normal((2, 100)) + shared
    probas = (np.stack([-one, one], axis=1) for one in scores)
    return paired.compare(true, *probas, "m1", mismatch=1, groups=queries)


def ranked_by_query(generator: np.random.Generator) -> Comparison:
    return ranked(generator, np.arange(100) // 5)


def answered(generator: np.random.Generator) -> Comparison:
    true = generator.choice(4, 120, p=(0.7, 0.2, 0.07, 0.03))
    return paired.compare(true, *(generator.standard_normal((2, 120, 4)) + 1.5 * np.eye(4)[true]), "m1")


def decided(generator: np.random.Generator) -> Comparison:
    true = generator.random((100, 5)) < 0.3
    return multi_label.compare(true, *(true ^ (generator.random((2, 100, 5)) < 0.01)), "m1")


@pytest.mark.parametrize(
    ("draw", "figure"),
    [
        (ranked, "average_precision_gain"),
        (ranked_by_query, "average_precision_gain"),
        (answered, "macro_f1_gain"),
        (decided, "micro_f1_gain"),
        (decided, "macro_f1_gain"),
    ],
)
def test_equal_models_differ_by_more_than_chance_in_5_of_100_comparisons(
    monkeypatch: pytest.MonkeyPatch, draw: Draw, figure: str
) -> None:
    monkeypatch.setattr(swapped_answers, "SWAPS", 199)
    monkeypatch.setattr("classwright_tools.statistics.intervals.RESAMPLES", 20)

    found = [getattr(draw(np.random.default_rng(seed)), figure) for seed in range(250)]

    assert 0.01 <= np.mean([one.significant for one in found]) <= 0.08


@pytest.mark.parametrize(("differ", "p", "verdict"), [(4, 2 / 2**4, "undecided"), (8, 2 / 2**8, "gain")])
def test_of_few_rows_with_several_labels_the_test_says_what_is_chance(differ: int, p: float, verdict: str) -> None:
    true = np.random.default_rng(0).random((100, 5)) < 0.3
    theirs = true.copy()
    theirs[np.arange(differ), np.arange(differ) % 5] ^= True

    found = multi_label.compare(true, true, theirs, "m1")

    assert found.micro_f1_gain
    assert found.micro_f1_gain.low > 0
    assert found.micro_f1_gain.p == pytest.approx(p, abs=0.02)
    assert found.verdict == verdict


def test_the_order_of_rows_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    positive, ours, theirs = np.arange(60) < 6, *generator.integers(0, 9, (2, 60))
    order = generator.permutation(60)

    one = swapped_answers.ranking_gain(positive, ours, theirs)

    assert one == swapped_answers.ranking_gain(positive[order], ours[order], theirs[order])
    assert one.value == pytest.approx(
        average_precision_score(positive, ours) - average_precision_score(positive, theirs)
    )


@pytest.mark.parametrize(("ps", "beyond"), [((0.04, 0.01, 0.016), 3), ((0.03, 0.018, 0.04), 0), ((0.2, 0.01, 0.03), 1)])
def test_gains_beside_the_accuracy_are_tested_together(ps: tuple[float, ...], beyond: int) -> None:
    assert sum(holm(ps, 0.05)) == beyond

    gains = [{"value": 0.1, "low": 0.01, "high": 0.2, "p": p, "significant": True} for p in (*ps, 1.0)]
    names = ("recall_gain", "average_precision_gain", "balanced_accuracy_gain")
    rare = RareLabelGain.model_validate({"label": "a", "rows": 10} | dict(zip(names, gains[1:], strict=True)))
    found = answered(np.random.default_rng(0))
    found = found.model_copy(update={"macro_f1_gain": found.macro_f1_gain.model_validate(gains[0])})

    told = [one.significant for one in with_rare(found, rare).others.values()]

    assert told == holm([*ps, 1.0], 0.05)
    assert with_rare(found, None) == found
