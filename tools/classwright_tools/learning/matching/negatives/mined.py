"""Mined negatives: for each item the queries that the encoder finds near it and that are not its own."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.matching.negatives.drawn import NO_QUERY, Drawn, PlacedRows
from classwright_tools.learning.matching.settings import MiningSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class MinedQueries:
    """The queries that `sentence_transformers.util.mine_hard_negatives` finds for the items of the rows that match."""

    def __init__(self, rows: PlacedRows, mismatch: int, settings: MiningSettings, seed: int) -> None:
        """Mine for all rows whose label is not `mismatch`; the same `seed` finds the same.

        Raises:
            InvalidInput: the library refuses the settings.
        """
        self._rows = rows
        self._found: dict[int, list[int]] = {}
        items, queries = _mined(rows, np.flatnonzero(rows.labels != mismatch), settings, seed).T
        fits = ~rows.known(queries, items)
        for item, query in zip(items[fits].tolist(), queries[fits].tolist(), strict=True):
            self._found.setdefault(item, []).append(query)

    def draw(self, rows: np.ndarray, generator: np.random.Generator) -> Drawn:
        """Return one of the item's mined queries for each of the `rows` (m,), with the target 1."""
        queries = np.full(len(rows), NO_QUERY)
        for place, item in enumerate(self._rows.items[rows].tolist()):
            found = self._found.get(item)
            if found:
                queries[place] = found[generator.integers(len(found))]
        return Drawn(queries, np.ones(len(rows)))


def _mined(rows: PlacedRows, matches: np.ndarray, settings: MiningSettings, seed: int) -> np.ndarray:
    """Return the places (m, 2) of the items and of the queries of the mined negatives."""
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    table = rows.table
    pairs = Dataset.from_dict(
        {
            "item": [table.items[place] for place in rows.items[matches]],
            "query": [table.queries[place] for place in rows.queries[matches]],
        }
    )
    try:
        with (
            _pythons_stream(seed),
            contextlib.redirect_stdout(io.StringIO()),  # it prints anyway
            contextlib.redirect_stderr(io.StringIO()),
        ):
            found = mine_hard_negatives(
                pairs,
                cast("SentenceTransformer", _Remembered(rows)),
                anchor_column_name="item",
                positive_column_name="query",
                corpus=list(table.queries),
                output_format="triplet",
                verbose=False,
                **settings.model_dump(),
            )
    except ValueError as error:
        raise InvalidInput("the settings of mining", str(error), "Change them, or use random negatives.") from error
    queries = {query: place for place, query in enumerate(table.queries)}
    items = {item: place for place, item in enumerate(table.items)}
    columns = zip(found["item"], found["negative"], strict=True)
    return np.array([(items[item], queries[query]) for item, query in columns], np.int64).reshape(-1, 2)


@contextlib.contextmanager
def _pythons_stream(seed: int) -> Iterator[None]:
    """Draw Python's random numbers, which the library samples by, from `seed`; leave the caller's as they were."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


class _Remembered:
    """The parts of a `SentenceTransformer` that the library mines with, over embeddings that are there already."""

    device = torch.device("cpu")

    def __init__(self, rows: PlacedRows) -> None:
        self._queries = dict(zip(rows.table.queries, rows.table.query_embeddings, strict=True))
        self._items = dict(zip(rows.table.items, rows.table.item_embeddings, strict=True))

    def encode_query(self, texts: Sequence[str], **_: object) -> torch.Tensor:
        return torch.stack([self._items[text] for text in texts])

    def encode_document(self, texts: Sequence[str], **_: object) -> torch.Tensor:
        return torch.stack([self._queries[text] for text in texts])

    @staticmethod
    def similarity(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return one @ other.T

    @staticmethod
    def similarity_pairwise(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (one * other).sum(dim=1)
