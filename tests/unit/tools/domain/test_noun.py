"""Nouns: what every value has in common."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from classwright_tools.domain.noun import Noun

THREADS = 8


class Inner(Noun):
    number: int


class Outer(Noun):
    inner: Inner


def test_a_noun_is_built_when_it_is_first_used_and_by_several_threads_at_once() -> None:
    assert not Outer.__pydantic_complete__
    together = Barrier(THREADS)

    def made(number: int) -> Outer:
        together.wait()
        return Outer.model_validate({"inner": {"number": number}})

    with ThreadPoolExecutor(THREADS) as threads:
        assert [outer.inner.number for outer in threads.map(made, range(THREADS))] == list(range(THREADS))
    assert Outer.__pydantic_complete__
