"""The sets of pairs that the benchmark of matching reads, how each seed divides them, and embeddings in memory."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from sets import CACHE

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.matching.lexical import words_of
from classwright_tools.learning.matching.pairs import Pairs, make_pairs
from classwright_tools.learning.matching.tokens import token_states

MATCH, MISMATCH = 0, 1
TUNING_SHARE = 5  # every fifth query is for choosing: no reported figure comes from it
HELD_OUT = 0.4  # of the other queries, drawn anew for each seed


@dataclass(frozen=True)
class PairSet:
    """A set of pairs: its name, the labels taken for mismatch and match (others are dropped), and rows to train on.

    `queries` is the share of its queries that are read at all.
    """

    name: str
    mismatch: str
    match: str
    mismatches: int
    matches: int
    unlabelled: int
    seeds: int
    queries: float = 1.0


SETS = (
    PairSet("homedepot_search", "irrelevant", "relevant", 200, 2_000, 6_000, 10),
    PairSet("crowdflower_search", "relevance_1", "relevance_4", 100, 500, 1_500, 3),
    PairSet("product_match_amazon_google", "no match", "match", 200, 200, 300, 3),
    PairSet("product_match_walmart_amazon", "no match", "match", 200, 200, 200, 3),
)
# Of a quick try: to embed all texts of the main set alone takes minutes.
QUICK = replace(SETS[0], mismatches=100, matches=500, unlabelled=1_000, seeds=2, queries=0.2)


@dataclass(frozen=True)
class Divided:
    """The rows of one seed: labelled ones, matches without a label, and those of queries held out."""

    labelled: Pairs
    unlabelled: Pairs
    test: Pairs

    @property
    def one_word(self) -> np.ndarray:
        """The places of the test rows whose query, of two words or more, has exactly one that the item lacks."""
        pairs = zip(self.test.queries, self.test.items, strict=True)
        words = [(set(words_of(query)), set(words_of(item))) for query, item in pairs]
        return np.array([place for place, (own, its) in enumerate(words) if len(own) > 1 and len(own - its) == 1])


@cache
def read_pairs(folder: Path, pair_set: PairSet) -> tuple[Pairs, Pairs]:
    """Return the rows for choosing and the rows for the table, of both files together, split by query."""
    rows = []
    for split in ("train", "test"):
        with gzip.open(folder / pair_set.name / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows += [row for row in map(json.loads, file) if row["label"] in (pair_set.mismatch, pair_set.match)]
    labels = np.array([MISMATCH if row["label"] == pair_set.mismatch else MATCH for row in rows])
    pairs = make_pairs([row["query"] for row in rows], [row["item"] for row in rows], labels)
    numbers = np.array([zlib.crc32(" ".join(query.casefold().split()).encode()) for query in pairs.queries])
    tuning, read = numbers % TUNING_SHARE == 0, numbers < pair_set.queries * 2**32
    return pairs.take(np.flatnonzero(tuning & read)), pairs.take(np.flatnonzero(~tuning & read))


def divide(folder: Path, pair_set: PairSet, seed: int, *, tuning: bool = False) -> Divided:
    """Return the rows of `seed`; with `tuning`, tested on the queries for choosing and trained on the others."""
    choosing, rows = read_pairs(folder, pair_set)
    random = np.random.default_rng(seed)
    groups = np.unique(rows.groups)
    held = np.isin(rows.groups, random.choice(groups, int(HELD_OUT * len(groups)), replace=False))
    test = choosing if tuning else rows.take(np.flatnonzero(held))
    bad = random.permutation(np.flatnonzero(~held & (rows.labels == MISMATCH)))[: pair_set.mismatches]
    good = random.permutation(np.flatnonzero(~held & (rows.labels == MATCH)))
    labelled = rows.take(np.concatenate([bad, good[: pair_set.matches]]))
    return Divided(labelled, rows.take(good[pair_set.matches :][: pair_set.unlabelled]), test)


class InMemory(EmbeddingCache):
    """The embeddings of some texts and, once asked for, their tokens': from the cache on the disk, or computed."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(CACHE)
        self._texts = texts

    @cached_property
    def _embeddings(self) -> dict[str, np.ndarray]:
        vectors = open_encoder(DEFAULT_ENCODER).embed(self._texts, EmbeddingCache(CACHE))
        return dict(zip(self._texts, vectors, strict=True))

    @cached_property
    def _tokens(self) -> InMemoryTokens:
        states = token_states(open_encoder(DEFAULT_ENCODER), self._texts, EmbeddingCache(CACHE))
        return InMemoryTokens({text: one.reshape(-1) for text, one in zip(self._texts, states, strict=True)})

    def in_half_precision(self) -> EmbeddingCache:
        """Return the cache of the token embeddings."""
        return self._tokens

    def get(self, encoder: str, texts: Sequence[str]) -> dict[str, np.ndarray]:  # noqa: ARG002  # there is one only
        """Return the vectors of the `texts`, all of which are here."""
        return {text: self._embeddings[text] for text in texts}


class InMemoryTokens(EmbeddingCache):
    """Token embeddings by text, flat."""

    def __init__(self, known: dict[str, np.ndarray]) -> None:
        super().__init__(CACHE)
        self._known = known

    def get(self, encoder: str, texts: Sequence[str]) -> dict[str, np.ndarray]:  # noqa: ARG002  # there is one only
        """Return the vectors of the `texts`, all of which are here."""
        return {text: self._known[text] for text in texts}


@cache
def embeddings_of(folder: Path, pair_set: PairSet) -> InMemory:
    """Return the embeddings of all texts of a set."""
    choosing, rows = read_pairs(folder, pair_set)
    return InMemory(tuple(dict.fromkeys((*choosing.queries, *rows.queries, *choosing.items, *rows.items))))
