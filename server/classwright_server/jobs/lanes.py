"""Which lane a job waits in, read from its request before it starts, so that short work never waits behind long work.

What is fine-tuned, or reads more text than an encoder gets through in a minute or two, is long. What is named by nobody
counts as its slowest: `auto` may fine-tune.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classwright_server.config.settings import Lane, ToolSettings
from classwright_tools.curation.import_paths import resolved_import
from classwright_tools.domain.example import Split
from classwright_tools.errors import ClasswrightError
from classwright_tools.learning.methods.registry import AUTO, METHODS
from classwright_tools.measurement.label_shares import LABELLED

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Workspace

SHORT_BYTES = 1_500_000
"""Text that MiniLM embeds in one to two minutes on two cores; a larger encoder reads less in that time."""
ROW_BYTES = 1_000
"""An encoder reads about so much of a row."""
USUAL_WEIGHTS_BYTES = 90e6
"""MiniLM's."""
QUICK_GENERATORS = ("smote", "mixup", "distribution_calibration")


@dataclass(frozen=True)
class Work:
    """The lane of a job, and what its time can be told from: jobs of a kind take longer the larger they are."""

    lane: Lane
    kind: str
    size: int
    """Bytes of text to read, as many as MiniLM reads in that time, or to write; 0 if it is not known yet."""


@dataclass(frozen=True)
class Asked:
    """A request, and where what it names is."""

    tool: str
    request: Mapping[str, Any]
    workspace: Workspace
    tool_settings: ToolSettings

    def work(self, long: bool, size: int, by: str | None = None) -> Work:
        """Return short work of so many bytes unless it is `long` in any case; its kind is the tool's, done `by`."""
        kind = f"{self.tool} by {by}" if by else self.tool
        return Work("long" if long or size > SHORT_BYTES else "short", kind, size)


Judge = Callable[[Asked], Work]


def writing(asked: Asked) -> Work:
    """What waits for a language model more than it computes."""
    return Work("writing", asked.tool, ROW_BYTES * int(asked.request.get("rows") or 0))


def importing(asked: Asked) -> Work:
    """Rows of the call and small files are short; what is fetched, or large, does not hold the others up."""
    rows, path = asked.request["rows"], asked.request["path"]
    size = _shown(str(row) for row in rows)
    if path:
        size = _import_bytes(path, asked.tool_settings.import_folders)
    # No encoder reads them: a minute is enough for thirty times as much.
    fetched = asked.request["hub"] is not None or size > 30 * SHORT_BYTES
    return Work("writing" if fetched else "short", asked.tool, size)


def training(asked: Asked) -> Work:
    """A fine-tuning is long, and so is what may become one, or has an encoder of its own to fetch."""
    method = asked.request["method"]
    quick = method != AUTO and METHODS[method].cost == "quick" and asked.request["imbalance"] != "auto"
    other_encoder = asked.request["encoder"] not in (None, asked.tool_settings.encoder)
    return asked.work(not quick or other_encoder, _dataset_bytes(asked, asked.request["task"], LABELLED), method)


def generating(asked: Asked) -> Work:
    """A GAN is long; what draws lines or Gaussians is not."""
    method = asked.request["method"]
    long = method not in QUICK_GENERATORS or asked.request["pretrain_dataset"] is not None
    return asked.work(long, _dataset_bytes(asked, asked.request["task"], LABELLED), method)


def measuring(asked: Asked) -> Work:
    """As long as its rows take the models."""
    size = sum(
        int(_dataset_bytes(asked, _task_of(asked), (asked.request["split"],)) * _slowness(asked, asked.request[model]))
        for model in ("model", "against")
        if asked.request[model]
    )
    return asked.work(False, size)


def analysing(asked: Asked) -> Work:
    """As long as the model's training and validation rows take it."""
    rows = _dataset_bytes(asked, _task_of(asked), ("train", "validation"))
    return asked.work(False, int(rows * _slowness(asked, asked.request["model"])))


def classifying(asked: Asked) -> Work:
    """As long as the texts take the model."""
    texts = _shown(str(text) for text in (*asked.request["texts"], *asked.request["pairs"]))
    return asked.work(False, int(texts * _slowness(asked, asked.request["model"])))


def exporting(asked: Asked) -> Work:
    """Reads no text."""
    return asked.work(False, 0)


# --- inside


def _shown(texts: Iterable[str]) -> int:
    """Return the bytes that an encoder reads of texts."""
    return sum(min(len(text.encode()), ROW_BYTES) for text in texts)


def _stored(paths: Iterable[Path]) -> int:
    """Return the bytes of files; of those that are not there none."""
    total = 0
    for path in paths:
        with suppress(OSError, ValueError):
            total += path.stat().st_size
    return total


def _import_bytes(path: str, folders: tuple[Path, ...]) -> int:
    """Return the bytes of the file or the files of the folder `path`; 0 where it may not be imported."""
    with suppress(ClasswrightError):
        found = resolved_import(path, folders)
        return _stored(found.rglob("*") if found.is_dir() else [found])
    return 0


def _task_of(asked: Asked) -> str | None:
    with suppress(ClasswrightError):
        return asked.workspace.artifact(asked.request["model"], "model").task
    return None


def _dataset_bytes(asked: Asked, task: str | None, splits: tuple[Split, ...]) -> int:
    """Return the bytes of the dataset's `splits` that an encoder reads; 0 where there is none yet."""
    from classwright_tools.workspace.datasets import read_card

    if task is None:
        return 0
    with suppress(ClasswrightError):
        dataset = asked.workspace.resolve(asked.request["dataset"], "dataset", task)
        card = read_card(asked.workspace, dataset.id)
        return sum(min(_stored([dataset.path / f"{split}.parquet"]), ROW_BYTES * card.rows(split)) for split in splits)
    return 0


def _slowness(asked: Asked, model: str) -> float:
    """Return how many times as long as MiniLM a model takes for a text; 1 where it has no weights of its own."""
    with suppress(ClasswrightError):
        folder = asked.workspace.artifact(model, "model").path
        return max(1.0, _stored(folder.rglob("*.safetensors")) / USUAL_WEIGHTS_BYTES)
    return 1.0
