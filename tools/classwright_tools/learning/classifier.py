"""A classifier as a method fits it and as it is read back: logits of texts, or of pairs that are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from sentence_transformers import SentenceTransformer

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.adapter import Adapter, adapted
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import Head
from classwright_tools.learning.scope import Scope

HEAD = "head.safetensors"
ADAPTER = "adapter.safetensors"
SCOPE = "scope.safetensors"
ROWS_AT_ONCE = 512
"""Rows whose embeddings are held at a time where only what follows from them is kept."""

Tell = Callable[[float], None]
"""Is told the share (0 to 1) of texts that are embedded, and may stop the work by raising."""


class OtherShapes(ValueError):
    """The parts of a classifier that was read back do not fit to each other, to its labels or to its encoder."""


class Classifier(Protocol):
    """What `Method.fit` returns and `Method.load` gives back."""

    @property
    def encoder(self) -> Encoder:
        """The encoder that it works with."""
        ...

    @property
    def tuned(self) -> bool:
        """Whether the encoder was trained along, and is saved with the model; else its name and digest are."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings (n, d), float32, of rows in the space that it works in."""
        ...

    def logits(self, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        """Return the uncalibrated logits (n, k) of texts, or of pairs that are joined as `domain/pair.py` says."""
        ...

    def save(self, folder: Path) -> None:
        """Write into `folder` all but the encoder, as safetensors and JSON."""
        ...


@dataclass(frozen=True, kw_only=True)
class EmbeddingClassifier:
    """An encoder of texts or of pairs, an adapter if there is one, and a head on the embeddings.

    `cache` is set where others use the encoder too. With a `scope` it tells how like the rows that it learnt a text is.
    """

    encoder: Encoder
    head: Head
    adapter: Adapter | None = None
    scope: Scope | None = None
    tuned: bool = False
    cache: EmbeddingCache | None = None

    def embed(self, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        """Return the embeddings (n, d), float32, in the classifier's own space; of single texts they have length 1."""
        embeddings = self.encoder.embed(texts, self.cache, tell)
        return self.adapter.apply(embeddings) if self.adapter else embeddings

    def logits(self, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        """Return the uncalibrated logits (n, k)."""
        return self.head.logits(self.embed(texts, tell))

    def sentence_transformer(self) -> SentenceTransformer:
        """Return what embeds, adapter and all, as one sentence-transformers model; its modules are shared."""
        return adapted(self.encoder.model, self.adapter) if self.adapter else self.encoder.model

    def save(self, folder: Path) -> None:
        """Write the head, and the adapter and the scope if there are such, into `folder`."""
        self.head.save(folder / HEAD)
        if self.adapter:
            self.adapter.save(folder / ADAPTER)
        if self.scope:
            self.scope.save(folder / SCOPE)

    @staticmethod
    def load(
        folder: Path, encoder: Encoder, k: int, *, tuned: bool, cache: EmbeddingCache | None
    ) -> EmbeddingClassifier:
        """Return the classifier of `k` labels that `save` wrote; safetensors raises for a file that is none.

        Raises:
            OtherShapes: its parts do not fit to each other, to `k` labels and to the encoder's dimension.
        """
        head = Head.load(folder / HEAD)
        adapter = Adapter.load(folder / ADAPTER) if (folder / ADAPTER).is_file() else None
        scope = Scope.load(folder / SCOPE) if (folder / SCOPE).is_file() else None
        _check_shapes(head, adapter, scope, encoder.dimension, k)
        return EmbeddingClassifier(encoder=encoder, head=head, adapter=adapter, scope=scope, tuned=tuned, cache=cache)


class Assessed(NamedTuple):
    """The logits (n, k) of texts, and how like the rows that were learnt each is (n,); None where that is not told."""

    logits: np.ndarray
    likeness: np.ndarray | None


def together(parts: Sequence[Assessed]) -> Assessed:
    """Return the answers to the texts of all `parts`, one after the other."""
    likeness = [part.likeness for part in parts if part.likeness is not None]
    return Assessed(np.concatenate([part.logits for part in parts]), np.concatenate(likeness) if likeness else None)


def assessed(classifier: Classifier, texts: Sequence[str], k: int, tell: Tell | None = None) -> Assessed:
    """Return the logits (n, `k`) that the `classifier` gives to `texts`, and how like the rows that it learnt each is.

    Raises:
        InvalidInput: as `logits_of` does.
    """
    if not (isinstance(classifier, EmbeddingClassifier) and classifier.scope):
        return Assessed(logits_of(classifier, texts, k, tell), None)
    embeddings = classifier.embed(texts, tell)
    return Assessed(classifier.head.logits(embeddings), classifier.scope.likeness(embeddings))


def logits_of(classifier: Classifier, texts: Sequence[str], k: int, tell: Tell | None = None) -> np.ndarray:
    """Return the logits (n, `k`) that the `classifier`, which may be of a method of one's own, gives to `texts`.

    Raises:
        InvalidInput: what it gives are not as many finite numbers.
    """
    logits = classifier.logits(texts, tell)
    wanted = (len(texts), k)
    if not isinstance(logits, np.ndarray):
        reason = f"gives a {type(logits).__name__}, not an array of numpy"
    elif logits.shape != wanted:
        reason = f"gives an array of shape {logits.shape}, not {wanted}: a row for each text, a column for each label"
    elif strange := int((~np.isfinite(logits)).any(axis=1).sum()):
        reason = f"gives numbers that are not finite for {strange} of {len(texts)} texts"
    else:
        return logits
    kind = type(classifier)
    raise InvalidInput(f"`logits` of {kind.__qualname__} ({kind.__module__})", reason, "Correct its method.")


def _check_shapes(head: Head, adapter: Adapter | None, scope: Scope | None, dimension: int, k: int) -> None:
    inner = dimension
    shapes: list[tuple[np.ndarray, tuple[int, ...]]] = [(head.biases, (k,))]
    if adapter:
        width, inner = adapter.hidden_biases.size, adapter.biases.size
        shapes += [
            (adapter.hidden_weights, (width, dimension)),
            (adapter.hidden_biases, (width,)),
            (adapter.weights, (inner, width)),
            (adapter.biases, (inner,)),
        ]
    shapes.append((head.weights, (k, inner)))
    if scope:
        shapes.append((scope.means, (len(scope.means), inner)))
    if any(array.shape != shape for array, shape in shapes):
        raise OtherShapes
