"""A workspace as it lies there: its databases are opened and what they hold is counted; what is missing is not made."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from classwright_server.config.settings import ToolSettings
from classwright_server.config.workspaces import PRINCIPALS, SCHEMA
from classwright_server.jobs.disk_quota import MIN_FREE_BYTES, check_room
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import Kind
from classwright_tools.errors import DamagedArtifact, StorageFailed
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.database import check_database, postgres_url
from classwright_tools.workspace.folders import check_writable
from classwright_tools.workspace.index import INDEX_FILE, ArtifactRow, TaskRow
from classwright_tools.workspace.sqlite_files import DAMAGED
from classwright_tools.workspace.unlisted import (
    NAMED,
    check_before,
    check_listed,
    check_not_moved,
    tasks_with_artifacts,
)

COUNTED: tuple[Kind, ...] = ("dataset", "model")


def workspace_told(own: ToolSettings) -> str:
    """Return where the workspace is, its room, and what is in it, as sentences.

    Raises:
        StorageFailed: it cannot be written, or has no room for a job; a database is damaged, missing beside what is
            there, does not answer, or is not that of the artifacts there.
        DamagedArtifact: there are artifacts in the index without a folder.
    """
    root = own.workspace.resolve()
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if there == root or not os.access(there, os.W_OK | os.X_OK):
        check_writable(root, f"workspace {root.name!r}")  # makes nothing: it is there, or cannot be made
    check_room(there, own.most_bytes(None))
    room = (
        f"{shutil.disk_usage(there).free / 2**30:.1f} GiB free, of which jobs leave {MIN_FREE_BYTES / 2**30:.1f}; "
        f"index in {'PostgreSQL' if own.index_url else 'SQLite'}"
    )
    is_there = "can be written" if there == root else "does not exist yet, and a server makes it"
    return f"{root} {is_there}: {room}. {_holdings(root, own.index_url)}"


def _holdings(root: Path, index_url: str | None) -> str:
    """Return how many tasks, datasets, models and jobs there are, as a sentence."""
    counts, missing = Counter[str](), list[str]()
    jobs = waiting = 0
    if index_url:
        check_database(index_url)
        with _engine(postgres_url(index_url)) as connection:
            schemas = sa.inspect(connection).get_schema_names()
            for schema in [None, *(name for name in schemas if name.startswith(SCHEMA))]:
                folder = root / PRINCIPALS / schema.removeprefix(SCHEMA) if schema else root
                own = connection.execution_options(schema_translate_map={None: schema})
                _count(own, folder, schema, counts, missing)
            jobs, waiting = _jobs(connection, "dbos")
    else:
        _check_complete(root)
        for folder in (root, *sorted(root.glob(f"{PRINCIPALS}/*/"))):
            check_before(folder)
            if (path := folder / INDEX_FILE).is_file():
                with _sqlite(path, root) as connection:
                    _count(connection, folder, None, counts, missing)
        if (path := _jobs_file(root)).is_file():
            with _sqlite(path, root) as connection:
                jobs, waiting = _jobs(connection, None)
    if missing:
        of = f"{len(missing):,} of {counted(counts['artifact'], 'artifact')} in the index"
        reason = f"{of} {'has' if len(missing) == 1 else 'have'} no folder: {listed(missing, NAMED)}"
        raise DamagedArtifact(f"workspace {root.name!r}", reason, "Restore the folders of the same backup.")
    if not (counts.total() or jobs):
        return "It is empty."
    held = [counted(counts["task"], "task"), *(counted(counts[kind], kind) for kind in COUNTED), counted(jobs, "job")]
    live = f", of which {waiting:,} {'waits or runs' if waiting == 1 else 'wait or run'}" if waiting else ""
    return f"It holds {listed(held, len(held))}{live}."


def _count(
    connection: sa.Connection, folder: Path, schema: str | None, counts: Counter[str], missing: list[str]
) -> None:
    """Add what an index holds to `counts`, and the ids of its artifacts without a folder to `missing`.

    Raises:
        StorageFailed: it is not the index of the folder.
    """
    is_made = sa.inspect(connection).has_table(ArtifactRow.__tablename__, schema=schema)
    tasks = connection.scalars(sa.select(TaskRow.slug).distinct()).all() if is_made else ()
    check_listed(folder, lambda: tasks)
    if not is_made:
        return
    counts["task"] += len(tasks)
    for id_, task, kind in connection.execute(sa.select(ArtifactRow.id, ArtifactRow.task, ArtifactRow.kind)):
        counts.update((kind, "artifact"))
        if not (folder / task / id_).is_dir():
            missing.append(id_)


def _jobs(connection: sa.Connection, schema: str | None) -> tuple[int, int]:
    """Return how many jobs there are, and how many of them wait or run."""
    from classwright_server.jobs.job_table import LIVE

    if not sa.inspect(connection).has_table("workflow_status", schema=schema):
        return 0, 0
    table = sa.table("workflow_status", sa.column("status"), schema=schema)
    by_status = sa.select(table.c.status, sa.func.count()).group_by(table.c.status)
    counts: dict[str, int] = {row.status: row[1] for row in connection.execute(by_status)}
    return sum(counts.values()), sum(counts.get(status, 0) for status in LIVE)


def _check_complete(root: Path) -> None:
    """Return if there is an index, or nothing that would need one.

    Raises:
        StorageFailed: there are jobs or artifacts without one, as after a restore of a part.
    """
    check_not_moved(root)
    if (root / INDEX_FILE).exists() or not root.is_dir():
        return
    beside = [one.name for one in (_jobs_file(root), root / PRINCIPALS) if one.exists()] + tasks_with_artifacts(root)
    if beside:
        reason = f"has no {INDEX_FILE} beside {listed(beside, NAMED)}"
        raise StorageFailed(f"workspace {root.name!r}", reason, f"Put {INDEX_FILE} back, from the same backup.")


def _jobs_file(root: Path) -> Path:
    from classwright_server.jobs.launch import JOBS_FILE

    return root / JOBS_FILE


@contextmanager
def _sqlite(path: Path, root: Path) -> Iterator[sa.Connection]:
    """Yield a connection with the SQLite file `path` of the workspace `root`, once its pages were found whole."""
    subject = str(path.relative_to(root))
    with storage_errors(subject), _engine(sa.make_url(f"sqlite:///file:{quote(str(path))}?mode=rw&uri=true")) as opened:
        found = opened.scalar(sa.text("PRAGMA quick_check(1)"))
        if found != "ok":
            raise StorageFailed(subject, f"is damaged: {' '.join(str(found).split())}", DAMAGED)
        yield opened


@contextmanager
def _engine(url: sa.URL) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
