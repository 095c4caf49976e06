"""Joining: rows that arrive are compared with those of a dataset, and written behind those of them that stay."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from classwright_tools.context import ToolContext
from classwright_tools.curation.arrivals import Arrival, Arrivals
from classwright_tools.curation.comparison import RowComparison
from classwright_tools.curation.division import DividedRows
from classwright_tools.curation.leaks import LABELLED, PRECEDENCE
from classwright_tools.curation.origins import Origins
from classwright_tools.curation.queries import query_digest
from classwright_tools.domain.example import Division, Example, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.reading.opening import Position
from classwright_tools.workspace.datasets import BATCH_ROWS, iterate_rows

# The shares of the time that reading and comparing take, about; the rest is writing.
_READING, _COMPARING = 0.6, 0.2


def compare_rows(
    division: Division | None,
    arrivals: Arrivals,
    comparison: RowComparison,
    parent: str | None,
    context: ToolContext,
    position: Position,
) -> Counter[Split]:
    """Hand all rows to `comparison`, those of the dataset `parent` and those that arrive, in order of precedence.

    With a `division` those that arrive are all read before, and divided, and what `parent` has in a labelled split goes
    before all of them: a text must not leave the split that a model may have trained on. How many of the arriving rows
    a split has by what `parent` holds there is returned.
    """

    def read() -> Iterator[list[Arrival]]:
        for batch in arrivals.batches():
            yield batch
            share = position.share
            context.progress(None if share is None else _READING * share, f"{counted(arrivals.read, 'row')} read")

    if division:
        held = {labelled: array("Q") for labelled in LABELLED}
        for labelled, digests in held.items():
            _add_held(labelled, comparison, parent, context, digests)
        divided = DividedRows(read(), division, comparison.folder, held, lambda said: context.progress(None, said))
        for labelled in (split for split in LABELLED if split in division):
            for batch in divided.batches(labelled):
                comparison.add_arrivals(labelled, batch)
        _add_held("unlabelled", comparison, parent, context)
        return divided.stayed
    for split in PRECEDENCE:
        _add_held(split, comparison, parent, context)
        for batch in read() if split in comparison.labels else ():
            comparison.add_arrivals(split, batch)
    return Counter()


def _add_held(
    split: Split, comparison: RowComparison, parent: str | None, context: ToolContext, digests: array[int] | None = None
) -> None:
    """Hand the rows of `split` in `parent` to `comparison`, and the digests of the queries to `digests`."""
    comparison.begin(split)
    for rows in iterate_rows(context.workspace, parent, split) if parent else ():
        context.progress(None, f"reading the {split} rows that are there")
        comparison.add_rows(split, [row.content for row in rows], [row.label_key for row in rows])
        if digests is not None:
            digests.extend(query_digest(row.content) for row in rows)


def comparison_progress(context: ToolContext) -> Callable[[float], None]:
    """Return what reports the share (0 to 1) of the comparison that is done."""
    return lambda share: context.progress(_READING + _COMPARING * share, "comparing the rows")


def rows_of(
    split: Split, comparison: RowComparison, origins: Origins, parent: str | None, context: ToolContext
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
