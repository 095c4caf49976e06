"""Exact and near-duplicates of short texts: what counts as one, and that none is missed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.curation import duplicates
from classwright_tools.curation.bulk_duplicates import WINDOW, BulkDuplicates, Repeat
from classwright_tools.curation.duplicates import NearDuplicates
from classwright_tools.curation.shingles import (
    NEAR_DUPLICATE,
    folded,
    gram_length,
    grams_of,
    jaccard,
    minhashes,
    ngram_set,
)
from classwright_tools.curation.shingles import similarity as compared

SENTENCE = (
    "my card was lost stolen please help the a transfer refund order has not arrived yet where is it money account "
    "payment pending declined shop yesterday cancel send new old phone number when how can you"
)
WORDS = SENTENCE.split()
ALL = np.ones((1, 1), dtype=bool)


def similarity(one: str, other: str) -> float:
    return jaccard(ngram_set(folded(one)), ngram_set(folded(other)))


def noisy_texts(rows: int, seed: int = 0) -> list[str]:
    """Return texts of random words, of which a third are earlier ones with one or two characters changed."""
    rng = random.Random(seed)
    texts: list[str] = []
    for _ in range(rows):
        if texts and rng.random() < 0.33:
            characters = list(rng.choice(texts))
            for _ in range(rng.randint(1, 2)):
                characters[rng.randrange(len(characters))] = rng.choice("abcxyz")
            texts.append("".join(characters))
        else:
            texts.append(" ".join(rng.choice(WORDS) for _ in range(rng.randint(4, 14))))
    return texts


def greedy_by_brute_force(texts: list[str]) -> set[int]:
    """Return the rows that repeat an earlier row that is kept, by comparing every row with every one before it."""
    grams = [ngram_set(folded(text)) for text in texts]
    kept: list[int] = []
    removed = set()
    for row in range(len(texts)):
        if any(jaccard(grams[row], grams[other]) >= NEAR_DUPLICATE for other in kept):
            removed.add(row)
        else:
            kept.append(row)
    return removed


def bulk_repeats(texts: list[str]) -> list[Repeat]:
    with TemporaryDirectory() as folder:
        bulk = BulkDuplicates(Path(folder), ALL, ALL)
        for begin in range(0, len(texts), 100):
            bulk.add(texts[begin : begin + 100], 0)
        return list(bulk.repeats(lambda rows: [texts[row] for row in rows], lambda _share: None))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my card?", "where is  MY card"),
        ("Don't know", "dont know"),
        ("\uff46\uff55\uff4c\uff4c width", "full width"),
        ("Straße", "STRASSE"),
        ("wait... what?!", "wait what"),
    ],
)
def test_texts_equal_but_for_case_punctuation_spaces_and_unicode_form_are_exact_duplicates(
    one: str, other: str
) -> None:
    index: NearDuplicates[int] = NearDuplicates()
    index.add(7, one)

    match = next(index.find_each([other]))

    assert match is not None
    assert (match.id, match.similarity) == (7, 1.0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("My card was lost yesterday", "My card was stolen yesterday"),
        ("my card is lost", "my card is stolen"),
        ("Where is my card?", "Where is my card PIN?"),
        ("I love it :)", "I love it :("),
        ("we use C# here", "we use C here"),
        ("my transfer failed", "my transfer is pending"),
        ("cancel my order please", "confirm my order please"),
        ("!!!", "???"),
    ],
)
def test_short_texts_that_differ_in_the_word_that_matters_are_no_duplicates(one: str, other: str) -> None:
    index: NearDuplicates[int] = NearDuplicates()
    index.add(0, one)

    assert next(index.find_each([other])) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I did a transfer but its still pending", "I did a transfer but it is still pending."),
        ("I'm still waiting for a money transfer to show.", "I'm waiting for a money transfer to show, still."),
        (
            "My card will expire soon, do I need to order a new one?",
            "My card will expire soon, do I need to order new one",
        ),
    ],
)
def test_texts_that_differ_in_a_word_that_does_not_matter_are_near_duplicates(one: str, other: str) -> None:
    index: NearDuplicates[str] = NearDuplicates()
    index.add("first", one)

    match = next(index.find_each([other]))

    assert match is not None
    assert match.id == "first"
    assert NEAR_DUPLICATE <= match.similarity < 1
    assert match.similarity == similarity(one, other)


def test_the_most_similar_text_is_named() -> None:
    index: NearDuplicates[str] = NearDuplicates()
    base = "I transferred money to my friend last week and it has not arrived in the account yet"
    index.add_all([("far", base.replace("week", "year")), ("near", base + "?"), ("other", "Where is my card?")])

    matches = index.matches(base)

    assert [match.id for match in matches] == ["near", "far"]
    assert matches[0].similarity == 1.0


def test_adding_many_tells_of_each_what_asking_before_adding_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "SIGNED_AT_ONCE", 7)  # so that some repeat a text of another batch
    texts = [*noisy_texts(60), "", "ha" * 30, "ha" * 31, *noisy_texts(10)]
    one_by_one: NearDuplicates[int] = NearDuplicates()
    expected = []
    for number, text in enumerate(texts):
        expected.append(one_by_one.matches(text))
        one_by_one.add(number, text)

    many: NearDuplicates[int] = NearDuplicates()

    assert list(many.add_each(enumerate(texts))) == expected
    assert list(many.find_each(texts)) == [next(iter(many.matches(text)), None) for text in texts]
    assert sum(map(bool, expected)) > 10
    assert len(many) == len(texts)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_similarity_is_symmetric_and_one_for_equal_texts(one: str, other: str) -> None:
    assert similarity(one, one) == 1.0
    assert similarity(one, other) == similarity(other, one)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_a_signature_does_not_depend_on_the_texts_beside_it(texts: list[str]) -> None:
    forms = [folded(text) for text in texts]

    together, of = minhashes(forms)

    for number, form in enumerate(forms):
        alone, _ = minhashes([form])
        assert (alone == together[of == number]).all()


def test_signatures_estimate_the_true_similarity() -> None:
    texts = noisy_texts(600)
    forms = [folded(text) for text in texts]
    signatures, of = minhashes(forms)
    assert of.tolist() == list(range(600))
    rng = random.Random(1)
    pairs = [(rng.randrange(600), rng.randrange(600)) for _ in range(3_000)]

    errors = [(signatures[a] == signatures[b]).mean() - similarity(texts[a], texts[b]) for a, b in pairs]

    assert abs(float(np.mean(errors))) < 0.005
    assert float(np.std(errors)) < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_the_bulk_form_removes_exactly_what_comparing_all_pairs_would(seed: int) -> None:
    texts = noisy_texts(800, seed)

    repeats = bulk_repeats(texts)

    assert {repeat.row for repeat in repeats} == greedy_by_brute_force(texts)


def test_each_removal_names_an_earlier_row_that_is_kept_and_their_true_similarity() -> None:
    texts = noisy_texts(1_500)

    repeats = bulk_repeats(texts)

    removed = {repeat.row for repeat in repeats}
    assert len(removed) == len(repeats) > 100
    for repeat in repeats:
        assert repeat.of < repeat.row
        assert repeat.of not in removed
        assert repeat.similarity == similarity(texts[repeat.row], texts[repeat.of])


@pytest.mark.parametrize("kind", ["prose", "borderline"])
def test_the_index_and_the_bulk_form_agree(kind: str) -> None:
    texts = (
        noisy_texts(1_500)
        if kind == "prose"
        else [text for pair in zip(*borderline_pairs(60), strict=True) for text in pair]
    )
    index: NearDuplicates[int] = NearDuplicates()
    removed = set()
    for row, text in enumerate(texts):
        if next(index.find_each([text])):
            removed.add(row)
        else:
            index.add(row, text)

    assert removed == {repeat.row for repeat in bulk_repeats(texts)}


def of_few_characters(kind: str, rng: random.Random) -> str:
    """Return a random text of a kind whose 3-grams are so few that one text holds nearly all of them."""
    kinds: dict[str, Callable[[], str]] = {
        "DNA": lambda: "".join(rng.choice("ACGT") for _ in range(300)),
        "numbers": lambda: " ".join(f"{rng.randrange(10**6):06d}" for _ in range(600)),
        "hexadecimal": lambda: " ".join(f"{rng.randrange(256):02x}" for _ in range(800)),
        "bits": lambda: " ".join(rng.choice("01") for _ in range(300)),
        "dates": lambda: " ".join(f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" for _ in range(80)),
        "chess": lambda: " ".join(rng.choice("abcdefgh") + rng.choice("12345678") for _ in range(200)),
        "digits in words": lambda: " ".join(rng.choice("one two three four five six".split()) for _ in range(200)),  # noqa: SIM905
    }
    return kinds[kind]()


@pytest.mark.parametrize("kind", ["DNA", "numbers", "hexadecimal", "bits", "dates", "chess", "digits in words"])
def test_unrelated_texts_of_few_characters_are_kept_and_a_copy_with_one_changed_is_not(kind: str) -> None:
    rng = random.Random(5)
    texts = [of_few_characters(kind, rng) for _ in range(30)]
    copies = [text[:100] + text[101:] for text in texts]
    index: NearDuplicates[int] = NearDuplicates()
    index.add_all(enumerate(texts))

    assert max(similarity(texts[0], text) for text in texts[1:]) > NEAR_DUPLICATE  # by 3-grams
    assert bulk_repeats(texts) == []
    assert {(repeat.row, repeat.of) for repeat in bulk_repeats([*texts, *copies])} == {(n + 30, n) for n in range(30)}
    assert [match.id if (match := next(index.find_each([copy]))) else None for copy in copies] == list(range(30))


def borderline_pairs(wanted: int) -> tuple[list[str], list[str]]:
    """Return texts that 3-grams just suit, or just do not, and copies with a character less of which the reverse holds.

    They are strands of 130 to 200 letters, lists of 20 to 32 dates, and rows of 40 to 60 bits.
    """
    rng = random.Random(7)
    texts, copies = [], []
    while len(texts) < wanted:
        text = rng.choice(
            [
                "".join(rng.choice("ACGT") for _ in range(rng.randint(130, 200))),
                " ".join(f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" for _ in range(rng.randint(20, 32))),
                "".join(rng.choice("01") for _ in range(rng.randint(40, 60))),
            ]
        )
        at = rng.randrange(len(text))
        copy = text[:at] + text[at + 1 :]
        one, other = folded(text), folded(copy)
        if gram_length(one) != gram_length(other) and compared(grams_of(one), grams_of(other)) >= NEAR_DUPLICATE:
            texts.append(text)
            copies.append(copy)
    return texts, copies


def test_near_copies_that_are_compared_by_n_grams_of_another_length_are_found() -> None:
    texts, copies = borderline_pairs(60)
    index: NearDuplicates[int] = NearDuplicates()
    index.add_all(enumerate(texts))

    assert [row for row, copy in enumerate(copies) if row not in {match.id for match in index.matches(copy)}] == []
    assert {repeat.row for repeat in bulk_repeats([*texts, *copies])} >= set(range(60, 120))


@pytest.mark.parametrize(
    "text",
    [
        "ha" * 30,
        "no " * 40,
        "GOAL GOAL GOAL",
        "Where is my card? " * 2,
        "Where is my card? " * 9,
        "a",
        "",
    ],
)
def test_prose_is_compared_by_3_grams_also_where_it_says_the_same_again(text: str) -> None:
    assert gram_length(folded(text)) == 3


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["a b c d", "A B C D!", "e f g h", "e f g", "x"]), max_size=30), st.integers(0, 1_000))
def test_a_set_without_near_copies_keeps_one_of_each_form_in_any_order(texts: list[str], seed: int) -> None:
    random.Random(seed).shuffle(texts)

    repeats = bulk_repeats(texts)

    kept = [text for row, text in enumerate(texts) if row not in {repeat.row for repeat in repeats}]
    assert sorted(folded(text) for text in kept) == sorted({folded(text) for text in texts})


def test_a_bucket_larger_than_the_window_leaves_no_copy_of_its_first_text() -> None:
    texts = [
        f"please tell me when my parcel with the long description number {n:05} arrives" for n in range(20 * WINDOW)
    ]
    texts.append("please tell me when my parcel with the long description number 00000 arrives!")

    repeats = bulk_repeats(texts)

    assert len(texts) - 1 in {repeat.row for repeat in repeats}
