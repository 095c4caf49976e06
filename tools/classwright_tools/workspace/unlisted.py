"""Artifacts in a workspace that its index does not list: the index is another one than theirs, or begins anew.

Such an index numbers new artifacts from one, and so would put them in the place of those that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.kinds import kind_of
from classwright_tools.errors import StorageFailed
from classwright_tools.workspace.index import INDEX_FILE
from classwright_tools.workspace.tasks import RESERVED

MOVED = ".moved"
"""What the names of SQLite's files end in once their rows are in a PostgreSQL."""
NAMED = 3
"""Of the tasks that are not known."""


def check_listed(root: Path, tasks: Callable[[], Collection[str]]) -> None:
    """Return if an index that has the `tasks` can be that of the workspace at `root`.

    They are asked for after a look at the folders: what another process makes meanwhile is in both, or in the index.

    Raises:
        StorageFailed: it has none of the tasks of which artifacts are there.
    """
    held = tasks_with_artifacts(root)
    if held and not set(held) & set(tasks()):
        reason = f"holds artifacts that its index does not list, of {listed(held, NAMED)}"
        repair = f"Name their database with --index-url, or put {INDEX_FILE} back, from the same backup."
        raise StorageFailed(f"workspace {root.name!r}", reason, repair)


def check_not_moved(root: Path) -> None:
    """Return if the index of the workspace at `root` can be in SQLite.

    Raises:
        StorageFailed: it was moved into a PostgreSQL.
    """
    if (root / f"{INDEX_FILE}{MOVED}").exists():
        reason = "has its index in a PostgreSQL since it was moved there"
        raise StorageFailed(f"workspace {root.name!r}", reason, "Name that PostgreSQL with --index-url.")


def check_before(root: Path) -> None:
    """Return if the index of the workspace at `root` can be in SQLite, where an empty one is made if none is there.

    Raises:
        StorageFailed: it was moved into a PostgreSQL, or artifacts are there and no index.
    """
    check_not_moved(root)
    if not (root / INDEX_FILE).exists():
        check_listed(root, lambda: ())


def tasks_with_artifacts(root: Path) -> list[str]:
    """Return the tasks of which there are artifacts in the workspace at `root`, in alphabetical order."""
    folders = (one for one in sorted(root.glob("*")) if one.is_dir() and one.name not in RESERVED)
    return [one.name for one in folders if any(_is_artifact(path) for path in one.glob(f"{one.name}-*"))]


def _is_artifact(path: Path) -> bool:
    """Return whether there is an artifact's folder at `path`: others may be in a folder that becomes a workspace."""
    return kind_of(path.name) is not None and path.is_dir()
