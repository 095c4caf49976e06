"""The context of a tool's call, besides its request: the workspace, the writer, progress, cancellation, the seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classwright_tools.domain.usage import UNCAPPED, Caps
from classwright_tools.errors import Cancelled

if TYPE_CHECKING:
    from pathlib import Path

    from classwright_tools.domain.writer import Writer
    from classwright_tools.workspace.workspace import Workspace

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
AUTO_ENCODER = "auto"
"""What a call names to have the best of the encoders at hand chosen."""


def _silent(fraction: float | None, message: str) -> None:
    """Report to nobody."""


def _endless() -> float:
    return math.inf


def _never() -> bool:
    return False


@dataclass(frozen=True)
class ToolContext:
    """The surroundings of one call of a tool.

    `run_key` names the call: an artifact that a run made is found again by it, so that a job which is repeated
    after a crash makes nothing twice. `hub` says whether a call may name what is on the Hugging Face hub,
    `is_operator` whether the caller may use what the operator has in the hub's cache on this machine, `room` how many
    bytes the caller's workspace may still take.
    """

    workspace: Workspace
    run_key: str
    writer: Writer | None = None
    encoder: str = DEFAULT_ENCODER
    import_folders: tuple[Path, ...] = ()
    hub: bool = True
    is_operator: bool = True
    room: Callable[[], float] = field(default=_endless)
    caps: Caps = UNCAPPED
    seed: int = 0
    report: Callable[[float | None, str], None] = field(default=_silent)
    is_cancelled: Callable[[], bool] = field(default=_never)

    def progress(self, fraction: float | None, message: str) -> None:
        """Report progress (0 to 1, or None when unknown), and stop here if the caller asked to.

        Raises:
            Cancelled: the caller asked to stop.
        """
        if self.is_cancelled():
            raise Cancelled
        self.report(fraction, message)
