"""Queries of each split's pairs: a query in two splits makes a figure too good for queries to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from classwright_tools.curation.shingles import digest, folded
from classwright_tools.domain.example import HELD_OUT, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.pair import SEPARATOR, Content, apart
from classwright_tools.workspace.datasets import iterate_rows
from classwright_tools.workspace.workspace import Workspace


class Queries:
    """The queries of the labelled splits, folded, by split; single texts have none."""

    def __init__(self) -> None:
        self._digests: defaultdict[Split, set[int]] = defaultdict(set)

    def add(self, split: Split, contents: Iterable[Content]) -> None:
        """Take the rows `contents` of `split`."""
        if split != "unlabelled":
            self._digests[split].update(query_digest(content) for content in contents if SEPARATOR in content)

    def elsewhere(self, split: Split, content: Content) -> bool:
        """Whether a labelled split other than `split` has the query of the row `content`, but for case and the like."""
        others = (digests for other, digests in self._digests.items() if other != split)
        return split != "unlabelled" and SEPARATOR in content and any(query_digest(content) in held for held in others)


def queries_of(workspace: Workspace, dataset: str) -> Queries:
    """Return the queries of the labelled rows of `dataset`; none of single texts, whose rows are not read."""
    queries = Queries()
    for split in _labelled_splits(workspace, dataset):
        for batch in iterate_rows(workspace, dataset, split):
            queries.add(split, (row.content for row in batch))
    return queries


def newly_shared(workspace: Workspace, before: str, dataset: str) -> str:
    """Return the sentence on labelled rows that `dataset` has in a split where `before` did not have them, though
    another split of `dataset` has their query; "" of none.
    """
    queries, shared = queries_of(workspace, dataset), 0
    for split in _labelled_splits(workspace, dataset):
        there = {row.id for batch in iterate_rows(workspace, before, split) for row in batch}
        rows = (row for batch in iterate_rows(workspace, dataset, split) for row in batch)
        shared += sum(row.id not in there and queries.elsewhere(split, row.content) for row in rows)
    return shared_remark(shared)


def _labelled_splits(workspace: Workspace, dataset: str) -> tuple[Split, ...]:
    """Return the splits of `dataset` whose rows may share queries: of single texts none."""
    of_pairs = workspace.task(workspace.artifact(dataset, "dataset").task).kind == "pair"
    return (*HELD_OUT, "train") if of_pairs else ()


def shared_remark(shared: int) -> str:
    """Return the sentence on how many rows have a query that another split has too; "" of none."""
    if not shared:
        return ""
    return (
        f"{counted(shared, 'row has', 'rows have')} a query that another split has too, with another item: figures "
        "will say how the model does on queries that it knows."
    )


def query_digest(content: Content) -> int:
    """Return 64 bits that stand for the query of a pair, or for a single text, folded."""
    return digest(folded(apart(content)[0]))
