"""The digest of an encoder: of all its files that embeddings depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from classwright_tools.learning.encoder_checks import OTHER_FORMATS, WEIGHTS

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "*.model")
# What else an embedding depends on: how tokens are pooled, where texts are cut, what is put before them.
SETTINGS_FILES = ("modules.json", "*config*.json")
TRAINING_DATA = "data_config.json"  # what some models tell of their training
STAMPS = ("__version__", "transformers_version", "_name_or_path", "name_or_path")  # who wrote a file, and where


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


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _found(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()})
