"""A cache of loaded models in a process: those that were used last, as long as their files are as they were read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from classwright_tools.learning.model import Model, load_model
from classwright_tools.workspace.workspace import Workspace

MOST_BYTES = 2 * 2**30
"""Of the weights of all cached models in memory; the one that was used last is cached in any case."""


@dataclass(frozen=True)
class _Cached:
    """A model, its files as they were when it was read, and the bytes of the weights that are its own."""

    model: Model
    files: frozenset[tuple[str, int, int, int]]
    weights: int


_cached: OrderedDict[Path, _Cached] = OrderedDict()  # by the model's folder, so that no workspace meets another's
_lock = threading.Lock()


def cached_model(workspace: Workspace, model_id: str) -> Model:
    """Return the model `model_id`, read anew only if it is not in memory or one of its files was touched since.

    It keeps no embedding of the texts that it is given.

    Raises:
        NotFound: there is no such model, or its encoder or its method is not on this machine.
        DamagedArtifact: a file is missing, changed, or not one that a model may hold; or its encoder has changed.
    """
    folder = workspace.artifact(model_id, "model").path
    with _lock:
        files = _files(folder)
        cached = _cached.pop(folder, None)
        if cached is None or cached.files != files:
            model = load_model(workspace, model_id, remember=False)
            cached = _Cached(model, files, _own_weights(model))
        _cached[folder] = cached
        while len(_cached) > 1 and sum(one.weights for one in _cached.values()) > MOST_BYTES:
            _cached.popitem(last=False)
        return cached.model


def _files(folder: Path) -> frozenset[tuple[str, int, int, int]]:
    """Return what tells whether a file of `folder` was touched: each one's path, bytes, inode and time of change."""
    found = ((path, path.lstat()) for path in folder.rglob("*"))
    return frozenset((str(path), stat.st_size, stat.st_ino, stat.st_ctime_ns) for path, stat in found)


def _own_weights(model: Model) -> int:
    """Return the bytes of the encoder if it is the model's own: frozen ones are shared, and heads are small."""
    if not model.classifier.tuned:
        return 0
    return sum(weights.nbytes for weights in model.encoder.model.parameters())
