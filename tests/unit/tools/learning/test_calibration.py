"""Temperature scaling and the threshold of what is sure do what their papers and docstrings say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.learning.calibration import LEAST_SURE, fit_temperature, softmax, sureness


def drawn_rows(temperature: float, rows: int = 4_000, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return logits that are too sure by `temperature`, and labels drawn from what they should say."""
    generator = np.random.default_rng(3)
    fair = generator.normal(size=(rows, k)) * 2
    labels = np.array([generator.choice(k, p=row) for row in softmax(fair)])
    return fair * temperature, labels


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_logits_too_sure_is_found_again(temperature: float) -> None:
    assert fit_temperature(*drawn_rows(temperature)) == pytest.approx(temperature, rel=0.1)


def test_a_few_right_answers_do_not_make_the_model_certain() -> None:
    logits = np.tile(np.eye(3) * 5, (10, 1))
    temperature = fit_temperature(logits, np.tile(np.arange(3), 10))
    assert softmax(logits / temperature).max() == pytest.approx(31 / 32, abs=0.001)  # Platt's target for 30 rows


def test_a_model_that_is_always_wrong_gets_the_flattest_probabilities() -> None:
    assert fit_temperature(np.tile(np.eye(3) * 5, (30, 1)), np.tile([1, 2, 0], 30)) == pytest.approx(20, rel=0.01)


def test_a_softmax_of_huge_logits_is_finite() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e6, 0.0], [-1e6, -1e6]])), [[1, 0], [0.5, 0.5]])


def two(confidence: np.ndarray) -> np.ndarray:
    """Return the probabilities of two labels where the first has these."""
    return np.stack([confidence, 1 - confidence], axis=1)


def test_where_95_of_100_answers_are_right_those_that_are_likely_enough_are_sure() -> None:
    found = sureness(two(np.linspace(0.99, 0.51, 100)), np.array([0] * 96 + [1] * 4))
    assert found.threshold == LEAST_SURE
    assert found.sure == pytest.approx(0.6, abs=0.01)
    assert found.right == 1
    assert found.by_label == ((60, 60), (0, 0))


def test_an_answer_that_is_not_likely_to_be_right_is_never_sure() -> None:
    found = sureness(np.tile([0.4, 0.3, 0.3], (50, 1)), np.zeros(50, int))  # always right, as it happens
    assert (found.sure, found.right, found.rows) == (0, None, 0)


def test_the_threshold_is_the_lowest_at_which_95_in_100_kept_answers_are_right() -> None:
    confidence = np.linspace(0.999, 0.75, 100)
    labels = np.zeros(100, int)
    labels[60:] = 1  # the forty least sure are wrong
    found = sureness(two(confidence), labels)
    assert (confidence >= found.threshold).sum() == 63  # 60 right of 63 is 95.2%, 60 of 64 is 93.8%
    assert found.sure == pytest.approx(0.63)
    assert found.right == pytest.approx(60 / 63)
    assert found.rows == pytest.approx(63)


def test_where_95_in_100_is_out_of_reach_the_best_threshold_that_keeps_twenty_is_taken() -> None:
    confidence = np.linspace(0.99, 0.75, 100)
    labels = (np.arange(100) + 1) % 2
    labels[:20] = [0] * 16 + [1] * 4
    assert (confidence >= sureness(two(confidence), labels).threshold).sum() == 20


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(2, 5))
def test_a_threshold_either_keeps_95_in_100_right_or_none_that_keeps_twenty_does(seed: int, rows: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    # Rounded: many equal probabilities, and none that differ by an error of floating point alone.
    probabilities = softmax(np.round(generator.normal(size=(rows, k)) * 3)).round(9)
    labels = np.where(generator.random(rows) < 0.8, probabilities.argmax(axis=1), generator.integers(0, k, rows))
    threshold = sureness(probabilities, labels).threshold
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert threshold >= LEAST_SURE
    if threshold == LEAST_SURE:
        return
    options = {value: right[confidence >= value] for value in [0.0, *confidence]}
    enough = {value for value, kept in options.items() if len(kept) >= min(20, rows) and kept.mean() >= 0.95}
    if enough:
        assert right[confidence >= threshold].mean() >= 0.95
        assert (confidence >= threshold).sum() == max(len(options[value]) for value in enough)


def test_at_other_shares_a_label_that_is_often_wrong_counts_for_its_share() -> None:
    labels = np.repeat([0, 1], 100)
    confidence = np.concatenate([np.full(100, 0.9), np.full(100, 0.8)])
    predicted = np.where((labels == 1) & (np.arange(200) % 2 == 0), 0, labels)  # half of label 1 is wrong
    probabilities = np.where(np.arange(2) == predicted[:, None], confidence[:, None], 1 - confidence[:, None])
    assert sureness(probabilities, labels).threshold == pytest.approx(0.89)  # between 0.8 and 0.9
    rare = sureness(probabilities, labels, (0.95, 0.05))
    assert rare.threshold == LEAST_SURE
    assert rare.right == pytest.approx(0.975)
    assert rare.rows == pytest.approx(100 / (0.95**2 + 0.05**2))  # of 200 rows that do not weigh alike
    assert sureness(probabilities, labels, (0.5, 0.5)).threshold == pytest.approx(0.89)


@pytest.mark.parametrize("seed", range(3))
def test_a_threshold_has_few_digits_and_is_sure_of_what_all_of_them_would_be(seed: int) -> None:
    generator = np.random.default_rng(seed)
    confidence = np.sort(0.5 + generator.random(300) / 2)
    labels = (generator.random(300) > confidence).astype(int)

    found = sureness(two(confidence), labels)

    kept = confidence >= found.threshold
    assert LEAST_SURE < found.threshold == round(found.threshold, 6)
    assert len(f"{found.threshold:g}") <= 6
    assert found.right == 1 - labels[kept].mean()
    assert confidence[kept].min() - found.threshold < 1e-2
