"""Joining: rows that arrive are compared with those of a dataset, and written behind those of them that stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from classwright_tools.context import ToolContext
from classwright_tools.curation.arrivals import Arrival, Arrivals
from classwright_tools.curation.comparison import Comparison
from classwright_tools.curation.division import DividedRows
from classwright_tools.curation.leaks import PRECEDENCE
from classwright_tools.curation.origins import Origins
from classwright_tools.domain.example import Division, Example, Split
from classwright_tools.reading.opening import Position
from classwright_tools.workspace.datasets import BATCH_ROWS, iterate_rows

# The shares of the time that reading and comparing take, about; the rest is writing.
_READING, _COMPARING = 0.6, 0.2


def compare(
    division: Division | None,
    arrivals: Arrivals,
    comparison: Comparison,
    parent: str | None,
    context: ToolContext,
    position: Position,
) -> None:
    """Hand all rows to `comparison`, those of the dataset `parent` and those that arrive, in order of precedence.

    With a `division` those that arrive are all read before, and divided.
    """

    def read() -> Iterator[list[Arrival]]:
        for batch in arrivals.batches():
            yield batch
            share = position.share
            context.progress(None if share is None else _READING * share, f"{arrivals.read:,} rows read")

    divided = DividedRows(read(), division, comparison.folder) if division else None
    for split in PRECEDENCE:
        comparison.begin(split)
        for rows in iterate_rows(context.workspace, parent, split) if parent else ():
            context.progress(None, f"reading the {split} rows that are there")
            comparison.add_rows(split, [row.content for row in rows], [row.label_key for row in rows])
        if split in comparison.labels:
            for batch in divided.batches(split) if divided else read():
                comparison.add_arrivals(split, batch)


def compared(context: ToolContext) -> Callable[[float], None]:
    """Return what reports the share (0 to 1) of the comparison that is done."""
    return lambda share: context.progress(_READING + _COMPARING * share, "comparing the rows")


def rows_of(
    split: Split, comparison: Comparison, origins: Origins, parent: str | None, context: ToolContext
) -> Iterator[Example]:
    """Yield the rows of `split` in the new version: those kept of `parent`, then those that arrived."""
    kept = iter(comparison.kept(split).tolist())
    for rows in iterate_rows(context.workspace, parent, split) if parent else ():
        yield from (row for row in rows if next(kept))
    if split in comparison.labels:
        arrived = comparison.arrivals(split)
        batches = iter(lambda: list(islice(arrived, BATCH_ROWS)), [])
        for number, row in enumerate(origins.rows(batches)):
            if number % BATCH_ROWS == 0:
                done = _READING + _COMPARING + (1 - _READING - _COMPARING) * number / comparison.imported
                context.progress(done, f"{number:,} rows written")
            yield row
