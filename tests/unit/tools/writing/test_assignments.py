"""Batches of an assignment: even, whole, each cell with its count, and small enough for an answer."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.writing.assignments.batches import make_batches, open_batches, remaining
from classwright_tools.writing.generation.targets import CellTarget

LABELS = ("refund", "delivery", "account")


@st.composite
def orders(draw: st.DrawFn) -> list[CellTarget]:
    """Quotas of up to 40 cells, each once, of three labels with or without a contrast."""
    places = draw(
        st.lists(
            st.tuples(st.sampled_from(LABELS), st.sampled_from([None, *LABELS]), st.integers(0, 30)),
            min_size=1,
            max_size=40,
            unique=True,
        )
    )
    return [
        CellTarget(Cell(label=label, topic=f"topic {number}"), draw(st.integers(1, 60)), contrast)
        for label, contrast, number in places
        if label != contrast
    ] or [CellTarget(Cell(label="refund"), 1)]


def wanted(targets: list[CellTarget]) -> Counter[tuple[Cell, str | None]]:
    count: Counter[tuple[Cell, str | None]] = Counter()
    for target in targets:
        count[target.cell, target.contrast] += target.rows
    return count


@settings(deadline=None)
@given(orders())
def test_batches_hold_exactly_what_is_wanted_and_differ_by_one_at_most(targets: list[CellTarget]) -> None:
    batches = make_batches(targets)
    held: Counter[tuple[Cell, str | None]] = Counter()
    sizes: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for batch in batches:
        sizes[batch.label, batch.contrast].append(batch.count)
        assert sum(cell.count for cell in batch.cells) == batch.count
        for cell in batch.cells:
            held[cell.cell, batch.contrast] += cell.count

    assert held == wanted(targets)
    for counts in sizes.values():
        assert max(counts) <= 25
        assert max(counts) - min(counts) <= 1
        assert len(counts) == math.ceil(sum(counts) / 25)


def test_cells_that_fill_an_answer_make_more_batches_which_are_even_too() -> None:
    cells = [Cell(label="refund", topic="t" * 290, subtopic=f"{n} " + "s" * 290) for n in range(17)]

    batches = make_batches([CellTarget(cell, 1) for cell in cells])

    assert {batch.count for batch in batches} <= {1, 2}
    assert sum(batch.count for batch in batches) == 17
    (one,) = make_batches([CellTarget(Cell(label="refund", item="i" * 20_000), 3)])
    assert one.count == 3


def test_open_batches_say_what_their_cells_still_want() -> None:
    cells = [Cell(label="refund", topic=f"topic {n}") for n in range(60)]
    assignment = Assignment(task="t", parent=None, round=0, batches=make_batches([CellTarget(c, 2) for c in cells]))

    ahead = open_batches(assignment, {"b1": Counter({cells[0]: 2, cells[1]: 1}), "b2": Counter({cells[12]: 24})})

    assert [(batch.batch, batch.count) for batch in ahead] == [("b1", 21), ("b3", 24), ("b4", 24), ("b5", 24)]
    assert [(cell.cell, cell.count) for cell in ahead[0].cells[:2]] == [(cells[1], 1), (cells[2], 2)]


@given(st.lists(st.integers(0, 11), max_size=24))
def test_what_is_left_of_a_batch_always_adds_up(came: list[int]) -> None:
    """Of any cells: those of texts that another batch had no room for are none of its own."""
    cells = [Cell(label="refund", topic=f"topic {n}") for n in range(12)]
    (batch,) = make_batches([CellTarget(cell, 4) for cell in cells[:6]])

    left = remaining(batch, Counter(cells[n] for n in came))

    assert (left is None) == (len(came) == 24)
    if left:
        assert left.count == sum(cell.count for cell in left.cells) == 24 - len(came)
