"""Figures of rows that go together, the items of one query: their intervals are over queries."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.statistics.metrics import class_figures, share
from classwright_tools.statistics.paired import compare
from classwright_tools.statistics.share_interval import wilson
from support.figures import estimates, figures_of, rows_of, some_rows


def rows_of_queries(generator: np.random.Generator, queries: int, items: int = 12) -> tuple[np.ndarray, ...]:
    """Return the queries (n,), true labels (n,) of which 1 is rare, and probabilities (n, 2): queries differ much."""
    query = np.repeat(np.arange(queries), items)
    share, ease, offset = (
        generator.beta(1, 4, queries),
        generator.normal(0, 2, queries),
        generator.normal(0, 1.2, queries),
    )
    true = (generator.random(len(query)) < share[query]).astype(int)
    score = (1.5 + ease[query]) * (true - 0.5) + offset[query] + generator.normal(0, 1, len(query))
    positive = 1 / (1 + np.exp(-score))
    return query, true, np.stack([1 - positive, positive], axis=1)


def test_intervals_over_queries_cover_the_truth_that_those_over_rows_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classwright_tools.statistics.intervals.RESAMPLES", 400)
    generator = np.random.default_rng(11)
    _, true, proba = rows_of_queries(generator, 10_000)
    truth = {
        "accuracy": sklearn.metrics.accuracy_score(true, proba.argmax(axis=1)),
        "average_precision": sklearn.metrics.average_precision_score(true, proba[:, 1]),
        "macro_f1": sklearn.metrics.f1_score(true, proba.argmax(axis=1), average="macro"),
    }
    over_queries, over_rows = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0)
    for _ in range(60):
        query, true, proba = rows_of_queries(generator, 25)
        for covered, groups in ((over_queries, query), (over_rows, None)):
            figures = figures_of(true, proba, mismatch=1, groups=groups)
            for name, value in truth.items():
                found = getattr(figures, name)
                covered[name] += found.low <= value <= found.high

    assert min(over_queries.values()) / 60 >= 0.88
    assert max(over_rows.values()) / 60 < 0.8


@settings(max_examples=30, deadline=None)
@given(some_rows)
def test_queries_of_one_row_each_are_rows(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows
    queries, labels = np.arange(len(true))[::-1], [str(i) for i in range(proba.shape[1])]
    predicted = proba.argmax(axis=1)

    assert figures_of(true, proba, mismatch=0, groups=queries) == figures_of(true, proba, mismatch=0)
    assert class_figures(true, predicted, labels, queries) == class_figures(true, predicted, labels)
    one, other = (compare(true, proba, np.roll(proba, 1, axis=0), "m1", 0, 0, over) for over in (queries, None))
    assert one.p == pytest.approx(other.p)
    assert one.macro_f1_gain == other.macro_f1_gain


@settings(max_examples=30, deadline=None)
@given(some_rows, st.integers(1, 6), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_rows_nor_the_names_of_queries_change_a_figure(
    rows: tuple[np.ndarray, np.ndarray], queries: int, random: object
) -> None:
    true, proba = rows
    query, order = np.arange(len(true)) % queries, np.arange(len(true))
    random.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
    found = figures_of(true, proba, mismatch=0, groups=query)

    assert figures_of(true[order], proba[order], mismatch=0, groups=(9 - query)[order]) == found
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in estimates(found))


def test_of_one_query_nothing_is_concluded_about_others() -> None:
    true, proba = rows_of(seed=9, n=40, k=2)
    one = np.zeros(40, int)

    figures, comparison = figures_of(true, proba, groups=one), compare(true, proba, 1 - proba, "m1", groups=one)

    assert (figures.accuracy.low, figures.accuracy.high) == (0, 1)
    assert (figures.mcc.low, figures.mcc.high) == (-1, 1)
    assert (comparison.accuracy_gain.low, comparison.accuracy_gain.high) == (-1, 1)
    assert (comparison.p, comparison.significant) == (1, False)


def test_rows_that_are_all_right_count_as_many_times_as_they_have_queries() -> None:
    assert share(np.ones(30, bool), np.arange(30) % 5) == wilson(5, 5)
