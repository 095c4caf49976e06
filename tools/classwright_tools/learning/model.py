"""A trained classifier, in memory and on disk: safetensors, JSON and tokenizer files, never a pickle.

A model's folder holds `card.json`, `head.safetensors`, `adapter.safetensors` if it has an adapter and, if its encoder
was fine-tuned, the folder `encoder`.
A model on a frozen encoder keeps that encoder's name and digest only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from classwright_tools.domain.cards import ModelCard
from classwright_tools.errors import ClasswrightError, DamagedArtifact
from classwright_tools.learning.adapter import Adapter, adapted
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, encoder_at_hand, encoder_digest, file_sha256, read_encoder
from classwright_tools.learning.head import Head
from classwright_tools.learning.matching.matcher import FACTS, Attention, Matcher
from classwright_tools.learning.method import ADAPTER, HEAD, FittedModel
from classwright_tools.learning.pair_encoder import encoder_for, pair_columns
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Workspace

CARD = "card.json"
ENCODER = "encoder"
SAFE_SUFFIXES = frozenset({".safetensors", ".json", ".txt", ".md", ".model"})
_OTHER_SHAPES = "has parts whose shapes are not those of its card and its encoder"
REPAIR = "Train it again with `train_classifier`, or use another model."


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A card and the encoder that it names, and calibrated answers; `cache` is set where others share the encoder."""

    card: ModelCard
    encoder: Encoder
    cache: EmbeddingCache | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the probabilities' columns."""
        return self.card.labels

    @property
    def threshold(self) -> float:
        """The probability below which it is advised to abstain, 0 to 1."""
        return self.card.threshold

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings (n, d), float32, of texts, or the features of pairs."""
        return self.encoder.embed(texts, self.cache)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated logits (n, k) of texts, or of pairs that are joined as `domain/pair.py` says."""
        raise NotImplementedError

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Return the calibrated probabilities (n, k), float64, with the columns in the order of `labels`."""
        return softmax(self.logits(texts) / self.card.temperature)


@dataclass(frozen=True, kw_only=True)
class TextClassifier(Classifier):
    """An encoder of texts or of pairs, an adapter if there is one, and a head."""

    head: Head
    adapter: Adapter | None = None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings (n, d), float32, in the model's own space; of single texts they have unit length."""
        embeddings = super().embed(texts)
        return self.adapter.apply(embeddings) if self.adapter else embeddings

    def sentence_transformer(self) -> SentenceTransformer:
        """Return what embeds, adapter and all, as one sentence-transformers model; its modules are shared."""
        return adapted(self.encoder.model, self.adapter) if self.adapter else self.encoder.model

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated logits (n, k)."""
        return self.head.logits(self.embed(texts))


@dataclass(frozen=True, kw_only=True)
class MatchClassifier(Classifier):
    """A matcher of pairs, which reads their tokens and words itself."""

    matcher: Matcher

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated logits (n, k) of joined pairs."""
        queries, items = pair_columns(texts)
        return self.matcher.logits(queries, items)

    def attention(self, content: str) -> Attention:
        """Return where the matcher looked in a joined pair.

        Raises:
            InvalidInput: one of its texts has no word.
        """
        (query,), (item,) = pair_columns([content])
        return self.matcher.attention(query, item)


def save_model(folder: Path, card: ModelCard, fitted: FittedModel) -> None:
    """Write a model into the empty `folder`; its encoder only if it was tuned.

    The card's digest of a tuned encoder and the checksums of the files are set here.
    """
    fitted.save(folder)
    if fitted.tuned:
        save_encoder(fitted.encoder.model, folder / ENCODER)
        encoder = card.encoder.model_copy(update={"digest": encoder_digest(folder / ENCODER)})
        card = card.model_copy(update={"encoder": encoder})
    files = {name: file_sha256(folder / name) for name in _names(folder)}
    (folder / CARD).write_text(card.model_copy(update={"files": files}).model_dump_json(indent=1), encoding="utf-8")


