"""A trained model, in memory and on disk: safetensors, JSON and tokenizer files, never a pickle.

A model's folder holds `card.json`, what its method's classifier writes and, if its encoder was fine-tuned, the folder
`encoder`. A model on a frozen encoder keeps that encoder's name and digest only. The card names the method, which reads
the classifier back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from classwright.predict import SURE_LABEL, Predictions, sure_labels
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.threshold import THRESHOLD_PLACES
from classwright_tools.errors import ClasswrightError, DamagedArtifact, InvalidInput
from classwright_tools.learning.classifier import Classifier, EmbeddingClassifier, OtherShapes, assessed, logits_of
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_digest import encoder_digest, file_sha256
from classwright_tools.learning.encoders import Encoder, encoder_at_hand, read_encoder
from classwright_tools.learning.fitting import fitted
from classwright_tools.learning.half_precision import store_in_half
from classwright_tools.learning.label_space import Judged, LabelSpace, encode
from classwright_tools.learning.methods.registry import method_of
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.learning.scope import Scope, out_of_scope
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Workspace

logger = logging.getLogger("classwright")

CARD = KINDS["model"].document
ENCODER = "encoder"
NEARLY_ONE = 1 - 1e-12  # of a probability, so that what is left of it has a logarithm
CHECKED_TEXTS = 16
MOST_APART = 0.01  # of the logits' range: a tuned encoder is stored in half precision
_OURS = "classwright_tools."
SAFE_SUFFIXES = frozenset({".safetensors", ".json", ".txt", ".md", ".model"})
REPAIR = "Train it again with `train_classifier`, or use another model."


@dataclass(frozen=True)
class Model:
    """A classifier with its card and its `id`: what it is called, and calibrated answers.

    `names` are what the labels of the card are called by now, those that were merged alike; none are as on the card.
    """

    id: str
    card: ModelCard
    classifier: Classifier
    names: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the probabilities' columns."""
        return tuple(dict.fromkeys(self.names or self.card.labels))

    @property
    def space(self) -> LabelSpace:
        """The labels, and where a row may have several the probabilities from which on they apply.

        The threshold of merged ones is the mean of theirs. It is half of the F1 that a label reaches (`f1_thresholds`),
        and that of the merged one is not known before rows tell it.
        """
        own = self.card.thresholds
        if not own or len(self.labels) == len(own):
            return LabelSpace(self.labels, own)
        merged = self._merged
        return LabelSpace(
            self.labels, tuple(np.round(np.asarray(own) @ merged / merged.sum(axis=0), THRESHOLD_PLACES).tolist())
        )

    @property
    def threshold(self) -> float:
        """The probability below which it is advised to abstain, 0 to 1."""
        return self.card.threshold

    @property
    def sure_from(self) -> tuple[float | None, ...]:
        """Where a row may have several labels: from which probability on each is sure by itself; None is never."""
        return self.card.sure_from or (SURE_LABEL,) * len(self.labels)

    def sure_labels(self, judged: Judged, proba: np.ndarray, foreign: np.ndarray) -> list[tuple[str, ...]]:
        """Return those labels of each answer that are sure by themselves, where a row may have several.

        The answers are those `judged` at the probabilities (n, k), to texts of which some are `foreign` (n,).
        """
        found = Predictions([*judged.answers], proba, judged.sure, foreign)
        return sure_labels(self.labels, self.sure_from, found)

    @property
    def encoder(self) -> Encoder:
        """The encoder that it works with, its own or the frozen one."""
        return self.classifier.encoder

    @property
    def scope(self) -> Scope | None:
        """The means by which it tells what is out of scope; None where it does not tell."""
        return self.classifier.scope if self.card.scope and isinstance(self.classifier, EmbeddingClassifier) else None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings (n, d), float32, of texts or joined pairs in the classifier's own space."""
        return self.classifier.embed(texts)

    def predict_proba(self, texts: Sequence[str], *, as_trained: bool = False) -> np.ndarray:
        """Return the calibrated probabilities (n, k), float64, of texts or joined pairs, in the order of `labels`.

        They are at the task's shares where the card has them, unless they are asked for `as_trained`. Where a row may
        have several labels each is its label's own.
        """
        return self.probabilities(logits_of(self.classifier, texts, len(self.card.labels)), as_trained=as_trained)

    def answers(self, texts: Sequence[str], *, as_trained: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return what `predict_proba` does, and which of the texts (n,) are out of scope, if the model tells that."""
        found = assessed(self.classifier, texts, len(self.card.labels))
        foreign = out_of_scope(found.likeness, self.card.scope, len(texts))
        return self.probabilities(found.logits, as_trained=as_trained), foreign

    def probabilities(self, logits: np.ndarray, *, as_trained: bool = False) -> np.ndarray:
        """Return what `predict_proba` does, of the classifier's logits (n, k)."""
        scaled = logits / self.card.temperature
        offset = scaled if as_trained or not self.card.offsets else scaled + self.card.offsets
        proba = LabelSpace(self.card.labels, self.card.thresholds).probabilities(offset)
        if len(self.labels) == len(self.card.labels):
            return proba
        found: np.ndarray
        if self.card.thresholds:  # a row has the merged label unless it has none of those that became it
            found = 1 - np.exp(np.log1p(-np.minimum(proba, NEARLY_ONE)) @ self._merged)
        else:
            found = proba @ self._merged
        return found

    @property
    def _merged(self) -> np.ndarray:
        """Which of the labels on the card became which of `labels` (old, new)."""
        return encode([(name,) for name in self.names], self.labels)


def save_model(folder: Path, card: ModelCard, classifier: Classifier, texts: Sequence[str] = ()) -> None:
    """Write a model into the empty `folder`; its encoder only if it was tuned.

    The card's digest of a tuned encoder and the checksums of the files are set here. The classifier of a method of
    one's own is read back, and must answer `texts` as it did.

    Raises:
        InvalidInput: it does not, or what it wrote cannot be read.
    """
    classifier.save(folder)
    if classifier.tuned:
        save_encoder(classifier.encoder.model, folder / ENCODER)
        encoder = card.encoder.model_copy(update={"digest": encoder_digest(folder / ENCODER)})
        card = card.model_copy(update={"encoder": encoder})
    if not type(classifier).__module__.startswith(_OURS):
        _check_reads_back(folder, card, classifier, texts)
    files = {name: file_sha256(folder / name) for name in _names(folder)}
    (folder / CARD).write_text(card.model_copy(update={"files": files}).model_dump_json(indent=1), encoding="utf-8")


def _check_reads_back(folder: Path, card: ModelCard, classifier: Classifier, texts: Sequence[str]) -> None:
    """Return if the method of `card` reads `folder` back as the `classifier` that wrote it, judged by some `texts`."""
    method, k = method_of(card, "the model"), len(card.labels)

    def unusable(reason: str) -> InvalidInput:
        whose = f"method {card.method!r} ({type(method).__module__})"
        return InvalidInput(whose, f"{reason}, so that the model would be lost", "Correct its `save` and its `load`.")

    strange = [name for name in _names(folder) if Path(name).suffix not in SAFE_SUFFIXES]
    if strange:
        allowed = ", ".join(sorted(SAFE_SUFFIXES))
        raise unusable(f"saves {strange[0]!r}, which is of no kind that a model may hold ({allowed})")
    encoder = classifier.encoder
    if classifier.tuned:
        encoder = encoder_for(card.kind, replace(read_encoder(folder / ENCODER, card.encoder.name), ref=card.encoder))
    asked = texts[:: max(len(texts) // CHECKED_TEXTS, 1)][:CHECKED_TEXTS]
    try:
        again = logits_of(fitted(method, method.load(folder, card, encoder, None)), asked, k)
    except OtherShapes:
        raise unusable("does not accept what it saved itself: `load` finds parts of other shapes") from None
    except InvalidInput:
        raise
    except Exception as error:  # whatever its code raises
        logger.exception("method %s cannot load what it saved", card.method)
        raise unusable(f"cannot load what it saved ({type(error).__name__}; the log has the traceback)") from error
    before = logits_of(classifier, asked, k)
    if np.abs(again - before).max(initial=0) > MOST_APART * max(np.ptp(before), 1):
        raise unusable(
            "answers otherwise once it was saved and loaded (safetensors writes an array's memory as it lies: give it "
            "np.ascontiguousarray of each)"
        )


def save_encoder(model: SentenceTransformer, folder: Path) -> None:
    """Write an encoder as sentence-transformers does, with safetensors and without a card of its own.

    Weights that were rounded to half precision are stored in it.
    """
    model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    store_in_half(folder)


def load_model(workspace: Workspace, model_id: str, *, remember: bool = True) -> Model:
    """Return the model `model_id`; with `remember`, its encoder's embeddings of the texts are kept, by its digest.

    Raises:
        NotFound: there is no such model, or its encoder or its method is not on this machine: nothing is fetched here.
        DamagedArtifact: a file is missing, changed, or not one that a model may hold; or its encoder has changed.
    """
    folder = workspace.artifact(model_id, "model").path
    subject = f"model {model_id!r}"
    card = _checked_card(folder, subject)
    method = method_of(card, subject)
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
    encoder = replace(encoder, ref=card.encoder)  # which reads as many windows of a text as when it was trained on
    cache = EmbeddingCache(workspace.embeddings, tuned=tuned) if remember else None
    try:
        return Model(model_id, card, method.load(folder, card, encoder_for(card.kind, encoder), cache))
    except OtherShapes as error:
        raise DamagedArtifact(
            subject, "has parts whose shapes are not those of its card and its encoder", REPAIR
        ) from error
    except ClasswrightError:
        raise
    except Exception as error:  # what libraries raise over a file that is none is of many kinds
        raise DamagedArtifact(subject, f"does not read back ({type(error).__name__})", REPAIR) from error


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
