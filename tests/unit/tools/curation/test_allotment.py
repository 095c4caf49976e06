"""Rows over labels and cells: exactly as many as asked, as evenly as whole numbers allow."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.curation.allotment import even_shares, proportional_shares, rows_by_cell, scattered
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


def test_a_few_rows_over_many_cells_reach_every_topic_and_source_type() -> None:
    cells = [
        Cell(label="a", topic=f"t{t}", subtopic=f"s{s}", source_type=f"k{k}")
        for t in range(4)
        for s in range(2)
        for k in range(3)
    ]

    chosen = rows_by_cell(8, cells)

    assert {cell.topic for cell in chosen} == {"t0", "t1", "t2", "t3"}
    assert {cell.source_type for cell in chosen} == {"k0", "k1", "k2"}


@given(total=st.integers(0, 10_000), weights=st.lists(st.integers(1, 10_000), min_size=1, max_size=50))
def test_proportional_shares_add_up_and_are_within_one_of_their_part(total: int, weights: list[int]) -> None:
    shares = proportional_shares(total, weights)

    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1


def test_a_cell_that_is_named_twice_counts_once() -> None:
    cell = Cell(label="a", topic="t")

    assert rows_by_cell(4, [cell, cell, Cell(label="b")]) == {cell: 2, Cell(label="b"): 2}
