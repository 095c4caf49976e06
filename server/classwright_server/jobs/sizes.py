"""The sizes of what a request names, by which its tool judges how much work a call is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from classwright_server.config.settings import ToolSettings
from classwright_tools.curation.import_paths import resolved_import
from classwright_tools.domain.example import Split
from classwright_tools.errors import ClasswrightError
from classwright_tools.work import READ_BYTES

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Workspace

USUAL_WEIGHTS_BYTES = 90e6
"""MiniLM's."""


class StoredSizes:
    """The `Sizes` of what is stored in a workspace, and of what may be imported into it."""

    def __init__(self, workspace: Workspace, tool_settings: ToolSettings) -> None:
        self.encoder = tool_settings.encoder
        self._workspace = workspace
        self._import_folders = tool_settings.import_folders

    def imported(self, path: str) -> int:
        """Return the bytes of the file or the files of the folder `path`; 0 where it may not be imported."""
        with suppress(ClasswrightError):
            found = resolved_import(path, self._import_folders)
            return _stored(found.rglob("*") if found.is_dir() else [found])
        return 0

    def dataset(self, id_: str | None, task: str, splits: Sequence[Split]) -> int:
        """Return the bytes of the dataset's `splits` that an encoder reads; 0 where there is none yet."""
        from classwright_tools.workspace.datasets import read_card

        with suppress(ClasswrightError):
            dataset = self._workspace.resolve(id_, "dataset", task)
            rows = read_card(self._workspace, dataset.id).rows
            return sum(min(_stored([dataset.path / f"{split}.parquet"]), READ_BYTES * rows(split)) for split in splits)
        return 0

    def slowness(self, model: str) -> float:
        """Return how many times as long as MiniLM a model takes for a text; 1 where it has no weights of its own."""
        with suppress(ClasswrightError):
            folder = self._workspace.artifact(model, "model").path
            return max(1.0, _stored(folder.rglob("*.safetensors")) / USUAL_WEIGHTS_BYTES)
        return 1.0


def _stored(paths: Iterable[Path]) -> int:
    """Return the bytes of files; of those that are not there none."""
    total = 0
    for path in paths:
        with suppress(OSError, ValueError):
            total += path.stat().st_size
    return total
