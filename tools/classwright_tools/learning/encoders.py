"""Sentence encoders by name: found on this machine, else fetched from the hub; safetensors only, no remote code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classwright_tools.domain.cards import EncoderRef
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.garbage import importing
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_checks import check_encoder_files
from classwright_tools.learning.encoder_digest import encoder_digest
from classwright_tools.learning.encoder_folders import encoder_folder, folder_here, repository_of
from classwright_tools.learning.windows import (
    OWN_TOKENS,
    Window,
    embed_windows,
    most_windows,
    tokens_at_once,
    usual_prompt,
    windows_of,
)
from classwright_tools.meter import LOADING, metered
from classwright_tools.work import shown_bytes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


BATCH = 32  # texts a forward pass
CHUNK = 256  # texts between two reports of progress and two writes to the cache: one to two seconds on two cores
TEXT_UNITS = 20  # a text takes as long as so many bytes besides its own
CHUNK_CHARACTERS = 400_000  # of a chunk, if its texts are long: a text may have several windows


@dataclass(frozen=True)
class Encoder:
    """A sentence-transformers model, ready to embed, and its digest."""

    ref: EncoderRef
    model: SentenceTransformer

    def embed(
        self,
        texts: Sequence[str],
        cache: EmbeddingCache | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """Return the unit-length embeddings of `texts`: float32, (number of texts, dimension), in their order.

        Of a text that is longer than the encoder takes at once up to `ref.windows` windows are read: see `windows.py`.
        A text that occurs twice, or that `cache` holds, is not computed again. `on_progress` is called with the share
        done every `CHUNK` texts; what it raises stops the work, and what was computed until then stays in the cache.
        """
        unique = list(dict.fromkeys(texts))
        names = self._names_in_cache(unique)
        found = cache.get(self.ref.digest, list(names.values())) if cache else {}
        known = {text: found[name] for text, name in names.items() if name in found}
        # Texts of one length share a batch, so little is padded; the text itself makes the batches the same each time.
        missing = sorted((text for text in unique if text not in known), key=lambda text: (len(text), text))
        done = 0
        for chunk in _chunks(missing):
            if on_progress:
                on_progress(done / len(missing))
            vectors = self._compute(chunk)
            if cache:
                cache.put(self.ref.digest, [names[text] for text in chunk], vectors)
            known.update(zip(chunk, vectors, strict=True))
            done += len(chunk)
        if not unique:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([known[text] for text in texts])

    @property
    def dimension(self) -> int:
        """The number of dimensions of an embedding."""
        return int(self.model.get_embedding_dimension() or 0)

    @property
    def has_layers(self) -> bool:
        """Whether it is a transformer, and not static: a table of the embeddings of words."""
        return hasattr(self.model[0], "auto_model")

    def missing(self, texts: Sequence[str], cache: EmbeddingCache) -> list[str]:
        """Return those of the different `texts` that are not in `cache`: `embed` would compute them."""
        names = self._names_in_cache(texts)
        held = cache.held(self.ref.digest, list(names.values()))
        return [text for text, name in names.items() if name not in held]

    def _compute(self, texts: list[str]) -> np.ndarray:
        with metered(encoding(self.ref.name), encoding_units(texts)):
            return self._computed(texts)

    def _computed(self, texts: list[str]) -> np.ndarray:
        long = self._long(texts)
        whole = [text for text in texts if text not in long]
        vectors: dict[str, np.ndarray] = {}
        if whole:
            found = self.model.encode(whole, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
            vectors.update(zip(whole, np.asarray(found, np.float32), strict=True))
        if long:
            vectors.update(zip(long, embed_windows(self.model, list(long.values())), strict=True))
        return np.stack([vectors[text] for text in texts])

    def _long(self, texts: list[str]) -> dict[str, list[Window]]:
        """Return the windows of those of `texts` that have several."""
        maybe = self._maybe_long(texts)
        if not maybe:
            return {}
        found = zip(maybe, windows_of(self.model, maybe, self.ref.windows), strict=True)
        return {text: windows for text, windows in found if len(windows) > 1}

    def _maybe_long(self, texts: Sequence[str]) -> list[str]:
        """Return those of `texts` that could have several windows: no token stands for less than one byte."""
        most = tokens_at_once(self.model) if self.ref.windows > 1 else None
        if most is None:
            return []
        room = most - OWN_TOKENS - len(usual_prompt(self.model).encode(errors="replace"))
        return [text for text in texts if len(text.encode(errors="replace")) > room]

    def _names_in_cache(self, texts: Sequence[str]) -> dict[str, str]:
        """Return by text what it is kept under: how often it was read is part of it where that makes a difference."""
        long = set(self._maybe_long(texts))
        return {text: f"{self.ref.windows} windows {text}" if text in long else text for text in texts}


def encoding(name: str) -> str:
    """Return the kind of work, for a meter, that the encoder `name` does; of a folder only its name is told."""
    return f"encoding by {shown_name(name)}"


def shown_name(encoder: str) -> str:
    """Return the name of an encoder as it may be told: an operator's folder without where it lies."""
    return Path(encoder).name if Path(encoder).is_absolute() else encoder


