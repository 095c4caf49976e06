"""Figures at other shares are those of rows that have these shares, and say nothing of labels without rows."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from classwright_tools.measurement.at_shares import at_shares_remarks
from classwright_tools.statistics.at_shares import figures_at_shares, rare_label
from classwright_tools.statistics.metrics import class_figures, share
from classwright_tools.statistics.ranking import recall_at_false_alarms, threshold_at_false_alarms
from classwright_tools.statistics.share_interval import wilson
from classwright_tools.statistics.told_thresholds import as_told

NAMES = ("fine", "toxic")


def answered(fine: int, toxic: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and answers of so many rows: one in 10 fine ones is called toxic, one in 5 toxic ones fine."""
    true = np.repeat([0, 1], (fine, toxic))
    wrong = np.concatenate([np.arange(fine) % 10 == 0, np.arange(toxic) % 5 == 0])
    return true, np.where(wrong, 1 - true, true)


def test_figures_of_balanced_rows_at_natural_shares_are_those_of_rows_that_have_them() -> None:
    natural_true, natural_answers = answered(950, 50)
    true, answers = answered(100, 100)
    at = figures_at_shares(true, np.eye(2)[answers], [0.95, 0.05], NAMES)
    assert at is not None
    assert at.accuracy.value == pytest.approx((natural_true == natural_answers).mean())
    assert at.rare
    assert (at.rare.label, at.rare.share, at.rare.of_rows) == ("toxic", 0.05, 0.5)
    assert at.rare.precision is not None
    assert at.rare.precision.value == pytest.approx(sklearn.metrics.precision_score(natural_true, natural_answers))
    assert at.rare.recall.value == pytest.approx(0.8)
    for figure in (at.accuracy, at.rare.precision, at.rare.recall):
        assert figure.low < figure.value < figure.high


