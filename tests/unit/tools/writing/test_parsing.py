"""What is kept of a language model's answer, however broken."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.curation.text_checks import debris
from classwright_tools.writing.completions.parsing import answer as parsing
from classwright_tools.writing.completions.parsing.answer import parse_answer

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
        ('{"items": "a, b"}', [], [parsing.NO_LIST]),
        ('{"items": {"a": 1}}', [], [parsing.NO_LIST]),
        ('{"items": ["a", "b"}', ["a", "b"], [parsing.BROKEN]),
        ('{"items": ["a", "b said "no" to c", "d"]}', ["a"], [parsing.BROKEN]),
        ('{"examples": ["a"], "messages": ["b"]}', [], [parsing.SEVERAL_LISTS]),
        ('{"reasoning": ["first", "second"]}', [], [parsing.NO_LIST]),
        ('{"reasoning": ["first", "second"], "items": []}', [], [parsing.NO_ITEMS]),
        ("<think>so be it</think>", [], [parsing.ONLY_THOUGHTS]),
        ("The weather is fine.", [], [parsing.NO_LIST]),
        ("", [], [parsing.NO_ANSWER]),
        ("I can't help with that request.", [], [parsing.REFUSED]),
        ("I'm sorry, but I cannot assist with this.", [], [parsing.REFUSED]),
        ("As an AI language model, I do not write that.", [], [parsing.REFUSED]),
        ('{"items": ["I cannot help with that."]}', [], [parsing.REFUSED]),
        ('{"items": ["I\'m sorry, but I\'m not able to assist with your request."]}', [], [parsing.REFUSED]),
        ('{"items": ["I\'m sorry, but I can\'t help with that request."]}', [], [parsing.REFUSED]),
        ('{"items": ["I cannot help with this request."]}', [], [parsing.REFUSED]),
        ('{"items": ["I\'m sorry. I can\'t help with that."]}', [], [parsing.REFUSED]),
        ('{"items": ["Sorry - I can\'t assist with that."]}', [], [parsing.REFUSED]),
        ('{"items": ["I\'m unable to provide that."]}', [], [parsing.REFUSED]),
        ('{"items": ["Sorry, but I can\'t help with writing that."]}', [], [parsing.REFUSED]),
        ('{"items": ["I can\'t provide help with this."]}', [], [parsing.REFUSED]),
        ("[" * 100_000, [], [parsing.CUT_OFF]),
    ],
)
def test_the_good_items_of_an_answer_are_kept(answer: str, items: list[str], lost: list[str]) -> None:
    parsed = parse_answer(answer, "stop")

    assert list(parsed.items) == items
    assert list(parsed.lost) == lost


@pytest.mark.parametrize(
    "text",
    [
        "I can't log in, help!",
        "I can't create a new account, it says my email is taken",
        "I am not able to provide a receipt because the shop burnt down",
        "Unfortunately I cannot provide the IBAN right now, can I send it later?",
        "I'm unable to write to my account manager, the form is broken",
        "I can't help but love this phone",
        "I'm unable to provide that document, the shop burnt down",
    ],
)
def test_a_customer_who_cannot_do_something_is_no_refusal(text: str) -> None:
    assert parse_answer(json.dumps({"items": [text]}), "stop") == ((text,), (), False)
    assert not list(debris(text))


def test_an_answer_that_reached_its_token_limit_keeps_what_was_complete() -> None:
    parsed = parse_answer('{"items": ["a", "b", "half of', "length")

    assert parsed == (("a", "b"), (parsing.TOKEN_LIMIT,), False)


def test_the_last_entry_of_a_numbered_list_that_was_cut_off_is_left_out() -> None:
    assert parse_answer("1. a\n2. half of", "length").items == ("a",)


@pytest.mark.timeout(60)
def test_an_answer_of_blanks_is_read_in_time_that_grows_with_its_length() -> None:
    """Two megabytes take a moment; looked through again from each blank on, they would take hours."""
    assert parse_answer("- one" + " " * 2_000_000 + "two").items == ("one" + " " * 2_000_000 + "two",)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "part",
    [
        *(
            "[",
            '{"a": ',
            "['x </think>",
            "[\u201c </think>",
            '["x',
            "[/*",
            "{'a'",
            '{"items": ["a"]}, ',
            "['a']; ",
            '"a"\n',
        ),
        *("<think>", "</think>", "analysis ", "<|channel|>final<|message|>", "1. ", "\n1.\n", "- a\n\n", "a:\n\n- "),
    ],
)
def test_an_answer_of_one_thing_over_and_over_is_read_in_time_that_grows_with_its_length(part: str) -> None:
    parsed = parse_answer(part * (100_000 // len(part)), "stop")

    assert parsed.items or parsed.lost


def test_a_content_filter_is_named() -> None:
    assert parse_answer("", "content_filter").lost == (parsing.FILTERED,)


DRAFTS = 'Perhaps ["a draft", "another draft"], or {"items": ["a third one"]}.\n1. And\n2. so\n'
ANSWER = '{"items": ["a", "b"]}'


@pytest.mark.parametrize(
    "answer",
    [
        f"<thinking>{DRAFTS}</thinking>\n{ANSWER}",
        f"<think>hm</think>\n<think>{DRAFTS}</think>\n{ANSWER}",
        f"<think>{DRAFTS}<think>{DRAFTS}</think>{DRAFTS}</think>{ANSWER}",
        f"<seed:think>{DRAFTS}</seed:think>{ANSWER}",
        f"<Reasoning level='2'>{DRAFTS}</Reasoning>{ANSWER}",
        f"<scratchpad>{DRAFTS}</scratchpad><answer>{ANSWER}</answer>",
        f"[THINK]{DRAFTS}[/THINK]{ANSWER}",
        f"\u25c1think\u25b7{DRAFTS}\u25c1/think\u25b7{ANSWER}",
        f"<|START_THINKING|>{DRAFTS}<|END_THINKING|>{ANSWER}",
        f"{DRAFTS}[/THINK]{ANSWER}",
        f'I would say ["half of a draft and\n</think>\n{ANSWER}',
        f"Sure!\n<think>{DRAFTS}</think>\n```json\n{ANSWER}\n```",
        f"<think>{DRAFTS}</think>\n1. a\n2. b",
        f"{ANSWER}\n<think>{DRAFTS}",
        f"<|channel|>analysis<|message|>{DRAFTS}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>",
        f"analysis<|message|>{DRAFTS}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{ANSWER}",
        f"analysis{DRAFTS}assistantfinal{ANSWER}",
        f"Thinking...\n{DRAFTS}\n...done thinking.\n\n1. a\n2. b",
        f"analysis{DRAFTS}assistantcommentary{DRAFTS}assistantfinal{ANSWER}",
        '{"reasoning": ["a draft", "another draft"], "items": ["a", "b"]}',
        '{"languages": ["en"], "notes": [], "items": ["a", "b"], "steps": ["a draft"]}',
        '{"thought": {"items": ["a draft"]}, "items": ["a", "b"]}',
        '{"items": [{"thought": "a draft", "query": "a"}, {"thought": "a draft", "query": "b"}]}',
        'My first try:\n{"items": ["a draft"]}\nBetter:\n{"items": ["a", "b"]}',
        "Plan:\n1. a draft\n2. another\n\nMessages:\n1. a\n2. b",
        "I keep in mind:\n- a draft\n- another\n\n1. a\n2. b",
    ],
)
def test_what_a_model_thinks_is_none_of_its_items(answer: str) -> None:
    assert list(parse_answer(answer, "stop").items) == ["a", "b"]


def test_thoughts_inside_an_item_are_no_part_of_its_text() -> None:
    items = ["<think>a draft</think>\n<think>or</think> one", "two", "[THINK]a draft[/THINK]"]

    assert parse_answer(json.dumps({"items": items}), "stop") == (("one", "two"), (parsing.EMPTY_ITEM,), False)


@pytest.mark.parametrize(
    "answer",
    [
        "<think>Okay, perhaps",
        f"[THINK]{DRAFTS}",
        f"<|channel|>analysis<|message|>{DRAFTS}",
        f"analysisI think. {DRAFTS}",
    ],
)
def test_a_model_that_thinks_until_its_token_limit_is_told_so(answer: str) -> None:
    assert parse_answer(answer, "length") == ((), (parsing.THINKING_LIMIT,), True)
    assert parse_answer("", "length", thought=True) == ((), (parsing.THINKING_LIMIT,), True)


@pytest.mark.parametrize("mark", ["</think>", "[/THINK]", "assistantfinal", "<|channel|>"])
def test_a_mark_of_thinking_inside_a_text_is_part_of_the_text(mark: str) -> None:
    text = f"My screen shows {mark} and stops"

    assert parse_answer(json.dumps({"items": [text, mark]}), "stop").items == (text, mark)
    assert parse_answer(f"Sure: {json.dumps([text, 'b'])}", "stop").items == (text, "b")


def test_a_text_in_parts_keeps_its_head() -> None:
    letter = {"subject": "Broken lamp", "body": "It came in pieces.", "label": "refund"}

    assert parse_answer(json.dumps({"items": [letter]})).items == ("Broken lamp\n\nIt came in pieces.",)


def test_a_list_that_a_text_quotes_is_no_list_of_items() -> None:
    assert parse_answer(json.dumps({"remark of mine": 'no, but ["a draft"]', "mood": 'and ["b"]'})).items == ()


TEXTS_OF_A_SHOP = ["I can't log in", 'She said "no" to me', "C:\\new \u00e9\U0001f600", "one\ntwo"]


@pytest.mark.parametrize(
    "written",
    [
        repr,
        lambda texts: repr({"items": tuple(texts)}),
        lambda texts: json.dumps({"response": {"items": texts}}),
        lambda texts: json.dumps([{"items": texts}]),
        lambda texts: json.dumps({"items": [texts]}),
        lambda texts: json.dumps({"items": dict(enumerate(texts))}),
        lambda texts: json.dumps({f"item{i}": text for i, text in enumerate(texts)}),
        lambda texts: json.dumps({f"Text {i}": {"text": text} for i, text in enumerate(texts)}),
        lambda texts: json.dumps({"items": json.dumps(texts)}),
        lambda texts: json.dumps(json.dumps({"items": texts})),
        lambda texts: json.dumps({"response": json.dumps({"items": texts})}),
        lambda texts: "\n".join(json.dumps({"text": text}) for text in texts),
        lambda texts: "```json\n" + "\n```\n```json\n".join(json.dumps([text]) for text in texts) + "\n```",
        lambda texts: "\n".join(f"{i}. {json.dumps({'text': text})}" for i, text in enumerate(texts)),
        lambda texts: ",\n".join(map(json.dumps, texts)),
        lambda texts: "[ // the first\n" + ", /* next */\n".join(map(json.dumps, texts)) + ",\n# done\n]",
        lambda texts: "{items: [" + ", ".join(map(json.dumps, texts)) + "]}",
    ],
)
def test_a_list_in_another_notation_is_read(written: Callable[[list[str]], str]) -> None:
    assert list(parse_answer(written(TEXTS_OF_A_SHOP), "stop").items) == TEXTS_OF_A_SHOP


def test_quotes_of_books_and_apostrophes_that_nobody_escaped_are_read() -> None:
    assert parse_answer("{\u201citems\u201d: [\u201cit's a\u201d, \u201cb\u201d]}").items == ("it's a", "b")
    assert parse_answer("['it's a', 'b']").items == ("it's a", "b")


LETTERS = ["Subject: Broken lamp\n\nHello,\nthe lamp is broken.", "Subject: Bowl\n\nThe bowl:\n- has a crack\n- is wet"]


@pytest.mark.parametrize("mark", ["{}. ", "{}) ", "**{}.** ", "{}.\n"])
@pytest.mark.parametrize("end", ["", "\n\nLet me know if you need more examples!"])
def test_an_entry_of_several_paragraphs_lasts_to_the_next_number(mark: str, end: str) -> None:
    answer = "\n\n".join(mark.format(i) + letter for i, letter in enumerate(LETTERS, 1)) + "\n\n" + end

    assert list(parse_answer(answer, "stop").items) == LETTERS


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        ("1. a\n2. b\n3. c\n\nThey vary in length.", ["a", "b", "c"]),
        ("Email:\n1. a\n2. b\n\nChat:\n1. c\n2. d", ["a", "b", "c", "d"]),
        ("## Email\n- a\n  more of a\n- b\n\n**Chat**\n- c", ["a\nmore of a", "b", "c"]),
        ("1. I paid\n40. euros, I think\n2. b", ["I paid\n40. euros, I think", "b"]),
        ("1. a\n1. b\n1. c", ["a", "b", "c"]),
        ("1. The box [] is empty\n2. b", ["The box [] is empty", "b"]),
        ("- a\n1. x\n2. y\n- b", ["a\n1. x\n2. y", "b"]),
        ("9. a\n\n---\n\n10. b", ["a", "b"]),
    ],
)
def test_where_an_entry_of_a_list_ends(answer: str, items: list[str]) -> None:
    assert list(parse_answer(answer, "stop").items) == items


def test_a_list_whose_numbers_go_back_is_not_cut_at_random() -> None:
    parsed = parse_answer("1. It broke.\n\nWhat I did:\n1. plugged it in\n2. waited\n\n2. The bowl leaks.", "stop")

    assert parsed == ((), (parsing.UNCLEAR_LIST,), False)


def test_the_last_entry_that_a_filter_stopped_is_left_out() -> None:
    assert parse_answer("1. a\n2. half of", "content_filter") == (("a",), (parsing.FILTERED,), False)


@pytest.mark.parametrize(
    ("answer", "exhausted"),
    [
        ('{"items": ["', False),
        ('{"items": ["one", "two", "thr', False),
        ('{"items": ["one", "two"]', False),
        ('{"items": ["one", "two"]} and now', True),
        ('{"items": ["one", "two", "one", "', True),
        ('{"items": ["one" two "three', True),
    ],
)
def test_an_answer_is_exhausted_once_it_is_closed_repeats_itself_or_cannot_be_read_on(
    answer: str, exhausted: bool
) -> None:
    assert parsing.is_exhausted(answer) is exhausted


def test_the_items_that_show_the_form_of_an_answer_are_no_texts() -> None:
    parsed = parse_answer('{"items": ["first", "second", "the first card never came"]}', "stop")

    assert parsed.items == ("the first card never came",)
    assert parsed.lost == (parsing.FORM_COPIED,)