def encoding_units(texts: Sequence[str]) -> int:
    """Return the units of work that `texts` are for an encoder: bytes, and what each text takes besides."""
    return shown_bytes(texts) + TEXT_UNITS * len(texts)


def open_encoder(name: str) -> Encoder:
    """Return the encoder `name`: a hub name such as "intfloat/e5-small", or an absolute folder of the operator's.

    It is opened once a process; do not train it in place. It is looked for in the Hugging Face cache, then (the default
    one) in the package that carries it, then on the hub: only the operator's choice is opened by this.

    Raises:
        NotFound: it is nowhere to be found.
        InvalidInput: the name is none, or the model has pickled weights only, or needs code of its own.
        DamagedArtifact: the embedded default does not have the bytes that it must have.
    """
    return opened_once(encoder_folder(name), name)


def encoder_at_hand(name: str, own: Path) -> Encoder:
    """Return the encoder `name` of a model, as `open_encoder` does, but from this machine alone.

    It is looked for first in the folder `own`, where a workspace keeps those that were fetched for it. Nothing is
    fetched: whether a call may, and how much, is for `callers_encoder` to judge.

    Raises:
        NotFound: it is not on this machine.
        InvalidInput: the name is none, or the model has pickled weights only, or needs code of its own.
        DamagedArtifact: the embedded default does not have the bytes that it must have.
    """
    folder = folder_here(name, own)
    if folder is None:
        raise NotFound(
            f"encoder {name!r}",
            "is not on this machine any more, and a model needs the one that it was trained on",
            f"Fetch it with `hf download {repository_of(name)}`, or name it as `encoder` of a `train_classifier` call.",
        )
    return opened_once(folder, name)


@lru_cache(maxsize=4)
def opened_once(folder: Path, name: str) -> Encoder:
    """Return the encoder in `folder`, as `read_encoder` does, reading it once a process."""
    return read_encoder(folder, name)


# What libraries raise over the files of a model that are damaged, or not what they say.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError)


def load_libraries() -> None:
    """Load what encodes and trains, which takes seconds once a process."""
    if "sentence_transformers" not in sys.modules:
        with metered(LOADING, 1), importing():
            import sentence_transformers  # noqa: F401


def read_encoder(folder: Path, name: str) -> Encoder:
    """Return the encoder in `folder` under the name `name`.

    Raises:
        InvalidInput: its files may not be read, or it is not a model that loads without code of its own.
    """
    load_libraries()
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    check_encoder_files(folder, name)
    try:
        model = SentenceTransformer(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (*_UNREADABLE, SafetensorError) as error:
        raise InvalidInput(
            f"encoder {name!r}",
            f"cannot be opened by sentence-transformers without code of its own ({type(error).__name__})",
            "Name a sentence-transformers model with safetensors weights.",
        ) from error
    return Encoder(EncoderRef(name=name, digest=encoder_digest(folder), windows=most_windows(model)), model)


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    """Yield `texts` in parts of `CHUNK`, or fewer where they are long."""
    chunk: list[str] = []
    characters = 0
    for text in texts:
        if chunk and (len(chunk) == CHUNK or characters + len(text) > CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(text)
        characters += len(text)
    if chunk:
        yield chunk
