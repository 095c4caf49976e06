"""What the tests of matching share: made queries and items of a hardware shop, some of them mismatches."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.matching.pairs import Pairs, make_pairs
from classwright_tools.learning.matching.partner import PartnerOver, fit_partner
from classwright_tools.learning.matching.table import PairTable, Vocabulary
from classwright_tools.learning.setup import Setup

MATERIALS = ("steel", "brass", "oak", "plastic", "copper", "marble")
THINGS = ("door handle", "kitchen faucet", "garden hose", "ceiling lamp", "paint roller", "wall shelf")
MATCH, MISMATCH = 0, 1


def made_pairs() -> Pairs:
    """Return 36 matches and 18 mismatches: a mismatch asks for another thing, of the right material or not."""
    queries, items, labels = [], [], []
    for number, material in enumerate(MATERIALS):
        for place, thing in enumerate(THINGS):
            item = f"Home Basics {10 + number}-inch {thing.title()} in {material}, model {100 * number + place}"
            queries.append(f"{material} {thing}")
            items.append(item)
            labels.append(MATCH)
            if place % 2 == 0:
                queries.append(f"{material} {THINGS[(place + 1) % len(THINGS)]}")
                items.append(item)
                labels.append(MISMATCH)
    return make_pairs(queries, items, np.array(labels))


def setup_in(folder: Path, k: int = 2, seed: int = 0) -> Setup:
    """Return the default encoder with a cache in `folder`, for `k` labels."""
    return Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=EmbeddingCache(folder),
        labels=tuple(map(str, range(k))),
        epochs=None,
        seed=seed,
        progress=lambda _done, _message: None,
    )


def placed_rows(folder: Path) -> PlacedRows:
    """Return the made pairs in a table of their embeddings and lexical features, cached in `folder`."""
    pairs, setup = made_pairs(), setup_in(folder)
    vocabulary = Vocabulary.fit((*pairs.queries, *pairs.items), ("lexical",), setup.encoder, setup.cache)
    table = PairTable.of(pairs.queries, pairs.items, vocabulary, setup.encoder, setup.cache)
    return PlacedRows(table, *table.places(pairs.queries, pairs.items), pairs.labels)


def teacher_of(rows: PlacedRows) -> PartnerOver:
    """Return the teacher of negatives that is fitted to `rows`."""
    return fit_partner(rows.table, rows.queries, rows.items, rows.labels, 2, None).over(rows.table)
