"""What is computed of many texts at once is what each of them gives by itself."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.curation import similarities as module
from classwright_tools.curation.shingles import digest, digests, folded, folded_each, grams_of, similarity
from classwright_tools.curation.similarities import similarities
from classwright_tools.domain.pair import SEPARATOR

ALPHABET = "ab C'`.,!:;)(<3=%#&@?- \n\t\u00c4\u00df\u2019\u7e26\U0001f600"
texts = st.lists(st.text(st.sampled_from(ALPHABET + SEPARATOR), max_size=12), max_size=20)


@given(texts)
def test_texts_folded_together_are_as_each_folded_alone(given_: list[str]) -> None:
    forms = folded_each(given_)

    assert forms == [folded(text) for text in given_]
    assert digests(forms).tolist() == [digest(form) for form in forms]


def forms(count: int, alphabets: tuple[str, ...]) -> list[str]:
    """Return folded forms of many lengths; those of few letters have to be compared by longer n-grams."""
    rng = random.Random(0)
    made: list[str] = []
    for _ in range(count):
        if made and rng.random() < 0.4:
            form = rng.choice(made)
            place = rng.randrange(len(form) + 1)
            made.append(folded(f"{form[:place]}a{form[place:]}"))
        else:
            letters, length = rng.choice(alphabets), rng.choice((0, 1, 3, 9, 40, 300))
            made.append(folded("".join(rng.choice(letters) for _ in range(length))))
    return made


@pytest.mark.parametrize("alphabets", [("ab", "acgt"), ("abcdefgh ij", "\u7e26\u66f8 ab\U0001f600", "ab")])
@pytest.mark.parametrize("chunk", [(16_000, 2_048), (500, 2_048), (16_000, 1)])
def test_similarities_of_many_are_to_the_bit_those_of_each(
    alphabets: tuple[str, ...], chunk: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_CHARS", chunk[0])
    monkeypatch.setattr(module, "CHUNK_PAIRS", chunk[1])
    singles = forms(120, alphabets)
    of_pairs = [f"{one}{SEPARATOR}{other}" for one, other in zip(singles, reversed(singles), strict=True)]
    compared = np.random.default_rng(0).integers(0, len(singles), (800, 2))

    for each in (singles, of_pairs):
        alone = [similarity(grams_of(each[one]), grams_of(each[other])) for one, other in compared.tolist()]
        assert similarities(each, compared).tolist() == alone
    assert len(set(similarities(singles, compared).tolist())) > 20


def test_no_pairs_have_no_similarities() -> None:
    assert similarities([], np.empty((0, 2), dtype=np.int64)).tolist() == []
