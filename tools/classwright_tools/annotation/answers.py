"""The answers to an annotation: each stored once, and at the end a dataset of the rows that got a label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from classwright_tools.annotation.answers_now import (
    StoredAnswer,
    answers_now,
    changes_since,
    joined_by,
    stored_answers,
    stored_in,
)
from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.edits import Decider, Edit
from classwright_tools.domain.example import Example, Provenance, make_example, origin_of_labelled
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.task import Task
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.datasets import iterate_rows, read_rows, save_dataset
from classwright_tools.workspace.destination import Destination
from classwright_tools.workspace.index import AnswerRow, ArtifactRow, ClosedAssignmentRow, in_utc, reading
from classwright_tools.workspace.workspace import Artifact, Workspace

ANSWERS = "annotations.jsonl"


@dataclass(frozen=True)
class Receipt:
    """What became of one call's answers; `answered` are all that the annotation has, by the row's id.

    Those that have `ended` count no more (see `AnswersNow`). Of the `new` ones so many `replaced` a model's. The rows
    `otherwise` keep the other answer that they had. `before` is when the newest answer of an earlier call came (UTC).
    """

    new: int
    replaced: int
    repeated: int
    late: int
    otherwise: tuple[str, ...]
    answered: Mapping[str, Answer]
    ended: Mapping[str, Answer]
    is_closed: bool
    before: datetime | None


class _Said(NamedTuple):
    """What one annotator says of rows, as one edit keeps it."""

    action: Literal["relabel", "fits_none"]
    by: Decider
    person: str | None
    key: str | None


class AnnotationAnswers:
    """The answers to one annotation. Several processes may answer at once."""

    def __init__(self, workspace: Workspace, id_: str, annotation: Annotation) -> None:
        """Take answers to `annotation`, which is stored under `id_`."""
        self._workspace = workspace
        self._id = id_
        self._annotation = annotation

    def receive(self, given: Mapping[str, Answer], asked: datetime, *, finish: bool) -> Receipt:
        """Store the answers `given` by the row's id, and close when all are there, or on `finish` with some.

        They are under the labels that the task had when they were `asked` for (UTC).

        A row that was answered before keeps that answer, if its label has not ended; a person's takes the place of a
        model's.

        Raises:
            StorageFailed: the disk is full; nothing of this call was stored.
            DamagedArtifact: the edits of a dataset do not read back.
        """
        _, task, later = joined_by(self._workspace, self._id, self._annotation)
        with storage_errors(f"annotation {self._id!r}"), Session(self._workspace.engine) as session, session.begin():
            session.get(ArtifactRow, self._id, with_for_update=True)  # SQLite is locked as a whole already
            stored = stored_in(session, self._id)
            before = answers_now(stored, later, task).hold
            was_closed = session.get(ClosedAssignmentRow, self._id) is not None
            there = given.keys() & before.keys()
            over = {row for row in there if (given[row].by, before[row].by) == ("person", "model")}
            taken = {} if was_closed else {row: given[row] for row in given if row not in there - over}
            for row, answer in taken.items():
                said = answer.model_dump(mode="json")
                session.merge(AnswerRow(annotation=self._id, example=row, answer=said, created=asked))
            came = {row: StoredAnswer(answer, asked) for row, answer in taken.items()}
            answered, ended = answers_now(stored | came, later, task)
            some = bool(answered or taken)
            closes = not was_closed and some and (finish or len(answered) == len(self._annotation.rows))
            if closes:
                session.add(ClosedAssignmentRow(assignment=self._id))
        left = [row for row in given if row in there - taken.keys()]
        return Receipt(
            new=len(taken),
            replaced=len(over & taken.keys()),
            repeated=sum(given[row].says_as(before[row]) for row in left),
            late=len(given.keys() - there - taken.keys()),
            otherwise=tuple(row for row in left if not given[row].says_as(before[row])),
            answered=answered,
            ended=ended,
            is_closed=was_closed or closes,
            before=max((one.when for one in stored.values()), default=None),
        )

    def dataset(self, made: Provenance) -> Artifact | None:
        """Return the dataset in which the rows have their labels, making it if need be; None if none got one."""
        destination = Destination(self._annotation.task, self._annotation.dataset, on_newest=self._annotation.on_newest)
        return self._workspace.made_by(self._id, "dataset") or destination.append(
            self._workspace, lambda parent: self._saved_onto(parent, made)
        )

    def _saved_onto(self, parent: str | None, made: Provenance) -> Artifact | None:
        """Save a version of `parent` in which rows with one label are in the annotation's split; the others stay.

        So do those whose label has ended since. Where rows may have several labels, all that were judged go. What a
        person decided is kept as an edit, and so is which rows fit no label.
        """
        assert parent, "an annotation's dataset does not go away"
        task = self._workspace.task(self._annotation.task)
        stored = stored_answers(self._workspace, self._id)
        answered = answers_now(stored, changes_since(self._workspace, self._annotation.dataset, parent), task).hold
        keys = {row: answer.key(task) for row, answer in answered.items()}
        labels = {row: key for row, key in keys.items() if key is not None}
        none = {row for row, answer in answered.items() if answer.fits_none(task)}
        unlabelled = (row for batch in iterate_rows(self._workspace, parent, "unlabelled") for row in batch)
        there = [row for row in unlabelled if row.id in labels or row.id in none]
        moved = [_annotated(row, labels[row.id], answered[row.id].by, made, task) for row in there if row.id in labels]
        unfit = [row.id for row in there if row.id in none]
        if not moved and not unfit:
            return None
        split = self._annotation.split
        gone = {row.id for row in moved}
        left = (row for batch in iterate_rows(self._workspace, parent, "unlabelled") for row in batch)
        return save_dataset(
            self._workspace,
            self._annotation.task,
            {
                split: [*read_rows(self._workspace, parent, split), *moved],
                "unlabelled": (row for row in left if row.id not in gone),
            },
            parent=parent,
            on_newest=self._annotation.on_newest,
            run_key=self._id,
            made_by="annotate_examples",
            edits=self._edits(parent, moved, unfit, answered, task),
            files={
                ANSWERS: "".join(
                    f'{{"id":"{row}","answer":{one.answer.model_dump_json()}}}\n' for row, one in stored.items()
                )
            },
        )

    def _edits(
        self, parent: str, moved: Iterable[Example], unfit: Iterable[str], answered: Mapping[str, Answer], task: Task
    ) -> Iterator[Edit]:
        """Yield what is kept of the answers beside the rows: what persons decided, and which rows fit no label."""
        rows: defaultdict[_Said, dict[str, str]] = defaultdict(dict)
        for row in moved:
            answer = answered[row.id]
            if answer.by == "person":
                rows[_Said("relabel", "person", answer.person, row.label_key)][row.id] = ""
        for id_ in unfit:
            answer = answered[id_]
            rows[_Said("fits_none", answer.by, answer.person, None)][id_] = ""
        now = datetime.now(UTC)
        for (action, by, person, key), own in rows.items():
            several = task.multi_label and key is not None
            yield Edit(
                action=action,
                by=by,
                person=person,
                reason=f"said in {self._id}",
                when=now,
                dataset=parent,
                label=None if several else key,
                labels=labels_apart(key or "") if several else None,
                none_of=task.label_names if action == "fits_none" else (),
                rows=own,
            )


def first_answered(workspace: Workspace, annotation: str) -> datetime | None:
    """Return when the first answer to an annotation came (UTC); None where none did."""
    query = select(func.min(AnswerRow.created)).where(AnswerRow.annotation == annotation)
    with reading(workspace.engine) as session:
        first = session.scalar(query)
    return in_utc(first) if first else None


def answered_rows(workspace: Workspace, task: str) -> set[str]:
    """Return the ids of the rows that any annotation of `task` has an answer to."""
    query = select(AnswerRow.example).join(ArtifactRow, ArtifactRow.id == AnswerRow.annotation)
    with reading(workspace.engine) as session:
        return set(session.scalars(query.where(ArtifactRow.task == task)))


def _annotated(row: Example, label: str, by: Decider, made: Provenance, task: Task) -> Example:
    """Return the unlabelled `row` of `task` with its `label`, or the labels that are joined in it, and who gave it."""
    several = task.multi_label
    return make_example(
        row.text,
        None if several else label,
        labels=labels_apart(label) if several else None,
        text_pair=row.text_pair,
        origin=origin_of_labelled(by),
        provenance=made if by == "model" else row.provenance,
    )
