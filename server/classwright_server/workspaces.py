"""Whose workspace it is: the operator's, as the settings say, or a folder of a principal's own inside it."""

from __future__ import annotations

import threading
from collections import OrderedDict

from classwright_server.settings import Surroundings
from classwright_tools.workspace.workspace import Workspace

MAX_OPEN = 32
"""Workspaces that one process keeps open; each holds a few descriptors."""


class Workspaces:
    """The workspaces of the operator and the principals, opened when first needed. For several threads at once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._open: OrderedDict[str | None, Workspace] = OrderedDict()

    def of(self, owner: str | None) -> Workspace:
        """Return the workspace of the principal `owner`, making it if need be.

        Raises:
            StorageFailed: it cannot be made or written.
        """
        with self._lock:
            workspace = self._open.pop(owner, None) or _opened(self._surroundings, owner)
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


def _opened(surroundings: Surroundings, owner: str | None) -> Workspace:
    if owner is None:
        return Workspace(surroundings.workspace, surroundings.index_url)
    index_url = _own_index(surroundings.index_url, owner) if surroundings.index_url else None
    return Workspace(surroundings.workspace / "principals" / owner, index_url)


def _own_index(url: str, owner: str) -> str | None:
    """Return the URL of the principal's own index: a schema of that PostgreSQL; None for a file in their folder."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool
    from sqlalchemy.schema import CreateSchema

    own = make_url(url)
    if own.drivername.startswith("sqlite"):
        return None
    schema = f"principal_{owner}"
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(CreateSchema(schema, if_not_exists=True))
    options = f"{own.query.get('options', '')} -csearch_path={schema}".strip()
    return own.update_query_dict({"options": options}).render_as_string(hide_password=False)
