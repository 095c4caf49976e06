"""Workspaces by principal: the operator's, as the settings say, or a principal's own folder inside it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from weakref import WeakValueDictionary

from classwright_server.config.settings import ToolSettings
from classwright_tools.workspace.workspace import Workspace

PRINCIPALS, SCHEMA = "principals", "principal_"
"""Where those of principals are in the operator's, and how their schemas in a PostgreSQL begin."""
MAX_OPEN = 32
"""Workspaces that one process keeps open; each holds a few descriptors."""


class Workspaces:
    """The workspaces of the operator and the principals, opened when first needed. For several threads at once."""

    def __init__(self, tool_settings: ToolSettings) -> None:
        self._tool_settings = tool_settings
        self._lock = threading.Lock()
        self._open: OrderedDict[str | None, Workspace] = OrderedDict()
        self._opening: WeakValueDictionary[str | None, threading.Lock] = WeakValueDictionary()

    def of(self, owner: str | None) -> Workspace:
        """Return the workspace of the principal `owner`, making it if need be.

        Raises:
            StorageFailed: it cannot be made or written, or its artifacts are not in its index.
        """
        with self._lock:
            kept = self._open.get(owner)
            if kept and (owner is None or kept.root.is_dir()):
                self._open.move_to_end(owner)
                return kept
            if kept:  # whoever looks after the server has deleted what was held of the principal
                self._open.pop(owner).engine.dispose()
            opening = self._opening.setdefault(owner, threading.Lock())
        with opening:  # apart from the lock that every call needs: a database that is away takes seconds
            return self._open.get(owner) or self._keep(owner, Workspace(*index_place(self._tool_settings, owner)))

    def _keep(self, owner: str | None, workspace: Workspace) -> Workspace:
        with self._lock:
            self._open[owner] = workspace
            if len(self._open) > MAX_OPEN:
                _, oldest = self._open.popitem(last=False)
                oldest.engine.dispose()  # connections in use are closed when they are given back
        return workspace

    def close(self) -> None:
        """Give back what the open ones hold."""
        with self._lock:
            for workspace in self._open.values():
                workspace.engine.dispose()
            self._open.clear()


def index_place(tool_settings: ToolSettings, owner: str | None) -> tuple[Path, str | None, str | None]:
    """Return the folder of a principal's workspace, and the URL of its index and the schema there."""
    if owner is None:
        return tool_settings.workspace, tool_settings.index_url, None
    return tool_settings.workspace / PRINCIPALS / owner, tool_settings.index_url, f"{SCHEMA}{owner}"
