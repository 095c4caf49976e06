"""Words around numbers: a count agrees with its noun."""

from __future__ import annotations

import pytest

from classwright_tools.domain.excerpt import counted


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 batches"), (1, "1 batch"), (2, "2 batches"), (12_000, "12,000 batches")]
)
def test_a_count_agrees_with_its_noun(count: int, words: str) -> None:
    assert counted(count, "batch", "batches") == words
    assert counted(1, "row") == "1 row"
    assert counted(2, "row") == "2 rows"
