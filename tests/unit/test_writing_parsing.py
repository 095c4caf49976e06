"""What is kept of a language model's answer, however broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.writing import parsing
from classwright_tools.writing.parsing import parse_answer

# Everything that JSON treats in a way of its own is drawn often; lone surrogates are no text.
TEXTS = st.one_of(
    st.text(
        alphabet=st.one_of(st.sampled_from('{}[]",:\\`1. -\n\u2028\x00'), st.characters(exclude_categories=["Cs"]))
    ),
    st.sampled_from(["<think>", "</think>", "```", '{"items": ["no"]}', "1. one\n2. two"]),
)


def usable(texts: list[str]) -> list[str]:
    """The texts that any answer could give back: not blank, each once."""
    return [text for text in dict.fromkeys(texts) if text.strip()]


@given(texts=st.lists(TEXTS), data=st.data(), ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
@settings(max_examples=500, deadline=None)
def test_every_truncation_of_a_list_gives_its_first_items(
    texts: list[str], data: st.DataObject, ascii_only: bool, indent: int | None
) -> None:
    whole = json.dumps({"items": texts}, ensure_ascii=ascii_only, indent=indent)
    cut = data.draw(st.integers(0, len(whole)))

    items = parse_answer(whole[:cut], "length").items

    assert list(items) == usable(texts)[: len(items)]


@given(texts=st.lists(TEXTS), fenced=st.booleans(), bare=st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_whole_list_gives_every_item_once(texts: list[str], fenced: bool, bare: bool) -> None:
    answer = json.dumps(texts if bare else {"items": texts})
    if fenced:
        answer = f"```json\n{answer}\n```"

    assert list(parse_answer(answer, "stop").items) == usable(texts)


@given(
    answer=st.one_of(st.text(), st.text(alphabet='{}[]",:\\ne1- ')),
    finish=st.sampled_from([None, "stop", "length", "content_filter"]),
)
@settings(max_examples=1000, deadline=None)
def test_no_answer_whatever_makes_the_parser_fail(answer: str, finish: str | None) -> None:
    parsed = parse_answer(answer, finish)

    assert parsed.items or parsed.lost
    for item in parsed.items:
        item.encode()


@pytest.mark.parametrize(
    ("answer", "items", "lost"),
    [
        ('{"items": ["a", "b"]}', ["a", "b"], []),
        ('Sure! Here are 2 [short] texts:\n{"items": ["a", "b"]}\nEnjoy.', ["a", "b"], []),
        ('Of course:\n```json\n["a", "b"]\n```', ["a", "b"], []),
        ('<think>{"items": ["no"]} perhaps</think>{"items": ["a"]}', ["a"], []),
        ('so: ["no"]? Hm.\n</think>\n\n{"items": ["a"]}', ["a"], []),
        ('{"note": "two texts", "texts": ["a", "b"]}', ["a", "b"], []),
        ('{"items": [{"text": "a", "label": "x"}, {"text": "b"}]}', ["a", "b"], []),
        ('{"items": ["a", 3, null, ["b"], "c"]}', ["a", "c"], [parsing.NOT_TEXT]),
        ('{"items": ["a", "", "a", "b"]}', ["a", "b"], [parsing.EMPTY_ITEM, parsing.REPEATED]),
        ('{"items": ["a", "\\ud800", "b"]}', ["a", "b"], [parsing.NOT_TEXT]),
        ('{"items": ["line\nbreak"]}', ["line\nbreak"], []),
        ('{"items": ["a", "b"', ["a", "b"], [parsing.CUT_OFF]),
        ('{"items": ["a", "b', ["a"], [parsing.CUT_OFF]),
        ("1. a\n2) \u201cb\u201d\n3. 'c'", ["a", "b", "c"], []),
        ("Here you go:\n- a\n* b", ["a", "b"], []),
        ('{"items": []}', [], [parsing.NO_ITEMS]),
        ('{"items": "a, b"}', [], [parsing.NO_ITEMS]),
        ("The weather is fine.", [], [parsing.NO_LIST]),
        ("", [], [parsing.NO_ANSWER]),
        ("I can't help with that request.", [], [parsing.REFUSED]),
        ("I'm sorry, but I cannot assist with this.", [], [parsing.REFUSED]),
        ("As an AI language model, I do not write that.", [], [parsing.REFUSED]),
        ('{"items": ["I cannot help with that."]}', [], [parsing.REFUSED]),
        ("[" * 100_000, [], [parsing.CUT_OFF]),
    ],
)
def test_the_good_items_of_an_answer_are_kept(answer: str, items: list[str], lost: list[str]) -> None:
    parsed = parse_answer(answer, "stop")

    assert list(parsed.items) == items
    assert list(parsed.lost) == lost


def test_a_customer_who_cannot_do_something_is_no_refusal() -> None:
    answer = json.dumps({"items": ["I can't log in to my account.", "sorry, I can't find the help page"]})

    assert len(parse_answer(answer, "stop").items) == 2
    assert parse_answer('{"items": ["I can\'t log in, help!"]}').items == ("I can't log in, help!",)


def test_an_answer_that_reached_its_token_limit_keeps_what_was_complete() -> None:
    parsed = parse_answer('{"items": ["a", "b", "half of', "length")

    assert parsed == (("a", "b"), (parsing.TOKEN_LIMIT,))


def test_the_last_entry_of_a_numbered_list_that_was_cut_off_is_left_out() -> None:
    assert parse_answer("1. a\n2. half of", "length").items == ("a",)


@pytest.mark.timeout(60)
def test_an_answer_of_blanks_is_read_in_time_that_grows_with_its_length() -> None:
    """Two megabytes take a moment; looked through again from each blank on, they would take hours."""
    assert parse_answer("- one" + " " * 2_000_000 + "two").items == ("one" + " " * 2_000_000 + "two",)


def test_a_content_filter_is_named() -> None:
    assert parse_answer("", "content_filter").lost == (parsing.FILTERED,)
