"""The form of texts: what is told to differ does, and what only looks like a habit is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from classwright_tools.curation.bare_text import bare_text
from classwright_tools.curation.greetings import begins_with_greeting
from classwright_tools.domain.example import Example, make_example
from classwright_tools.measurement.style import differences, form_clauses, forms_of, sentences, style_gaps


def rows_of(texts: Sequence[str], label: str | None = None) -> list[Example]:
    """Return rows of `texts`, of which some may be alike."""
    return [make_example(text, label) for text in texts]


def test_the_style_gap_reads_what_differs_and_what_does_not() -> None:
    written = ["Hello, I'd like to know when the parcel that I ordered last week will come to my house."] * 60
    real = ["where is my parcel??"] * 60

    gaps = {gap.measure: gap for gap in style_gaps(rows_of(written), rows_of(real))}

    assert gaps["share of long texts"].reading == (
        "100% of written texts have more than 4 words, against 0% of real ones: "
        "ask for fewer texts of more than 4 words."
    )
    assert gaps["share of questions"].reading == (
        "0% of written texts ask a question, against 100% of real ones: ask for more questions."
    )
    assert gaps["share of greetings"].reading.endswith("ask for fewer greetings.")
    assert gaps["share of lower-case starts"].real.value == 1
    assert gaps["share of exclamations"].reading == "About as many written texts as real ones have an exclamation mark."
    assert [gap.differs for gap in gaps.values()] == sorted((gap.differs for gap in gaps.values()), reverse=True)


def test_shares_that_lie_apart_are_not_called_about_as_many_though_it_may_be_chance() -> None:
    written = rows_of([f"Es ist {n}. Und gut." for n in range(18)] + [f"Es ist {n} und gut" for n in range(18, 96)])
    real = rows_of([f"Da war {n}. Und nun?" for n in range(101)] + [f"Da war {n} und dann?" for n in range(101, 300)])

    gaps = {gap.measure: gap for gap in style_gaps(written, real)}

    assert not gaps["share of several sentences"].differs
    assert gaps["share of several sentences"].reading == (
        "19% of written texts have several sentences, against 34% of real ones, which may be chance, or come of the "
        "labels' shares."
    )


@pytest.mark.parametrize("greeting", ["Guten Morgen ihr Lieben", "Buenos dias mundo", "Bonsoir à tous", "नमस्ते दोस्तों"])
def test_a_greeting_is_one_in_each_language_that_it_is_looked_for_in(greeting: str) -> None:
    plain = rows_of([f"son {n} km" for n in range(60)])
    gaps = {gap.measure: gap for gap in style_gaps(rows_of([greeting] * 60), plain, ("es", "de"))}

    assert gaps["share of greetings"].reading.endswith("ask for fewer greetings.")
    assert not [gap for gap in style_gaps(plain, plain, ("es", "fi")) if gap.measure == "share of greetings"]
    assert not begins_with_greeting("Hitze in Berlin")


def test_real_texts_that_are_both_shorter_and_longer_want_both() -> None:
    middling = [f"word{n} " + "so " * 19 for n in range(60)]
    mixed = [f"tiny {n}" for n in range(30)] + [f"long {n} " + "so " * (60 + n) for n in range(30)]

    advice = {gap.measure: gap.reading for gap in style_gaps(rows_of(middling), rows_of(mixed)) if gap.differs}

    assert advice["share of short texts"].endswith("ask for more texts of at most 2 words.")
    assert advice["share of long texts"].endswith("ask for more texts of more than 76 words.")


def test_a_label_that_is_more_frequent_among_real_rows_is_no_style() -> None:
    questions, answers = [f"is it number {n}?" for n in range(80)], [f"it is number {n}." for n in range(80)]
    written = [*rows_of(questions[:40], "ask"), *rows_of(answers[:40], "tell")]
    real = [*rows_of(questions[40:], "ask"), *rows_of(answers[40:45], "tell")]

    assert not [gap.reading for gap in style_gaps(written, real) if gap.differs]
    without_labels = [make_example(row.text, None) for row in real]
    assert [gap.measure for gap in style_gaps(written, without_labels) if gap.differs] == ["share of questions"]


def test_what_differs_in_one_label_alone_is_told_of_that_label() -> None:
    written = [*rows_of([f"is {n} here?" for n in range(40)], "a"), *rows_of([f"{n} is here" for n in range(40)], "b")]
    real = [
        *rows_of([f"is {n} here?" for n in range(40, 80)], "a"),
        *rows_of([f"{n} is here!" for n in range(40, 80)], "b"),
    ]

    told = [gap for gap in style_gaps(written, real) if gap.label]

    assert [(gap.label, gap.measure) for gap in told] == [("b", "share of exclamations")]
    assert told[0].reading == (
        "0% of written texts of 'b' have an exclamation mark, against 100% of real ones: ask for more exclamations."
    )


def test_texts_drawn_alike_hardly_ever_show_a_gap() -> None:
    generator = np.random.default_rng(0)
    kinds = ["is it here?", "it is here!", "no", "It is not here. It was here before, and I said so to all of them."]
    found = 0
    for _ in range(200):
        texts = [f"{kinds[kind]} {place}" for place, kind in enumerate(generator.integers(0, 4, 160))]
        found += any(gap.differs for gap in style_gaps(rows_of(texts[:80]), rows_of(texts[80:])))

    assert found <= 6


def test_a_handful_of_texts_shows_no_style_gap() -> None:
    gaps = style_gaps(rows_of(["Where is it?", "I wait.", "Hello."]), rows_of(["it is late", "Now?", "gone"]))

    assert not any(gap.differs for gap in gaps)
    assert all("ask for" not in gap.reading for gap in gaps)
    assert style_gaps([], rows_of(["text"])) == ()


def test_the_form_of_some_texts_is_told_beside_that_of_the_others() -> None:
    errors = [f"what is {n}?" for n in range(20)]
    others = [f"Please tell me about number {n}, which I wrote about in my last letter to you." for n in range(60)]

    told = form_clauses(forms_of(errors), forms_of(others))

    assert "100% ask a question (0% of the others)" in told
    assert form_clauses(forms_of(errors), forms_of(errors)) == form_clauses(forms_of([]), forms_of(others)) == ()


TYPED = ["I don't know whether the company's offer of $0.11 (over 5%) is good, and it's late."] * 60


@pytest.mark.parametrize(
    "exported",
    [
        "I do n't know whether the company 's offer of $ 0.11 ( over 5 % ) is good , and it 's late .",
        "I don't know whether the company's offer of $0.11 (over 5%) is good, and it's late. https://t.co/a.b?c=D!e",
        "RT @Anna_K: I don't know whether the company's offer of $0.11 (over 5%) is good, and it's late.",
        "I don’t know whether the company’s offer of $0.11 (over 5%) is good, and it’s late.",  # noqa: RUF001
    ],
    ids=["tokenised", "with a link", "with a handle", "typographic"],
)
def test_what_tokenisers_and_exports_put_into_a_text_is_no_style(exported: str) -> None:
    assert not [gap.reading for gap in style_gaps(rows_of(TYPED), rows_of([exported] * 60)) if gap.differs]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It cost $0.11 in the U.S. market, e.g. at Smith Inc. today.", 1),
        ("See www.shop.example/a.b and https://t.co/x.y for it.", 1),
        ("It broke. please help", 2),
        ("Really?! Yes... and no.", 3),
        ("1. Open the app", 1),
        ("Mr. Smith wrote at 5 p.m. on Jan. 5.", 1),
        ("\u9000\u6b3e\u4e86\u3002\u8c22\u8c22\uff01\u597d", 3),
    ],
)
def test_a_sentence_ends_where_a_reader_says_so(text: str, count: int) -> None:
    assert sentences(bare_text(text)) == count


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("The company's results and its owner's letter", "contractions"),
        ("The results , and the letter ...", "careless spelling"),
        ("Read https://u.example/im?i=thx now", "careless spelling"),
        ("The U.S. and part (i) of the law", "careless spelling"),
    ],
)
def test_what_only_looks_like_a_habit_of_typing_is_none(text: str, measure: str) -> None:
    gaps = {gap.measure: gap for gap in style_gaps(rows_of([text]), rows_of([text]))}

    assert gaps[f"share of {measure}"].real.value == 0


def test_words_are_not_counted_in_languages_that_put_no_spaces_between_them() -> None:
    few, many = (forms_of([f"\u6211\u7684\u5305\u88f9{stop}" * 8] * 40) for stop in ("", "\uff0c"))

    for languages, told in ((("zh-Hant",), False), (("de",), True)):
        assert any("words" in found.measure.clause for found in differences(few, many, languages)) == told


def test_habits_of_typing_english_are_not_looked_for_in_other_languages() -> None:
    german = rows_of(["Ich bin im Haus"] * 50)

    assert {gap.measure for gap in style_gaps(german, german, ("de",))}.isdisjoint(
        {"share of contractions", "share of careless spelling"}
    )
