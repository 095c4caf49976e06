"""The alarm's tests: exact where nothing differs, and raised at the stated level however many files are compared."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, fisher_exact

from classwright_tools.domain.usual import Usual
from classwright_tools.measurement.unlike_measured import LEAST_TEXTS, LEVEL, Answered, alarm_in_words, alarms
from classwright_tools.statistics.departures import more_out_of_scope, other_shares
from classwright_tools.statistics.exact_tests import fisher_greater


@pytest.mark.parametrize(("found", "n"), [(0, 30), (3, 30), (30, 30), (80, 1_000)])
def test_a_share_below_the_limit_of_held_out_rows_has_the_p_of_the_predictive_distribution(found: int, n: int) -> None:
    expected = betabinom.sf(found - 1, n, 7, 150 + 1 - 7)
    assert more_out_of_scope(found, n, 7, 150) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("found", "n"), [(0, 30), (9, 30), (30, 30)])
def test_a_kind_that_is_more_frequent_has_the_p_of_fishers_one_sided_test(found: int, n: int) -> None:
    expected = fisher_exact([[found, n - found], [12, 138]], alternative="greater").pvalue
    assert fisher_greater(found, n, 12, 150) == pytest.approx(expected, rel=1e-9)


def test_labels_of_other_shares_are_told_and_those_of_the_same_are_so_as_rarely_as_they_should() -> None:
    random = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    same = [other_shares(random.multinomial(60, shares), random.multinomial(100, shares), seed) for seed in range(300)]
    assert np.mean(np.array(same) <= 0.05) <= 0.09
    assert other_shares(np.array([10, 30, 15, 5]), np.array([50, 30, 15, 5])) < 0.001
    assert other_shares(np.array([0, 0]), np.array([5, 5])) == 1.0


def test_sources_that_are_alike_raise_no_alarm_more_often_than_stated_however_many_they_are() -> None:
    random = np.random.default_rng(1)
    raised = 0
    for _ in range(300):
        held_out, files = random.random(150), random.random((12, 200))
        limit = np.sort(held_out)[6]
        usual = Usual(flagged=(7, 150), unsure=(int((held_out < 0.2).sum()), 150))
        found = {
            str(number): Answered(200, int((own < limit).sum()), int((own < 0.2).sum()), {})
            for number, own in enumerate(files)
        }
        raised += bool(alarms(usual, found))
    assert raised / 300 <= LEVEL + 0.01


def test_a_file_says_all_that_differs_and_one_of_few_texts_says_nothing() -> None:
    usual = Usual(flagged=(7, 150), unsure=(9, 150), sure_by_label={"a": 100, "b": 41})
    found = Answered(250, 78, 90, {"a": 60, "b": 100})
    few = Answered(LEAST_TEXTS - 1, LEAST_TEXTS - 1, LEAST_TEXTS - 1, {})
    raised = alarms(usual, {"10.csv": found, "few.csv": few})
    assert list(raised) == ["10.csv"]
    assert raised["10.csv"].foreign
    said = alarm_in_words("'10.csv' is", raised["10.csv"])
    assert "31% of 250 texts out of scope where 5% is usual" in said
    assert "not sure of 36% of 250 texts where 6% is usual" in said
    assert "'a' is 38% of the sure answers where 71% is usual" in said
    assert not alarms(Usual(), {"10.csv": found}), "of a model that no real rows measured nothing is usual"
