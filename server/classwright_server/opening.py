"""The opening of the runtime: when it is first needed, by itself after a while, and again where it failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from classwright_server.config.settings import ServerSettings
from classwright_server.incidents import masked
from classwright_server.runtime import Runtime
from classwright_tools.errors import ClasswrightError

if TYPE_CHECKING:
    from classwright_server.jobs.warm import WarmProcesses

logger = logging.getLogger("classwright")

OPEN_AFTER_SECONDS = 3.0
"""A server that is not called opens its workspace after so long, to take over what a dead one left."""
OPEN_AGAIN_SECONDS = 15.0
"""After a try that failed: a server that says that it is not ready may be sent no call that tries again."""


class Opening:
    """The runtime of a process once it is open."""

    def __init__(self, settings: ServerSettings, warm: WarmProcesses | None) -> None:
        self._settings = settings
        self._warm = warm
        self._runtime: Runtime | None = None
        self._opening = anyio.Lock()
        self.failed = False
        """Whether it could not be opened when that was last tried."""

    async def runtime(self) -> Runtime:
        """Return what is open, opening it if need be.

        Raises:
            StorageFailed: the workspace cannot be made or written.
        """
        async with self._opening:
            if self._runtime is None:
                try:
                    with anyio.CancelScope(shield=True):  # what is half open could not be closed
                        self._runtime = await anyio.to_thread.run_sync(Runtime, self._settings, self._warm)
                finally:
                    self.failed = self._runtime is None
            assert self._runtime is not None
            return self._runtime

    async def open_later(self) -> None:
        """Open it by itself. What fails is logged alone: it ends nothing, and a caller of a tool gets the same."""
        if not self._settings.vllm:  # a model takes long to load: it starts at once
            await anyio.sleep(OPEN_AFTER_SECONDS)
        while True:
            try:
                await self.runtime()
            except ClasswrightError as error:
                logger.error("%s", error)
            except Exception as error:  # noqa: BLE001  # whatever it is, others are served by this process
                masked("the start", error)
            else:
                return
            await anyio.sleep(OPEN_AGAIN_SECONDS)

    async def close(self) -> None:
        """Close what is open; it is opened again when it is needed again."""
        if self._runtime:
            runtime, self._runtime = self._runtime, None
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(runtime.close)
