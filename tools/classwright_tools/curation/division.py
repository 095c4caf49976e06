"""One source divided among splits: each label by the shares, all pairs of a query in one split."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.arrivals import BATCH_ROWS, Arrival
from classwright_tools.curation.queries import query_digest
from classwright_tools.curation.shingles import digest
from classwright_tools.curation.spool import Spool
from classwright_tools.domain.example import SPLITS, LabelledSplit, Split

Digests = NDArray[np.uint64]


class DividedRows:
    """The usable rows of a source, which wait on the disk for their splits."""

    def __init__(self, rows: Iterable[Sequence[Arrival]], parts: Mapping[LabelledSplit, int], folder: Path) -> None:
        """Read all batches of `rows`, keep them in `folder`, and give each split as many parts as `parts` says."""
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
        shares = [parts[split] for split in named]
        self._place = divided(np.array(groups, dtype=np.uint64), np.array(labels, dtype=np.uint64), shares)

    def batches(self, split: Split) -> Iterator[list[Arrival]]:
        """Yield the rows of `split`, so many at a time."""
        place = self._splits.index(split)
        taken = (
            Arrival(self._numbers[row], content, label, made)
            for row, content, label, made in self._spool.rows(0, len(self._spool))
            if self._place[row] == place
        )
        while batch := list(islice(taken, BATCH_ROWS)):
            yield batch


def divided(groups: Digests, labels: Digests, parts: Sequence[int]) -> NDArray[np.intp]:
    """Return the place in `parts` of each of n rows, from the digests of their groups and of their labels, (n,) each.

    The rows of a group stay together. Groups take turns as in iterative stratification (Sechidis et al., "On the
    stratification of multi-label data", 2011): first those that have a row of the rarest label, the largest of these
    first. Each goes where that label has fewest rows for the share, by the divisors of Sainte-Laguë, and where there is
    a choice, where all labels have. The order of the rows does not matter.
    """
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rarity = np.argsort(np.argsort(counts, kind="stable"))[codes]  # of a row's label: 0 is the rarest
    order = np.lexsort((rarity, groups))
    names, starts = np.unique(groups[order], return_index=True)
    sizes = np.diff(starts, append=len(groups))
    rarest = rarity[order][starts]
    taken = np.zeros((len(counts) + 1, len(parts)))  # rows of each label, and of all labels
    shares = np.array(parts)
    found = np.zeros(len(groups), dtype=np.intp)
    for group in np.lexsort((names, -sizes, rarest)).tolist():
        rows = order[starts[group] : starts[group] + sizes[group]]
        label = rarest[group]
        of_label = (2 * taken[label] + np.count_nonzero(rarity[rows] == label)) / shares
        of_all = (2 * taken[-1] + len(rows)) / shares
        place = np.lexsort((of_all, of_label))[0]
        found[rows] = place
        np.add.at(taken[:, place], rarity[rows], 1)
        taken[-1, place] += len(rows)
    return found
