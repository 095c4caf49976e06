"""A table of pairs for a network: the different queries and items, represented once, and any pair of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.matching.lexical import LexicalTable, Lexicon
from classwright_tools.learning.matching.settings import Part
from classwright_tools.learning.matching.tokens import TokenProjection, TokenTable, token_states


@dataclass(frozen=True)
class Vocabulary:
    """Statistics of the training texts, fitted before any network: the words' idf, and the principal axes of tokens."""

    lexicon: Lexicon
    projection: TokenProjection | None

    @staticmethod
    def fit(
        texts: Sequence[str],
        parts: tuple[Part, ...],
        encoder: Encoder,
        cache: EmbeddingCache | None,
        on_progress: Callable[[float], None] | None = None,
    ) -> Vocabulary:
        """Return the vocabulary of different training `texts`; the projection only where `parts` need it.

        `on_progress` is told of the tokens' states as by `token_states`.
        """
        wanted = "tokens" in parts
        projection = TokenProjection.fit(token_states(encoder, texts, cache, on_progress)) if wanted else None
        return Vocabulary(lexicon=Lexicon.fit(texts), projection=projection)


@dataclass(frozen=True)
class PairFeatures:
    """A batch of b pairs: embeddings (b, d) of both, lexical features (b, 10), tokens (b, t, p) with masks (b, t)."""

    query: torch.Tensor
    item: torch.Tensor
    lexical: torch.Tensor
    query_tokens: tuple[torch.Tensor, torch.Tensor] | None
    item_tokens: tuple[torch.Tensor, torch.Tensor] | None


@dataclass(frozen=True)
class PairTable:
    """The different queries and items of some pairs, represented once; a pair is two places in it."""

    queries: tuple[str, ...]
    items: tuple[str, ...]
    query_embeddings: torch.Tensor
    item_embeddings: torch.Tensor
    words: LexicalTable
    query_tokens: TokenTable | None
    item_tokens: TokenTable | None

    @staticmethod
    def of(
        queries: Sequence[str],
        items: Sequence[str],
        vocabulary: Vocabulary,
        encoder: Encoder,
        cache: EmbeddingCache | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> PairTable:
        """Return the table of the different ones of `queries` and of `items`, in the order in which they come.

        `on_progress` is told of the embeddings as by `Encoder.embed`, of the queries' and then of the items'.
        """
        queries, items = tuple(dict.fromkeys(queries)), tuple(dict.fromkeys(items))
        projection = vocabulary.projection
        return PairTable(
            queries=queries,
            items=items,
            query_embeddings=torch.from_numpy(encoder.embed(queries, cache, on_progress)),
            item_embeddings=torch.from_numpy(encoder.embed(items, cache, on_progress)),
            words=LexicalTable.of(queries, items, vocabulary.lexicon),
            query_tokens=projection.table(token_states(encoder, queries, cache)) if projection else None,
            item_tokens=projection.table(token_states(encoder, items, cache)) if projection else None,
        )

    def places(self, queries: Sequence[str], items: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the places (n,) of the queries and of the items of n pairs."""
        query_places = {query: place for place, query in enumerate(self.queries)}
        item_places = {item: place for place, item in enumerate(self.items)}
        return (
            np.array([query_places[query] for query in queries], np.int64),
            np.array([item_places[item] for item in items], np.int64),
        )

    def cosines(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the cosine (n,) of the embeddings of each pair of places."""
        products = self.query_embeddings[queries] * self.item_embeddings[items]
        return products.sum(dim=1).double().numpy()

    def lexical(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the lexical features (n, 10), float64, of pairs of places."""
        return self.words.features(queries, items, self.cosines(queries, items))

    def features(self, queries: np.ndarray, items: np.ndarray, lexical: np.ndarray) -> PairFeatures:
        """Return what a network sees of pairs of places; `lexical` are their features, scaled as it was trained."""
        query, item = torch.from_numpy(queries), torch.from_numpy(items)
        return PairFeatures(
            query=self.query_embeddings[query],
            item=self.item_embeddings[item],
            lexical=torch.from_numpy(lexical).float(),
            query_tokens=self.query_tokens.of(query) if self.query_tokens else None,
            item_tokens=self.item_tokens.of(item) if self.item_tokens else None,
        )
