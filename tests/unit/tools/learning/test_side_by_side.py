"""Fits side by side: the same as one after the other, and stopped when the caller is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from classwright_tools.errors import Cancelled
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.side_by_side import side_by_side


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_fits_are_those_of_one_after_the_other_to_the_bit(threads: int) -> None:
    generator = np.random.default_rng(0)
    rows, labels = generator.normal(size=(90, 12)), np.arange(90) % 4
    penalties = (0.3, 1.0, 3.0, 10.0, 30.0)
    told: list[float] = []

    made = side_by_side(lambda c: fit_head(rows, labels, 4, c=c).weights, penalties, told.append)

    for c, weights in zip(penalties, made, strict=True):
        assert (weights == fit_head(rows, labels, 4, c=c).weights).all()
    assert told == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_each_fit_is_on_one_thread_of_every_library(threads: int) -> None:
    made = side_by_side(lambda _: {one["num_threads"] for one in threadpool_info()}, range(6), lambda _: None)

    assert made == [{1}] * 6


def test_a_fit_by_itself_is_on_one_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    fit = LogisticRegression.fit

    def noting(self: LogisticRegression, *rows: object) -> object:
        seen.append({one["num_threads"] for one in threadpool_info()})
        return fit(self, *rows)

    monkeypatch.setattr(LogisticRegression, "fit", noting)
    with threadpool_limits(2):
        fit_head(np.eye(4, dtype=np.float32), np.arange(4) % 2, 2)

    assert seen == [{1}]


def test_of_nothing_nothing_is_made(threads: int) -> None:
    assert side_by_side(lambda number: 1 / number, [], lambda _: None) == []


def test_a_caller_who_asks_to_stop_gets_no_further_fits(threads: int) -> None:
    begun: list[int] = []
    never = threading.Event()

    def fit(number: int) -> None:
        begun.append(number)
        never.wait(0.1)  # a fit takes a while

    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        side_by_side(fit, range(1_000), stop)

    assert len(begun) < 1_000


def test_what_fails_in_a_fit_fails_for_the_caller(threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 / number, [2, 1, 0, 1], lambda _: None)
