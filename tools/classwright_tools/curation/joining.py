"""Joining: rows that arrive are compared with those of a dataset, and written behind those of them that stay."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from classwright_tools.context import ToolContext
from classwright_tools.curation.arrivals import Arrival, Arrivals, Skipped
from classwright_tools.curation.comparison import RowComparison
from classwright_tools.curation.division import DividedRows
from classwright_tools.curation.leaks import LABELLED, PRECEDENCE
from classwright_tools.curation.origins import Origins
from classwright_tools.curation.queries import query_digest
from classwright_tools.domain.example import Division, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.reading.opening import Position
from classwright_tools.workspace.datasets import iterate_tables
from classwright_tools.workspace.row_columns import contents_of, label_keys_of

# The shares of the time that reading and comparing take, about; the rest is writing.
_READING, _COMPARING = 0.6, 0.2


@dataclass(frozen=True)
class Joining:
    """The rows of the dataset `parent`, if there is one, and those that arrive, in one `comparison`."""

    comparison: RowComparison
    parent: str | None
    context: ToolContext

    def compare(self, arrivals: Arrivals, division: Division | None, position: Position) -> Counter[Split]:
        """Hand all rows to the comparison, those of `parent` and those that arrive, in order of precedence.

        With a `division` those that arrive are all read before, and divided, and what `parent` has in a labelled split
        goes before all of them: a text must not leave the split that a model may have trained on. How many of the
        arriving rows a split has by what `parent` holds there is returned.
        """

        def read() -> Iterator[list[Arrival]]:
            for batch in arrivals.batches():
                yield batch
                share = position.share
                self.context.progress(
                    None if share is None else _READING * share, f"{counted(arrivals.read, 'row')} read"
                )

        comparison = self.comparison
        if division:
            held = {labelled: array("Q") for labelled in LABELLED}
            for labelled, digests in held.items():
                self._add_held(labelled, digests)
            folder = comparison.folder
            divided = DividedRows(read(), division, folder, held, lambda said: self.context.progress(None, said))
            for labelled in (split for split in LABELLED if split in division):
                for batch in divided.batches(labelled):
                    comparison.add_arrivals(labelled, batch)
            self._add_held("unlabelled")
            return divided.stayed
        for split in PRECEDENCE:
            self._add_held(split)
            for batch in read() if split in comparison.labels else ():
                comparison.add_arrivals(split, batch)
        return Counter()

    def _add_held(self, split: Split, digests: array[int] | None = None) -> None:
        """Hand the rows of `split` in `parent` to the comparison, and the digests of the queries to `digests`."""
        self.comparison.begin(split)
        for rows in self._held(split):
            self.context.progress(None, f"reading the {split} rows that are there")
            contents = contents_of(rows)
            self.comparison.add_rows(split, contents, label_keys_of(rows))
            if digests is not None:
                digests.extend(map(query_digest, contents))

    def _held(self, split: Split) -> Iterable[Any]:
        return iterate_tables(self.context.workspace, self.parent, split) if self.parent else ()

    def finish(self, skipped: Skipped) -> Counter[Split]:
        """Find what repeats: return how many rows of `parent` fall out of each split, and count others as `skipped`."""

        def tell(share: float) -> None:
            self.context.progress(_READING + _COMPARING * share, "comparing the rows")

        return self.comparison.finish(skipped, tell)

    def tables_of(self, split: Split, origins: Origins) -> Iterator[Any]:
        """Yield the rows of `split` in the new version as tables: those kept of `parent`, then those that arrived."""
        kept, begin = self.comparison.kept(split), 0
        for rows in self._held(split):
            yield rows.filter(kept[begin : begin + len(rows)])
            begin += len(rows)
        if split in self.comparison.labels:
            written = 0
            for table in origins.tables(self.comparison.arrivals(split)):
                done = _READING + _COMPARING + (1 - _READING - _COMPARING) * written / self.comparison.imported
                self.context.progress(done, f"{counted(written, 'row')} written")
                written += len(table)
                yield table