@pytest.mark.parametrize("too_high", [1, 19])
def test_f1_at_shares_is_that_of_weighted_rows_and_the_best_threshold_raises_it_where_labels_are_rare(
    too_high: int,
) -> None:
    generator = np.random.default_rng(0)

    def drawn(rows: int, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Return labels, and probabilities that are calibrated where one row in 20 is toxic, or odds `too_high`."""
        true = (generator.random(rows) < share).astype(int)
        odds = too_high * np.exp(2 * generator.normal(2 * true, 1) - 2) * 0.05 / 0.95
        toxic = odds / (1 + odds)
        return true, np.stack([1 - toxic, toxic], axis=1)

    true, proba = drawn(150, 0.5)
    at = figures_at_shares(true, proba, [0.95, 0.05], NAMES)
    assert at is not None
    assert at.rare is not None
    assert at.rare.f1 is not None
    assert at.rare.best_f1 is not None
    weights = np.where(true == 1, 0.05 / (true == 1).sum(), 0.95 / (true == 0).sum())
    for found, given in (
        (at.rare.f1, proba[:, 1] > 0.5),
        (at.rare.best_f1.f1, proba[:, 1] >= at.rare.best_f1.threshold),
    ):
        assert found.value == pytest.approx(sklearn.metrics.f1_score(true, given, sample_weight=weights))
        assert found.low < found.value < found.high
    certain = figures_at_shares(true, np.eye(2)[true], [0.95, 0.05], NAMES)
    assert certain is not None
    assert certain.rare is not None
    assert certain.rare.best_f1 is None, "no threshold has a higher F1"
    others, theirs = drawn(20_000, 0.05)
    best, plain = (
        sklearn.metrics.f1_score(others, theirs[:, 1] >= limit) for limit in (at.rare.best_f1.threshold, 0.5)
    )
    reachable = max(sklearn.metrics.f1_score(others, theirs[:, 1] >= limit) for limit in np.linspace(0.05, 0.95, 60))
    assert plain + 0.03 < best
    assert reachable - 0.02 < best


@pytest.mark.parametrize("others", [np.arange(200) / 200, np.full(200, 0.1)])
def test_a_label_whose_rows_score_no_higher_than_others_has_no_threshold_for_f1(others: np.ndarray) -> None:
    true = np.repeat([0, 1], (190, 10))
    toxic = np.where(true == 1, 0.1, others)
    at = figures_at_shares(true, np.stack([1 - toxic, toxic], axis=1), [0.95, 0.05], NAMES)
    assert at is not None
    assert at.rare is not None
    assert at.rare.best_f1 is None


def test_a_label_that_is_never_answered_has_wilsons_recall_and_no_precision() -> None:
    true = np.repeat([0, 1], (300, 12))
    at = figures_at_shares(true, np.eye(2)[np.zeros(312, int)], [300 / 312, 12 / 312], NAMES)
    assert at is not None
    assert at.rare
    assert at.rare.precision is None
    assert at.rare.recall == wilson(0, 12)
    assert (
        "The precision of 'toxic' (3.8% of the rows) is not known, as no row was answered so, its recall 0.000 (0.000 "
        "to 0.242)."
    ) in at_shares_remarks(at, None, None)


def test_a_precision_of_one_from_few_rows_is_no_certainty() -> None:
    true = np.repeat([0, 1], (300, 12))
    answers = np.where(np.arange(312) < 308, 0, 1)
    at = figures_at_shares(true, np.eye(2)[answers], [300 / 312, 12 / 312], NAMES)
    assert at is not None
    assert at.rare
    assert at.rare.precision == wilson(4, 4)
    of_queries = figures_at_shares(true, np.eye(2)[answers], [300 / 312, 12 / 312], NAMES, np.arange(312) // 2)
    assert of_queries is not None
    assert of_queries.rare
    assert of_queries.rare.precision == wilson(2, 2)


def test_at_the_shares_of_the_rows_themselves_figures_are_those_of_the_rows_with_their_intervals() -> None:
    true = np.repeat([0, 1], (300, 12))
    answers = np.where(np.isin(np.arange(312), [0, 1, 300, 301]), 1, 0)
    at = figures_at_shares(true, np.eye(2)[answers], [300 / 312, 12 / 312], NAMES)
    assert at is not None
    assert at.rare is not None
    of_label = class_figures(true, answers, NAMES)[1]
    for found, plain in (
        (at.accuracy, share(true == answers)),
        (at.rare.precision, of_label.precision),
        (at.rare.recall, of_label.recall),
        (at.rare.f1, of_label.f1),
    ):
        assert found is not None
        assert found.model_dump() == pytest.approx(plain.model_dump())


def test_a_label_of_some_share_without_a_row_leaves_nothing_to_say() -> None:
    true, answers = answered(100, 0)
    assert figures_at_shares(true, np.eye(2)[answers], [0.9, 0.1], NAMES) is None
    at = figures_at_shares(true, np.eye(2)[answers], [1.0, 0.0], NAMES)
    assert at is not None
    assert at.rare is None


def test_of_a_handful_of_rows_of_the_rare_label_nothing_is_told() -> None:
    true, answers = answered(100, 9)
    at = figures_at_shares(true, np.eye(2)[answers], [0.9, 0.1], NAMES)
    assert at is not None
    assert at.rare is None


@pytest.mark.parametrize(
    ("shares", "rare"),
    [([0.5, 0.5], None), ([0.3, 0.7], None), ([0.2, 0.8], 0), ([0.8, 0.2], 1), ([1.0, 0.0], None), ([0.0, 1.0], None)],
)
def test_a_label_is_rare_under_half_of_an_even_share(shares: list[float], rare: int | None) -> None:
    assert rare_label(shares) == rare


def test_recall_at_false_alarms_is_that_of_the_roc_curve() -> None:
    generator = np.random.default_rng(0)
    positive = generator.random(500) < 0.2
    scores = np.round(generator.normal(size=500) + 1.5 * positive, 1)  # with ties
    alarms, recall, _ = sklearn.metrics.roc_curve(positive, scores, drop_intermediate=False)
    found = recall_at_false_alarms(positive, scores)
    assert found.value == pytest.approx(recall[alarms <= 0.05].max())
    assert 0 <= found.low < found.value < found.high <= 1


def test_a_threshold_that_lets_too_many_through_finds_nothing() -> None:
    assert recall_at_false_alarms(np.array([True, False, False]), np.ones(3)).value == 0


@pytest.mark.parametrize("seed", range(2))
def test_what_reaches_the_threshold_as_it_is_told_is_what_the_recall_is_of(seed: int) -> None:
    generator = np.random.default_rng(seed)
    positive = generator.random(500) < 0.2
    scores = 1 / (1 + np.exp(-generator.normal(size=500) - 3 * positive - 4 * (seed % 2)))  # of odd seeds near 1
    threshold = threshold_at_false_alarms(positive, as_told(scores))
    assert threshold is not None
    assert threshold == round(threshold, 6)
    assert (scores[positive] >= threshold).mean() == recall_at_false_alarms(positive, scores).value
    assert 0.04 < (scores[~positive] >= threshold).mean() <= 0.05


def test_where_probabilities_differ_by_less_than_is_told_the_threshold_does_what_is_said_of_it() -> None:
    generator = np.random.default_rng(0)
    true = np.repeat([0, 1], (200, 40))
    scores = np.where(true == 1, 1 - 1e-13 * generator.random(240), 1e-3 * generator.random(240))
    scores[:20] = 0.9999985  # one in ten of the other label: above half of a millionth from the others
    at = figures_at_shares(true, np.stack([1 - scores, scores], axis=1), [0.9, 0.1], NAMES)

    assert at is not None
    assert at.rare is not None
    for point in at.rare.points:
        assert point.threshold == round(point.threshold, 6)
        assert point.recall.value == (scores[true == 1] >= point.threshold).mean() >= point.wanted
    assert at.rare.threshold is not None
    assert at.rare.recall_at_false_alarms.value == (scores[true == 1] >= at.rare.threshold).mean() == 1
    assert at.rare.false_alarms == (scores[true == 0] >= at.rare.threshold).mean() == 0


def test_without_a_threshold_that_few_others_reach_none_is_told() -> None:
    assert threshold_at_false_alarms(np.array([True, False, False]), np.ones(3)) is None


@pytest.mark.parametrize(
    ("mismatch", "before", "after"),
    [
        (1, "Hiding pairs with a `probability_toxic` of 0.50 or more hides 80 of", "belong, and 4 of 100 that do."),
        (
            None,
            "For few false alarms: from 0.50 on, 80 of 100",
            "are found, and 4 of 100 others (at most 5) are taken for it. Pass the one that suits to classify: ",
        ),
    ],
)
def test_what_a_threshold_hides_is_told_in_rows_of_100(mismatch: int | None, before: str, after: str) -> None:
    true = np.repeat([0, 1], (100, 20))
    toxic = np.where(np.arange(120) % 25 == 0, 1 - true, true)
    toxic[101:104] = 0
    at = figures_at_shares(true, np.eye(2)[toxic], [0.9, 0.1], NAMES, mismatch=mismatch)
    assert at is not None
    told = " ".join(at_shares_remarks(at, None, None if mismatch is None else NAMES[mismatch]))
    assert before in told
    assert after in told
    assert "hide none by this model" not in told


def test_of_pairs_hiding_that_finds_no_more_mismatches_than_chance_is_advised_against() -> None:
    toxic = np.where(np.arange(120) % 25 == 0, 1, 0) * np.repeat([1, 0], (100, 20))
    at = figures_at_shares(np.repeat([0, 1], (100, 20)), np.eye(2)[toxic], [0.9, 0.1], NAMES, mismatch=1)
    assert at is not None
    assert "That is no better than hiding pairs at random: hide none by this model." in " ".join(
        at_shares_remarks(at, None, NAMES[1])
    )
