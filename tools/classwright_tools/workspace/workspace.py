"""The workspace: tasks and artifacts, each made once and never changed."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from classwright_tools.domain.kinds import KINDS, Kind
from classwright_tools.domain.noun import Noun
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound, unknown_id
from classwright_tools.workspace.atomic import clear_stale, move_folder, staged_folder, storage_errors
from classwright_tools.workspace.folders import check_writable
from classwright_tools.workspace.index import ArtifactRow, TaskRow, in_utc, open_index, reading
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.tasks import Tasks
from classwright_tools.workspace.unlisted import check_before, check_listed

N = TypeVar("N", bound=Noun)
Beside = Callable[[Session, str], None]
"""Stores what belongs to an artifact, by its id, in the transaction that makes it: both are there, or neither."""


@dataclass(frozen=True)
class Artifact:
    """Where an artifact is and how it came to be; `facts` are its small figures, for lists."""

    id: str
    kind: Kind
    task: str
    number: int
    parent: str | None
    run_key: str
    facts: dict[str, Any]
    created: datetime
    path: Path


class Overtaken(Exception):
    """Another artifact of the kind was made while this one was: its maker tries again, on that one."""


class Workspace(Tasks):
    """A folder of artifacts and the index of them. Several processes may use one workspace at once."""

    def __init__(self, root: Path, index_url: str | None = None, schema: str | None = None) -> None:
        """Open the workspace at `root`, making it if need be; `index_url` is SQLAlchemy's, SQLite in `root` by default.

        Workspaces that share a PostgreSQL have a `schema` each.

        Raises:
            StorageFailed: the folder cannot be made or written, or holds artifacts that the index does not list.
        """
        self.root = root.resolve()
        subject = f"workspace {root.name!r}"
        check_writable(self.root, subject)
        with storage_errors(subject):
            if index_url is None:
                check_before(self.root)
            self.engine = open_index(self.root, index_url, schema)
            check_listed(self.root, self.tasks)
            clear_stale(self.root)

    @property
    def cache(self) -> Path:
        """Where is kept what can be computed again, for all hosts; it need not exist."""
        return self.root / "cache"

    @property
    def embeddings(self) -> Path:
        """Where embeddings are kept; it need not exist.

        Its files are SQLite's, whose log works between the processes of one host only: where hosts share a workspace,
        which takes a PostgreSQL, each has a folder of its own.
        """
        return self.cache if self.engine.dialect.name == "sqlite" else self.cache / platform.node()

    @property
    def encoders(self) -> Path:
        """Where the encoders that were fetched for this workspace are, by their names; it need not exist.

        Models need them: one that is gone is fetched again by a training that names it, and by nothing else.
        """
        return self.cache / "encoders"

    def publish(
        self,
        kind: Kind,
        task: str,
        write: Callable[[Path], None],
        *,
        run_key: str,
        parent: str | None = None,
        on_newest: bool = False,
        facts: dict[str, Any] | None = None,
        beside: Beside | None = None,
    ) -> Artifact:
        """Make an artifact: `write` fills its folder, which then appears whole, and only then is indexed.

        `write` must not need the id, and must not open the index. If the run `run_key` already made an artifact of
        this kind, that one is returned and `write` is not called. With `on_newest` the `parent` must still be the
        task's newest artifact of the kind, and None still mean that there is none. `beside` stores what belongs to it.

        Raises:
            StorageFailed: the disk is full or not writable; nothing was indexed.
            NotFound: the task was removed meanwhile; nothing was indexed.
            Overtaken: `on_newest`, and another was made meanwhile; nothing was indexed.
        """
        made = self.made_by(run_key, kind)
        if made:
            return made
        with storage_errors(f"{kind} of task {task!r}"), staged_folder(self.root / task, write) as staged:
            row = ArtifactRow(task=task, kind=kind, parent=parent, run_key=run_key, facts=facts or {})
            try:
                return self._index(staged, row, on_newest=on_newest, beside=beside)
            except (IntegrityError, Overtaken):  # perhaps the same run, repeated at the same time, was first
                made = self.made_by(run_key, kind)
                if made is None:
                    raise
                return made

    def _index(self, staged: Path, row: ArtifactRow, *, on_newest: bool, beside: Beside | None) -> Artifact:
        """Give `row` the next number of its kind, move its folder into place and commit."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            locked = select(TaskRow).where(TaskRow.slug == row.task).with_for_update()  # SQLite locks all at BEGIN
            if not session.scalars(locked).all():
                raise NotFound(f"task {row.task!r}", "is not there any more", "Make it again with propose_topics.")
            newest = session.scalar(
                select(func.max(ArtifactRow.number)).where(ArtifactRow.task == row.task, ArtifactRow.kind == row.kind)
            )
            if on_newest and row.parent != (_id_of(row.task, row.kind, newest) if newest else None):
                raise Overtaken
            row.number = (newest or 0) + 1
            row.id = _id_of(row.task, row.kind, row.number)
            session.add(row)
            session.flush()  # a second run with this key fails here, before its folder moves
            if beside:
                beside(session, row.id)
            move_folder(staged, self._path(row))
        return self._artifact(row)

    def publish_document(
        self,
        kind: Kind,
        task: str,
        document: Noun,
        *,
        run_key: str,
        parent: str | None = None,
        on_newest: bool = False,
        **facts: Any,
    ) -> Artifact:
        """Make an artifact that is one JSON document (a topic tree, a plan, an assignment), as `publish` does."""

        def write(folder: Path) -> None:
            (folder / KINDS[kind].document).write_text(document.model_dump_json(indent=1), encoding="utf-8")

        return self.publish(kind, task, write, run_key=run_key, parent=parent, on_newest=on_newest, facts=facts)

    def document(self, id_: str, kind: Kind, model: type[N]) -> N:
        """Return the JSON document of the artifact `id_` as a `model`.

        Raises:
            NotFound: there is no such artifact of that kind.
            DamagedArtifact: its file is gone or does not read back.
        """
        path = self.artifact(id_, kind).path / KINDS[kind].document
        try:
            return model.model_validate_json(read_own(path))
        except (OSError, ValidationError) as error:
            raise DamagedArtifact(
                f"{kind} {id_!r}",
                "its document cannot be read back",
                "Make it again with the tool that made it.",
            ) from error

    def artifact(self, id_: str, kind: Kind) -> Artifact:
        """Return the artifact `id_`, which must be of `kind`.

        Raises:
            NotFound: there is none; the nearest id of that kind is named.
            InvalidInput: it is of another kind.
            DamagedArtifact: a link stands where its folder was.
        """
        with reading(self.engine) as session:
            row = session.get(ArtifactRow, id_)
            if row is not None and row.kind == kind:
                return self._own(self._artifact(row))
            wanted = KINDS[kind]
            if row is not None:
                raise InvalidInput(
                    f"{id_!r}", f"is {KINDS[row.kind].one}, not {wanted.one}", f"Pass the id of {wanted.one}."
                )
            raise unknown_id(wanted.words, id_, session.scalars(select(ArtifactRow.id).where(ArtifactRow.kind == kind)))

    def latest(self, kind: Kind, task: str) -> Artifact | None:
        """Return the newest artifact of `kind` in `task`, or None."""
        return next(iter(self.artifacts(task, kind, limit=1)), None)

    def artifacts(
        self, task: str, kind: Kind | None = None, *, limit: int | None = None, offset: int = 0
    ) -> Sequence[Artifact]:
        """Return the artifacts of `task`, newest first: those of one `kind` by number, others by the hosts' clocks.

        Without a `limit` these are all. Where only some are needed, as on a page, the others are not read.
        """
        query = select(ArtifactRow).where(ArtifactRow.task == task)
        # Across kinds, numbers say nothing.
        query = query.where(ArtifactRow.kind == kind) if kind else query.order_by(ArtifactRow.created.desc())
        query = query.order_by(ArtifactRow.number.desc()).limit(limit).offset(offset)
        with reading(self.engine) as session:
            return [self._artifact(row) for row in session.scalars(query)]

    def resolve(self, id_: str | None, kind: Kind, task: str) -> Artifact:
        """Return the artifact `id_`, or the newest of `kind` in `task` when `id_` is None.

        Raises:
            NotFound: there is none.
            InvalidInput: `id_` belongs to another task.
        """
        found = self.artifact(id_, kind) if id_ else self.latest(kind, task)
        name = KINDS[kind].words
        if found is None:
            raise NotFound(f"task {task!r}", f"has no {name} yet", f"Make one first, or pass a {name} id.")
        if found.task != task:
            raise InvalidInput(f"{name} {id_!r}", f"belongs to task {found.task!r}", f"Pass a {name} of {task!r}.")
        return found

    def made_by(self, run_key: str, kind: Kind) -> Artifact | None:
        """Return the artifact of `kind` that the run `run_key` made, or None."""
        with reading(self.engine) as session:
            row = session.scalars(
                select(ArtifactRow).where(ArtifactRow.run_key == run_key, ArtifactRow.kind == kind)
            ).first()
            return self._artifact(row) if row else None

    def made_in(self, run_key: str) -> list[str]:
        """Return the ids of all artifacts that the run `run_key` made, in the order of their making."""
        with reading(self.engine) as session:
            made = select(ArtifactRow.id).where(ArtifactRow.run_key == run_key).order_by(ArtifactRow.created)
            return list(session.scalars(made))

    def dataset_read(self, id_: str | None, task: str, *, run_key: str, makes: Kind) -> str:
        """Return the id of the dataset to read for an artifact of the kind `makes`: `id_`, or else the task's newest.

        A run that is repeated reads the one that it read when it made the artifact, whatever was made since.

        Raises:
            NotFound: there is none.
            InvalidInput: `id_` is no dataset, or belongs to another task.
        """
        made = self.made_by(run_key, makes)
        return str(made.facts["dataset"]) if made else self.resolve(id_, "dataset", task).id

    # --- inside

    @staticmethod
    def _own(artifact: Artifact) -> Artifact:
        """Return `artifact` if its folder is one in the workspace; a link may lead to files of anybody's."""
        if artifact.path.is_symlink() or artifact.path.parent.is_symlink():
            raise DamagedArtifact(
                f"{artifact.kind} {artifact.id!r}",
                "has a link in the place of its folder, which is not followed",
                "Put the folder itself back, or make it again.",
            )
        return artifact

    def _path(self, row: ArtifactRow) -> Path:
        return self.root / row.task / row.id

    def _artifact(self, row: ArtifactRow) -> Artifact:
        return Artifact(
            id=row.id,
            kind=row.kind,
            task=row.task,
            number=row.number,
            parent=row.parent,
            run_key=row.run_key,
            facts=row.facts,
            created=in_utc(row.created),
            path=self._path(row),
        )


def _id_of(task: str, kind: Kind, number: int) -> str:
    return f"{task}-{KINDS[kind].letter}{number}"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
