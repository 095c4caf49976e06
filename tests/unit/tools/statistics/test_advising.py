"""Advice from evidence: three answers, what was seen elsewhere, and how many rows would tell."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.domain.advice import Advice, rows_to_tell
from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.advising import DifferencePrior, advise, posterior
from classwright_tools.statistics.resampled import UNKNOWN_ERROR, Difference

NOTHING_KNOWN = DifferencePrior(0.0, 1.0)
LEAST = 0.01


def advised(measured: Difference, prior: DifferencePrior) -> Advice:
    return advise(measured, posterior(measured, prior), 50, LEAST)


def difference(value: float, error: float) -> Difference:
    return Difference(Estimate(value=value, low=value - 2 * error, high=value + 2 * error), error)


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (0.04, 0.01, "use it"),
        (0.005, 0.001, "do not use it"),  # surely a gain, and surely not worth it
        (-0.04, 0.01, "do not use it"),
        (0.04, 0.06, "cannot be told"),
        (0.0, 0.02, "cannot be told"),
    ],
)
def test_the_verdict_follows_the_evidence_where_nothing_is_known_beforehand(
    value: float, error: float, verdict: str
) -> None:
    assert advised(difference(value, error), NOTHING_KNOWN).verdict == verdict


def test_what_was_seen_elsewhere_decides_where_the_rows_tell_nothing() -> None:
    nothing = difference(0.0, UNKNOWN_ERROR)
    assert advised(nothing, DifferencePrior(0.04, 0.02)).verdict == "use it"
    assert advised(nothing, DifferencePrior(0.0, 0.005)).verdict == "do not use it"
    assert advised(nothing, DifferencePrior(0.01, 0.03)).verdict == "cannot be told"


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.2), st.floats(-0.1, 0.1), st.floats(0.001, 0.2))
def test_what_is_expected_lies_between_the_measured_and_the_known_and_is_surer_than_both(
    value: float, error: float, mean: float, deviation: float
) -> None:
    found = posterior(difference(value, error), DifferencePrior(mean, deviation))
    assert min(value, mean) - 1e-9 <= found.value <= max(value, mean) + 1e-9
    assert found.parts[0].deviation <= min(error, deviation) + 1e-12


def test_a_loss_that_is_unlike_what_was_seen_elsewhere_is_believed() -> None:
    loss = difference(-0.14, 0.05)
    assert advised(loss, DifferencePrior(0.045, 0.03)).verdict == "cannot be told"
    assert advised(loss, DifferencePrior(0.045, 0.03, doubt=0.1)).verdict == "do not use it"
    assert advised(difference(0.02, 0.05), DifferencePrior(0.045, 0.03, doubt=0.1)).verdict == "use it"
    assert sum(part.weight for part in posterior(loss, DifferencePrior(0.045, 0.03, doubt=0.1)).parts) == pytest.approx(
        1
    )


@given(st.floats(0.005, 0.2), st.floats(0.001, 0.2), st.integers(10, 2_000))
def test_as_many_rows_as_would_tell_do_tell_an_effect_of_that_size(effect: float, error: float, rows: int) -> None:
    enough = rows_to_tell(rows, effect, error)
    assert enough is not None
    assert effect >= 2.8 * error * sqrt(rows / enough) * (1 - 1e-9)
    assert enough <= 1.1 * rows * (2.8 * error / effect) ** 2 + 1  # two digits, rounded up


def test_advice_that_cannot_be_told_says_how_many_rows_would_tell() -> None:
    advice = advised(difference(0.03, 0.04), NOTHING_KNOWN)
    assert (advice.verdict, advice.rows) == ("cannot be told", 50)
    assert advice.rows_to_tell == pytest.approx(50 * (2.8 * 0.04 / 0.03) ** 2, rel=0.1)