def save_encoder(model: SentenceTransformer, folder: Path) -> None:
    """Write an encoder as sentence-transformers does, with safetensors and without a card of its own."""
    model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def load_model(workspace: Workspace, model_id: str, *, remember: bool = True) -> Classifier:
    """Return the model `model_id`; with `remember`, its encoder's embeddings of the texts are kept, by its digest.

    Raises:
        NotFound: there is no such model, or its encoder is not on this machine: none is fetched here.
        DamagedArtifact: a file is missing, changed, or not one that a model may hold; or its encoder has changed.
    """
    folder = workspace.artifact(model_id, "model").path
    subject = f"model {model_id!r}"
    card = _checked_card(folder, subject)
    tuned = (folder / ENCODER).is_dir()
    try:
        name = card.encoder.name
        encoder = read_encoder(folder / ENCODER, name) if tuned else encoder_at_hand(name, workspace.encoders)
    except (ValueError, KeyError, OSError) as error:
        raise DamagedArtifact(subject, f"does not read back ({type(error).__name__})", REPAIR) from error
    if encoder.ref.digest != card.encoder.digest:
        raise DamagedArtifact(
            subject,
            f"was trained on an encoder {card.encoder.name!r} whose files have changed since",
            "Put the encoder's former files back, or train the model again.",
        )
    cache = EmbeddingCache(workspace.cache, tuned=tuned) if remember else None
    if (folder / FACTS).is_file():
        matcher = Matcher.load(folder, encoder, cache)
        if matcher.k != len(card.labels):
            raise DamagedArtifact(subject, _OTHER_SHAPES, REPAIR)
        return MatchClassifier(card=card, encoder=encoder_for(card.kind, encoder), cache=cache, matcher=matcher)
    try:
        head = Head.load(folder / HEAD)
        adapter = Adapter.load(folder / ADAPTER) if (folder / ADAPTER).is_file() else None
    except (ValueError, KeyError, OSError, SafetensorError) as error:
        raise DamagedArtifact(subject, f"does not read back ({type(error).__name__})", REPAIR) from error
    own = encoder_for(card.kind, encoder)
    _check_shapes(head, adapter, own.dimension, len(card.labels), subject)
    return TextClassifier(card=card, encoder=own, head=head, adapter=adapter, cache=cache)


def _check_shapes(head: Head, adapter: Adapter | None, dimension: int, k: int, subject: str) -> None:
    """Raise a `DamagedArtifact` if the parts do not fit to each other, to `k` labels and to the encoder's dimension."""
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
    if any(array.shape != shape for array, shape in shapes):
        raise DamagedArtifact(subject, _OTHER_SHAPES, REPAIR)


def _checked_card(folder: Path, subject: str) -> ModelCard:
    """Return the card, after comparing every file in the folder with it."""
    try:
        card = ModelCard.model_validate_json(read_own(folder / CARD))
    except (OSError, ValueError) as error:
        raise DamagedArtifact(subject, f"its {CARD!r} cannot be read back", REPAIR) from error
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise _damaged(subject, path.relative_to(folder).as_posix(), "is a link, which is not followed")
    present = set(_names(folder)) - {CARD}
    for name in sorted(present | card.files.keys()):
        if name not in present:
            raise _damaged(subject, name, "is missing")
        if name not in card.files or Path(name).suffix not in SAFE_SUFFIXES:
            raise _damaged(subject, name, "does not belong to the model and is not opened")
        if file_sha256(folder / name) != card.files[name]:
            raise _damaged(subject, name, "has changed since it was written")
    return card


def _damaged(subject: str, name: str, reason: str) -> ClasswrightError:
    return DamagedArtifact(subject, f"its file {name!r} {reason}", REPAIR)


def _names(folder: Path) -> list[str]:
    """Return the paths of all files in `folder`, relative to it, with '/'."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
