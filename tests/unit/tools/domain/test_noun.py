"""Nouns: what every value has in common."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pydantic import TypeAdapter, ValidationError

from classwright_tools.domain.noun import Noun, PersonName, SaidBy

THREADS = 8
NAMES = ("Ann", "Zoë M.", "प्रिया", "มานี", "O. ß-3_")


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


@pytest.mark.parametrize("name", NAMES)
def test_who_gives_a_name_on_the_page_can_sign_by_it_in_a_call(name: str) -> None:
    assert TypeAdapter(PersonName).validate_python(name) == name
    assert TypeAdapter(SaidBy).validate_python(f"person: {name}") == f"person: {name}"


@pytest.mark.parametrize("said", ["Ann", "person: ", "person: <b>", "person:Ann", "model: Ann", "person: Ann\n"])
def test_who_is_no_person_by_a_plain_name_is_told_how_one_is_written(said: str) -> None:
    with pytest.raises(ValidationError, match="a person by a plain name, as 'person: Ann'"):
        TypeAdapter(SaidBy).validate_python(said)
