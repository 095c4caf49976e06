"""One source divided among splits: each label by the shares, all pairs of a query in one split.

What a dataset holds already stays in its split, however often and with what else it comes again.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.arrivals import Arrival
from classwright_tools.curation.queries import query_digest
from classwright_tools.curation.shingles import digest
from classwright_tools.curation.spool import Spool
from classwright_tools.domain.example import SPLITS, LabelledSplit, Split

Digests = NDArray[np.uint64]
FREE = -1  # the place of a row that no split has yet
GROUPS_AT_ONCE = 5_000


class DividedRows:
    """The usable rows of a source, which wait on the disk for their splits."""

    def __init__(
        self,
        rows: Iterable[Sequence[Arrival]],
        parts: Mapping[LabelledSplit, int],
        folder: Path,
        held: Mapping[LabelledSplit, Sequence[int]],
        progress: Callable[[str], None],
    ) -> None:
        """Read all batches of `rows`, keep them in `folder`, and give each split as many parts as `parts` says.

        `held` has the digests of the queries, or single texts, that stand in the splits of the dataset: arriving rows
        with one of these go where it stands. `stayed` counts them by split.
        """
        self._spool = Spool(folder / "divided.arrow")
        self._numbers, groups, labels = array("q"), array("Q"), array("Q")
        for batch in rows:
            self._spool.append([r.content for r in batch], [r.label for r in batch], [r.made for r in batch])
            self._numbers.extend(row.number for row in batch)
            groups.extend(query_digest(row.content) for row in batch)
            labels.extend(digest(row.label or "") for row in batch)
        self._spool.finish()
        named = sorted(parts, key=SPLITS.index)
        self._splits: list[Split] = [*named]
        of_rows = np.array(groups, dtype=np.uint64)
        places = np.full(len(groups), FREE)
        for place, split in enumerate(named):
            places[np.isin(of_rows, np.array(held[split], dtype=np.uint64))] = place
        self.stayed = Counter({split: int((places == place).sum()) for place, split in enumerate(self._splits)})
        shares = [parts[split] for split in named]
        self._place = divided(of_rows, np.array(labels, dtype=np.uint64), shares, places, progress)

    def batches(self, split: Split) -> Iterator[list[Arrival]]:
        """Yield the rows of `split`, some at a time."""
        place = self._splits.index(split)
        for begin, batch in self._spool.batches(0, len(self._spool)):
            taken = np.flatnonzero(self._place[begin : begin + len(batch)] == place)
            columns = (column.to_pylist() for column in batch.take(taken).columns)
            numbers = (self._numbers[begin + row] for row in taken.tolist())
            if len(taken):
                yield [Arrival(*row) for row in zip(numbers, *columns, strict=True)]


def divided(
    groups: Digests,
    labels: Digests,
    parts: Sequence[int],
    places: NDArray[np.intp],
    progress: Callable[[str], None],
) -> NDArray[np.intp]:
    """Return the place in `parts` of each of n rows, from the digests of their groups and of their labels, (n,) each.

    The rows of a group stay together, those that have one of the `places` (n,) in it, and the others, which are FREE,
    take turns as in iterative stratification (Sechidis et al., "On the stratification of multi-label data", 2011):
    first those that have a row of the rarest label, the largest of these first. Each goes where that label has fewest
    rows for the share, by the divisors of Sainte-Laguë, and where there is a choice, where all labels have. The order
    of the rows does not matter.
    """
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rarity = np.argsort(np.argsort(counts, kind="stable"))[codes]  # of a row's label: 0 is the rarest
    order = np.lexsort((rarity, groups))
    names, starts = np.unique(groups[order], return_index=True)
    sizes = np.diff(starts, append=len(groups))
    rarest, ordered, found = rarity[order][starts], rarity[order], places[order][starts]
    settled = places != FREE
    rows_of = np.zeros((len(counts) + 1, len(parts)), dtype=np.int64)  # of each label, and of all labels
    np.add.at(rows_of, (rarity[settled], places[settled]), 1)
    rows_of[-1] = rows_of.sum(axis=0)
    taken = rows_of.tolist()  # most groups are of one row, for which numpy is slow
    turns = np.lexsort((names, -sizes, rarest))
    turns = turns[found[turns] == FREE]
    for begin in range(0, len(turns), GROUPS_AT_ONCE):
        progress(f"{begin:,} of {len(turns):,} texts or queries divided")
        for group in turns[begin : begin + GROUPS_AT_ONCE].tolist():
            rows = ordered[starts[group] : starts[group] + sizes[group]].tolist()
            of_label, of_all, first = taken[rows[0]], taken[-1], rows.count(rows[0])
            place = min(
                range(len(parts)),
                key=lambda at: ((2 * of_label[at] + first) / parts[at], (2 * of_all[at] + len(rows)) / parts[at]),
            )
            found[group] = place
            for row in rows:
                taken[row][place] += 1
            of_all[place] += len(rows)
    back = np.empty(len(groups), dtype=np.intp)
    back[order] = np.repeat(found, sizes)
    return back
