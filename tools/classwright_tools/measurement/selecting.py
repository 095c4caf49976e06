"""The rows of a dataset that a selection means."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.context import ToolContext
from classwright_tools.curation.row_filter import filtered, named
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.pair import joined
from classwright_tools.domain.selection import RowFilter, RowSelection, RowsLike
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import example_of, read_table


@dataclass(frozen=True)
class Selected:
    """Rows of `dataset`, as a table of those that `read_table` returns, in the order of the selection.

    `similarities` (n,) are there where rows were looked for by their meaning, the nearest first.
    """

    dataset: str
    table: Any
    similarities: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def ids(self) -> list[str]:
        """The ids of the rows."""
        return list(self.table["id"].to_pylist())

    def rows(self, begin: int = 0, end: int | None = None) -> list[tuple[Split, Example]]:
        """Return the rows from `begin` to `end`, each with its split."""
        part = self.table.slice(begin, None if end is None else end - begin)
        return [(row["split"], example_of(row)) for row in part.to_pylist()]

    def shuffled(self, seed: int) -> Selected:
        """Return the rows in a random order, which `seed` decides."""
        order = np.random.default_rng(seed).permutation(len(self))
        alike = None if self.similarities is None else self.similarities[order]
        return Selected(self.dataset, self.table.take(order), alike)


def select(context: ToolContext, dataset: str, selection: RowSelection) -> Selected:
    """Return the rows of `dataset` that `selection` means: in its order, else in the dataset's, else the nearest first.

    Raises:
        NotFound: there is no such dataset, or no such label; the nearest is named.
        InvalidInput: an id, a topic, a subtopic, a source type or a contrast is that of no row.
        DamagedArtifact: the dataset does not read back.
    """
    labels = context.workspace.task(context.workspace.artifact(dataset, "dataset").task).label_names
    return select_in(context, dataset, read_table(context.workspace, dataset), selection, labels)


def select_in(
    context: ToolContext, dataset: str, table: Any, selection: RowSelection, labels: Collection[str]
) -> Selected:
    """Return the rows of `table`, those of `dataset` or what became of them, that `selection` means: see `select`.

    `labels` are those of the task.
    """
    if selection.ids:
        return Selected(dataset, table.take(named(table, selection.ids, dataset)))
    there = Selected(dataset, table.take(filtered(table, selection.where or RowFilter(), labels)))
    like = selection.like
    return _nearest(context, there, _sought(table, like, dataset), like) if like else there


def _sought(table: Any, like: RowsLike, dataset: str) -> str:
    """Return the content that the rows are to be like."""
    if like.row is None:
        sought = clean_text(like.text or "")
        if not sought:
            raise InvalidInput("like.text", "holds no characters that can be seen", "Say in words what to look for.")
        return sought
    return str(_contents(table.take(named(table, [like.row], dataset)))[0])


def _nearest(context: ToolContext, there: Selected, sought: str, like: RowsLike) -> Selected:
    """Return the rows of `there` whose meaning is nearest to `sought`; the row that they are to be like is none."""
    import pyarrow.compute as pc

    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.learning.row_search import similarities

    table = there.table.filter(pc.not_equal(there.table["id"], like.row)) if like.row else there.table
    if not len(table):
        return replace(there, table=table)
    context.progress(0.0, "reading the rows")
    alike = similarities(
        _contents(table),
        sought,
        open_encoder(context.encoder),
        EmbeddingCache(context.workspace.cache),
        lambda done: context.progress(done, "reading the rows"),
    )
    nearest = np.argsort(-alike, kind="stable")[: like.count]
    return Selected(there.dataset, table.take(nearest), alike[nearest])


def _contents(table: Any) -> list[str]:
    """Return what each row of a table holds, as one string."""
    texts = table["text"].to_pylist()
    if "text_pair" not in table.column_names:
        return texts
    return [joined(text, text_pair) for text, text_pair in zip(texts, table["text_pair"].to_pylist(), strict=True)]
