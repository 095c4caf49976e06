"""The command `classwright move-index`: index and jobs of a workspace, from SQLite into a PostgreSQL."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from classwright_server.config.place import add_place
from classwright_server.config.settings import ToolSettings
from classwright_tools.domain.excerpt import counted
from classwright_tools.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from dbos import DBOSClient

_JOB_TABLES = ("workflow_status", "workflow_input", "workflow_output")


def add_move(commands: Any) -> None:
    """Add the command to the parsers of the program's others."""
    about = "move index and jobs of a workspace from SQLite into the empty PostgreSQL of --index-url"
    parser = commands.add_parser("move-index", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    add_place(parser)


def run_move(_options: argparse.Namespace, tool_settings: ToolSettings) -> int:
    """Run the command and return its exit code.

    Raises:
        InvalidInput: no PostgreSQL is named or it holds something, the workspace has no SQLite, or a server runs on it.
        StorageFailed: the database does not answer.
    """
    from classwright_server.config.workspaces import PRINCIPALS, index_place
    from classwright_server.jobs.launch import JOBS_FILE, client_of, database_url
    from classwright_server.jobs.liveness import in_use
    from classwright_tools.workspace.database import CREATEDB
    from classwright_tools.workspace.index import INDEX_FILE, open_index
    from classwright_tools.workspace.moving import copy_index, holds_tasks
    from classwright_tools.workspace.unlisted import MOVED

    root, url = tool_settings.workspace, tool_settings.index_url
    if url is None:
        raise InvalidInput("`classwright move-index`", "names no PostgreSQL", "Add --index-url.")
    if not (root / INDEX_FILE).is_file():
        raise InvalidInput(f"workspace {root.name!r}", "has no index in SQLite", "Name its folder with --workspace.")
    if in_use(root):
        raise InvalidInput(f"workspace {root.name!r}", "is in use", "Stop its servers and workers, then call again.")
    here = tool_settings.model_copy(update={"index_url": None})
    owners = [None, *sorted(path.name for path in root.glob(f"{PRINCIPALS}/*") if (path / INDEX_FILE).is_file())]
    new = [open_index(*index_place(tool_settings, owner)) for owner in owners]
    if any(map(holds_tasks, new)):
        repair = f"Name a new one: {CREATEDB}."
        raise InvalidInput("the database of --index-url", "holds tasks already", repair)
    old = [open_index(*index_place(here, owner)) for owner in owners]
    rows = sum(map(copy_index, old, new))
    with client_of(database_url(here)) as source, client_of(database_url(tool_settings)) as target:
        jobs = _copy_jobs(source, target)
    for engine in old + new:
        engine.dispose()
    for owner in owners:
        _set_aside(index_place(here, owner)[0], INDEX_FILE)
    _set_aside(root, JOBS_FILE)
    said = f"{counted(rows, 'row')} of the index and {counted(jobs, 'job')}"
    print(f"Moved {said}. Start all servers with --index-url from now on; *{MOVED} hold what they held: delete them.")  # noqa: T201  # its answer
    return 0


def _copy_jobs(source: DBOSClient, target: DBOSClient) -> int:
    """Copy the jobs with their requests and answers; return how many there are."""
    from classwright_tools.workspace.moving import copy_rows

    old, new = source._sys_db, target._sys_db
    tables = [(getattr(old.tables, name), getattr(new.tables, name)) for name in _JOB_TABLES]
    with old.engine.connect() as reading, new.engine.begin() as writing:
        jobs = copy_rows(reading, writing, tables[:1])
        copy_rows(reading, writing, tables[1:])
    return jobs


def _set_aside(folder: Path, name: str) -> None:
    """Give a file of SQLite, and what stands beside it, names under which nobody opens them."""
    from classwright_tools.workspace.unlisted import MOVED

    for path in folder.glob(f"{name}*"):
        path.rename(path.with_name(f"{path.name}{MOVED}"))
