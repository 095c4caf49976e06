"""Answers of models in every wrapping: no thought becomes an item, and no text that was asked for is lost."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classwright_tools.writing.completions.parsing.answer import parse_answer
from support.fuzz.completions import DRAFT, WrappedTexts, answers
from support.fuzz.limits import CALLS


@given(answer=answers())
@settings(max_examples=CALLS, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(3600)
def test_the_texts_of_an_answer_are_its_items_and_its_thoughts_are_not(answer: WrappedTexts) -> None:
    items = list(parse_answer(answer.content, "stop").items)

    assert not [item for item in items if DRAFT in item]
    assert items == answer.texts


@given(answer=answers(headless=False), part=st.floats(0, 1))
@settings(max_examples=CALLS, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(3600)
def test_an_answer_that_was_cut_off_gives_whole_texts_and_no_thoughts(answer: WrappedTexts, part: float) -> None:
    cut = answer.content[: int(part * len(answer.content))]

    items = list(parse_answer(cut, "length").items)

    assert set(items) <= set(answer.texts)
