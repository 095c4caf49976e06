"""The web server, which tells the calls that wait for a job that it is to stop: so they are answered."""

from __future__ import annotations

from threading import Event
from types import FrameType

import uvicorn


class StoppingServer(uvicorn.Server):
    """Sets `stopping` as soon as the process is told to end; uvicorn waits for what is under way, then cancels it."""

    def __init__(self, config: uvicorn.Config, stopping: Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle the signal `sig`."""
        self._stopping.set()
        super().handle_exit(sig, frame)
