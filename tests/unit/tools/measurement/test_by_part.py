"""Right answers by language and by source: a difference comes with whether it may be chance."""

from __future__ import annotations

import numpy as np
import pytest

from classwright_tools.curation.row_sources import RowSources
from classwright_tools.measurement.by_part import language_remark, source_remark
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.exact_tests import fisher, log_choose
from support.measurement import answers_of

SPANISH, GERMAN = "hoy no puedo ir a la fiesta con ustedes", "ich kann heute leider nicht zur Arbeit kommen"


def answers(*parts: tuple[str, int, int]) -> Answers:
    """Return answers to rows of parts: how the texts begin, how many there are, how many of them are right."""
    texts = [f"{text} {n}" for text, rows, _ in parts for n in range(rows)]
    right = np.array([n < good for _, rows, good in parts for n in range(rows)])
    return answers_of([0] * len(texts), np.stack([right, ~right], axis=1), ["a", "b"], texts)


def test_two_languages_are_told_apart_by_more_than_chance_or_not() -> None:
    told = language_remark(answers((SPANISH, 150, 60), (GERMAN, 141, 76)), ("es", "de"))
    assert told.endswith("That the two differ is more than chance (Fisher's exact test, p = 0.024).")

    told = language_remark(answers((SPANISH, 150, 69), (GERMAN, 141, 76)), ("es", "de"))
    assert told.endswith("That the two differ may be chance (Fisher's exact test, p = 0.22).")


@pytest.mark.parametrize(
    ("right", "end"),
    [
        (
            (20, 21, 35),
            "By more than chance from all others differ: 'c' (0.00036) (Fisher's exact test of each, with p).",
        ),
        ((20, 21, 22), "None differs from all others by more than chance (Fisher's exact test of each, least p = 1)."),
    ],
)
def test_of_several_sources_each_is_held_against_all_others(right: tuple[int, ...], end: str) -> None:
    found = answers(*((name, 40, good) for name, good in zip("abc", right, strict=True)))
    sources = RowSources(("a", "b", "c"), {row.id: row.text[0] for row in found.rows}, {})

    assert source_remark(found, sources, ()).endswith(end)


def test_the_two_sided_p_is_twice_the_smaller_tail_and_one_at_most() -> None:
    """The tea of the lady: of four cups each she tells three; and of equal shares nothing can be told."""
    assert fisher(3, 4, 1, 4) == pytest.approx(2 * 17 / 70)
    assert fisher(1, 4, 3, 4) == pytest.approx(2 * 17 / 70)
    assert fisher(2, 4, 2, 4) == 1
    assert np.exp(log_choose(8, 4)) == pytest.approx(70)
