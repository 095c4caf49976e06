"""Rows over labels and cells: exactly as many as asked, as evenly as whole numbers allow."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.curation.allotment import even_shares, proportional_shares, rows_by_cell, scattered, spread
from classwright_tools.domain.topic_tree import Cell

BRANCHES = st.lists(st.integers(1, 40), min_size=1, max_size=12)


def cells_of(branches: list[int]) -> list[Cell]:
    return [Cell(label=f"l{b}", topic=f"t{n}", source_type="s") for b, size in enumerate(branches) for n in range(size)]


@given(rows=st.integers(1, 3000), branches=BRANCHES)
def test_the_rows_are_exactly_as_many_as_asked_and_even_over_labels_and_cells(rows: int, branches: list[int]) -> None:
    cells = cells_of(branches)

    shares = rows_by_cell(rows, cells)

    assert sum(shares.values()) == rows
    by_label = Counter[str]()
    for cell, n in shares.items():
        by_label[cell.label] += n
    totals = [by_label[f"l{b}"] for b in range(len(branches))]
    assert max(totals) - min(totals) <= 1
    for b in range(len(branches)):
        within = [shares.get(cell, 0) for cell in cells if cell.label == f"l{b}"]
        assert max(within) - min(within) <= 1


@given(total=st.integers(0, 10_000), places=st.integers(1, 500))
def test_even_shares_add_up_and_differ_by_one_at_most(total: int, places: int) -> None:
    shares = even_shares(total, places)

    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


@given(places=st.integers(1, 500))
def test_scattered_names_every_place_once(places: int) -> None:
    assert sorted(scattered(places)) == list(range(places))


def tree_of(topics: int, subtopics: int, source_types: int, label: str = "a") -> list[Cell]:
    return [
        Cell(label=label, topic=f"t{t}", subtopic=f"s{t}.{s}", source_type=f"k{k}")
        for t in range(topics)
        for s in range(subtopics)
        for k in range(source_types)
    ]


@given(topics=st.integers(1, 6), subtopics=st.integers(1, 6), source_types=st.integers(1, 6), data=st.data())
def test_every_subtopic_gets_a_row_before_any_gets_two_and_source_types_rotate(
    topics: int, subtopics: int, source_types: int, data: st.DataObject
) -> None:
    cells = tree_of(topics, subtopics, source_types)
    rows = data.draw(st.integers(1, len(cells)))

    chosen = spread(cells, data.draw(st.integers(0, 5)))[:rows]

    assert len(set(chosen)) == rows
    assert len({cell.topic for cell in chosen}) == min(rows, topics)
    assert len({cell.subtopic for cell in chosen}) == min(rows, topics * subtopics)
    assert len({cell.source_type for cell in chosen}) >= min(rows, topics, source_types)
    by_topic = Counter(cell.topic for cell in chosen)
    assert max(by_topic.values()) - min(by_topic.values()) <= 1
    if rows == topics * subtopics:
        kinds = Counter(cell.source_type for cell in chosen)
        assert max(kinds.values()) <= subtopics * -(-topics // source_types)


def test_twenty_rows_a_label_reach_all_twenty_subtopics_of_a_large_tree() -> None:
    cells = [cell for label in range(12) for cell in tree_of(5, 4, 3, f"l{label}")]

    chosen = rows_by_cell(240, cells)

    assert len({(cell.label, cell.subtopic) for cell in chosen}) == 12 * 20
    assert set(Counter(cell.source_type for cell in chosen).values()) == {80}


@pytest.mark.parametrize(("rows", "most"), [(40, 4), (240, 16)])
def test_many_source_types_all_have_their_turns_long_before_every_cell_has_a_row(rows: int, most: int) -> None:
    chosen = rows_by_cell(rows, [cell for label in "ab" for cell in tree_of(5, 4, 18, label)])

    kinds = Counter(cell.source_type for cell in chosen)
    assert (len(kinds), max(kinds.values())) == (18, most)


def test_one_row_a_label_is_of_another_source_type_for_each_label() -> None:
    chosen = rows_by_cell(3, [cell for label in range(3) for cell in tree_of(2, 2, 3, f"l{label}")])

    assert len({cell.source_type for cell in chosen}) == 3


@given(total=st.integers(0, 10_000), weights=st.lists(st.integers(1, 10_000), min_size=1, max_size=50))
def test_proportional_shares_add_up_and_are_within_one_of_their_part(total: int, weights: list[int]) -> None:
    shares = proportional_shares(total, weights)

    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1


def test_a_cell_that_is_named_twice_counts_once() -> None:
    cell = Cell(label="a", topic="t")

    assert rows_by_cell(4, [cell, cell, Cell(label="b")]) == {cell: 2, Cell(label="b"): 2}
