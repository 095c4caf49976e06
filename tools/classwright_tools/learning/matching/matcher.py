"""A trained matcher, in memory and on disk: the label of a query and an item, and which words decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.numpy import load_file

from classwright_tools.errors import DamagedArtifact, InvalidInput
from classwright_tools.learning.arrays import save_arrays
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import Head
from classwright_tools.learning.matching.alignment import Alignment
from classwright_tools.learning.matching.lexical import Lexicon
from classwright_tools.learning.matching.linear import FeatureScaling, LinearModel
from classwright_tools.learning.matching.network import MatchNetwork
from classwright_tools.learning.matching.partner import Partner
from classwright_tools.learning.matching.settings import Part
from classwright_tools.learning.matching.table import PairFeatures, PairTable, Vocabulary
from classwright_tools.learning.matching.tokens import TokenProjection, token_pieces

FACTS = "matcher.json"
TENSORS = "matcher.safetensors"
CHUNK = 1024  # pairs at a time
# Of a network's log-odds beside its partner's. With a few hundred labelled mismatches a network is far too certain of
# itself; chosen on queries that no reported figure is from.
NETWORK_SHARE = 0.1
LEAST = 1e-12  # a probability of 0 has no logarithm


class Attention(NamedTuple):
    """The tokens of a query (s of them) and an item (t), and where the matcher looked.

    `weights` (s, t): of the item's tokens for each of the query's, each row sums to 1; `importance` (s,): of the
    query's tokens for the answer, they sum to 1.
    """

    query: tuple[str, ...]
    item: tuple[str, ...]
    weights: np.ndarray
    importance: np.ndarray


@dataclass(frozen=True)
class Matcher:
    """A network and, with `partner`, a linear model whose log-odds are added to its.

    `encoder` is the frozen one that it was trained on; its embeddings are kept in `cache`, if there is one.
    """

    encoder: Encoder
    parts: tuple[Part, ...]
    k: int
    vocabulary: Vocabulary
    scaling: FeatureScaling
    network: MatchNetwork
    partner: Partner | None
    cache: EmbeddingCache | None = None

    def logits(self, queries: Sequence[str], items: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated logits (n, k), float64, of n queries with their items."""
        if len(queries) != len(items):
            raise InvalidInput(
                "the pairs", f"are {len(queries)} queries and {len(items)} items", "Give one item a query."
            )
        if not len(queries):
            return np.zeros((0, self.k))
        table = PairTable.of(queries, items, self.vocabulary, self.encoder, self.cache)
        query_places, item_places = table.places(queries, items)
        chunks = np.array_split(np.arange(len(queries)), range(CHUNK, len(queries), CHUNK))
        logits = np.concatenate([self._log_shares(table, query_places[part], item_places[part]) for part in chunks])
        if self.partner:
            given = self.partner.over(table).probabilities(query_places, item_places)
            logits = NETWORK_SHARE * logits + np.log(np.maximum(given, LEAST))
        return logits

    def attention(self, query: str, item: str) -> Attention:
        """Return where the network looked in this pair.

        Raises:
            InvalidInput: one of the texts has no word.
        """
        tokens = tuple(token_pieces(self.encoder, query)), tuple(token_pieces(self.encoder, item))
        if not all(tokens):
            raise InvalidInput("the pair", "has a text without words", "Give two texts that have some.")
        table = PairTable.of([query], [item], self.vocabulary, self.encoder, self.cache)
        place = np.zeros(1, np.int64)
        with torch.no_grad():
            attended = self.network.attend(self._features(table, place, place))
        return Attention(*tokens, attended.weights[0].double().numpy(), attended.importance[0].double().numpy())

    def _features(self, table: PairTable, queries: np.ndarray, items: np.ndarray) -> PairFeatures:
        return table.features(queries, items, self.scaling.of(table.lexical(queries, items)))

    def _log_shares(self, table: PairTable, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the logarithm of the network's probabilities (n, k)."""
        pairs = self._features(table, queries, items)
        with torch.no_grad():
            shares = softmax(self.network(pairs).double().numpy())
        log_shares: np.ndarray = np.log(np.maximum(shares, LEAST))
        return log_shares

    def save(self, folder: Path) -> None:
        """Write the matcher into `folder` as safetensors and JSON; the frozen encoder is not written."""
        words = list(self.vocabulary.lexicon.idf)
        tensors = {
            "idf": np.array([self.vocabulary.lexicon.idf[word] for word in words]),
            "scaling.mean": self.scaling.mean,
            "scaling.deviation": self.scaling.deviation,
        }
        if self.vocabulary.projection:
            tensors |= {"tokens.mean": self.vocabulary.projection.mean, "tokens.axes": self.vocabulary.projection.axes}
        if self.partner:
            tensors |= {
                "partner.mean": self.partner.model.scaling.mean,
                "partner.deviation": self.partner.model.scaling.deviation,
                "partner.weights": self.partner.model.head.weights,
                "partner.biases": self.partner.model.head.biases,
            }
        if self.partner and self.partner.alignment:
            tensors |= {
                "partner.query_map": self.partner.alignment.query_map,
                "partner.item_map": self.partner.alignment.item_map,
            }
        tensors |= {f"network.{name}": value.numpy() for name, value in self.network.state_dict().items()}
        facts = {
            "parts": self.parts,
            "k": self.k,
            "dimension": self.encoder.dimension,
            "rarest": self.vocabulary.lexicon.rarest,
            "words": words,
        }
        save_arrays(tensors, folder / TENSORS)
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    @staticmethod
    def load(folder: Path, encoder: Encoder, cache: EmbeddingCache | None = None) -> Matcher:
        """Return the matcher that `save` wrote; its answers are the same to the bit. `encoder` is the one it had.

        Raises:
            DamagedArtifact: a file is missing or does not read back.
        """
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            return _read(facts, load_file(folder / TENSORS), encoder, cache)
        except Exception as error:  # safetensors and torch raise many kinds for a file that is none
            raise DamagedArtifact(
                "the matcher", f"does not read back ({type(error).__name__})", "Train it again."
            ) from error


def build_network(
    parts: tuple[Part, ...], encoder: Encoder, projection: TokenProjection | None, k: int
) -> MatchNetwork:
    """Return a network with fresh weights for the encoder's embeddings and the projected tokens."""
    return MatchNetwork(parts, encoder.dimension, projection.axes.shape[1] if projection else 0, k)


def _read(
    facts: dict[str, object], tensors: dict[str, np.ndarray], encoder: Encoder, cache: EmbeddingCache | None
) -> Matcher:
    parts: tuple[Part, ...] = tuple(facts["parts"])  # type: ignore[arg-type]  # as written
    words, k = list(facts["words"]), int(facts["k"])  # type: ignore[call-overload]
    projection = TokenProjection(tensors["tokens.mean"], tensors["tokens.axes"]) if "tokens.mean" in tensors else None
    lexicon = Lexicon(idf=dict(zip(words, tensors["idf"].tolist(), strict=True)), rarest=float(facts["rarest"]))  # type: ignore[arg-type]
    network, start = build_network(parts, encoder, projection, k), "network."
    network.load_state_dict(
        {name[len(start) :]: torch.from_numpy(value) for name, value in tensors.items() if name.startswith(start)}
    )
    partner = None
    if "partner.mean" in tensors:
        head = Head(tensors["partner.weights"], tensors["partner.biases"])
        maps = [tensors[name] for name in ("partner.query_map", "partner.item_map") if name in tensors]
        model = LinearModel(FeatureScaling(tensors["partner.mean"], tensors["partner.deviation"]), head)
        partner = Partner(Alignment(*maps) if maps else None, model)
    scaling = FeatureScaling(tensors["scaling.mean"], tensors["scaling.deviation"])
    return Matcher(encoder, parts, k, Vocabulary(lexicon, projection), scaling, network.eval(), partner, cache)
