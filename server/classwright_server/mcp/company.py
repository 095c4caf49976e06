"""The company at the review page: who else has a task open, so that two people are not led to the same rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from classwright_tools.workspace.workspace import Workspace

GONE_AFTER_S = 15.0
"""A page that is seen asks for news every few seconds."""


class Company:
    """When each person was heard of last, in this process's memory. Safe for several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._heard: dict[tuple[Path, str], dict[str, float]] = {}

    def of(self, workspace: Workspace, task: str, person: str | None) -> list[str]:
        """Return the others who have `task` open; `person`, if one is named, has it open too from now on."""
        with self._lock:
            heard = self._heard.setdefault((workspace.root, task), {})
            now = self._now()
            for other in [one for one, when in heard.items() if now - when > GONE_AFTER_S]:
                del heard[other]
            if person is not None:
                heard[person] = now
            return sorted(other for other in heard if other != person)
