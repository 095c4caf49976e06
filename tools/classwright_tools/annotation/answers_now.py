"""Answers to an annotation under the labels of now: a label may have been renamed, split or taken away meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.labels_since import label_since, labels_since
from classwright_tools.domain.task import Task
from classwright_tools.errors import DamagedArtifact
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.index import AnswerRow, ClosedAssignmentRow, in_utc, reading
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.workspace import Workspace

ANSWERS_LISTED = 5


class StoredAnswer(NamedTuple):
    """An answer as it was given, and when the task had its labels (UTC): it may come much later."""

    answer: Answer
    when: datetime


class AnswersNow(NamedTuple):
    """Answers by the row's id: those that `hold`, under the names that their labels have by now, and the others.

    An answer has `ended`, and stands as it was given, where its label was split or taken away since: its row is asked
    again.
    """

    hold: dict[str, Answer]
    ended: dict[str, Answer]


def stored_in(session: Session, annotation: str) -> dict[str, StoredAnswer]:
    """Return what `stored_answers` does, as an open `session` sees it."""
    rows = session.scalars(select(AnswerRow).where(AnswerRow.annotation == annotation))
    return {row.example: StoredAnswer(Answer.model_validate(row.answer), in_utc(row.created)) for row in rows}


def stored_answers(workspace: Workspace, annotation: str) -> dict[str, StoredAnswer]:
    """Return the answers that there are to an annotation, by the row's id."""
    with reading(workspace.engine) as session:
        return stored_in(session, annotation)


def is_open(workspace: Workspace, annotation: str) -> bool:
    """Return whether an annotation has not ended."""
    with reading(workspace.engine) as session:
        return session.get(ClosedAssignmentRow, annotation) is None


class Joined(NamedTuple):
    """The dataset that the rows of an annotation joined, or else the one that they would join now.

    Beside it stand its task, and the `changes_since` the annotation's own.
    """

    dataset: str
    task: Task
    later: tuple[Edit, ...]


def joined_by(workspace: Workspace, id_: str, annotation: Annotation) -> Joined:
    """Return what the rows of `annotation`, which is stored under `id_`, joined or would join.

    Raises:
        DamagedArtifact: a dataset, or its edits, do not read back.
    """
    made = workspace.made_by(id_, "dataset")
    version = read_card(workspace, made.id).task_version if made else None
    newest = made or (workspace.latest("dataset", annotation.task) if annotation.on_newest else None)
    dataset = newest.id if newest else annotation.dataset
    task = workspace.task(annotation.task, version)
    return Joined(dataset, task, changes_since(workspace, annotation.dataset, dataset))


def changes_since(workspace: Workspace, then: str, now: str) -> tuple[Edit, ...]:
    """Return the edits of `now` that were made after `then`, with when the task had the labels of each as its `when`.

    That is not known of edits of another line, which a return to a version brought, nor before the task is stored.

    Raises:
        DamagedArtifact: a dataset, or its edits, do not read back.
    """
    edits = edits_since(workspace, then, now)
    versions: dict[str, int] = {}
    version = workspace.artifact(now, "dataset")
    while edits and version.parent and version.id != then:
        versions[version.parent] = read_card(workspace, version.id).task_version
        version = workspace.artifact(version.parent, "dataset")
    newest = workspace.task(version.task).version
    since = {of: workspace.made(version.task, of) for of in {*versions.values()} if of <= newest}
    return tuple(
        edit.model_copy(update={"when": since.get(versions.get(edit.dataset, 0), edit.when)}) for edit in edits
    )


def answers_now(stored: Mapping[str, StoredAnswer], later: Sequence[Edit], task: Task) -> AnswersNow:
    """Return the `stored` answers to an annotation as they stand after `later` ones of the `changes_since`.

    `task` has the labels of then.
    """
    found = AnswersNow({}, {})
    for row, (answer, when) in stored.items():
        # An answer is under the labels that there were as it was asked for, whatever they are called as it comes.
        labels = _labels_now(answer.labels, [edit for edit in later if edit.when > when], task)
        if labels is None:
            found.ended[row] = answer
        else:
            found.hold[row] = answer.model_copy(update={"labels": labels})
    return found


def _labels_now(labels: Sequence[str], later: Sequence[Edit], task: Task) -> tuple[str, ...] | None:
    """Return what an answer's `labels` are called after `later` edits; None if one has ended."""
    if task.multi_label:
        now = labels_since(labels, later)
    else:
        each = [label_since(label, later) for label in labels]
        now = None if None in each else tuple(dict.fromkeys(filter(None, each)))
    return None if now is None or not {*now} <= {*task.label_names} else now


def by_words(answers: Iterable[Answer], task: Task) -> Counter[str]:
    """Return how often each of `answers` was given, by its words."""
    return Counter(answer.in_words(task) for answer in answers)


def ended_with(ended: Mapping[str, int]) -> str:
    """Return, as the end of a sentence on rows, what they were answered that has `ended`: numbers by `by_words`."""
    each = [f"{words} ({rows})" if len(ended) > 1 else words for words, rows in ended.items()]
    return f"answered before with {listed(each, ANSWERS_LISTED)}, which was split or taken away since"


def ended_by_edit(workspace: Workspace, parent: str, dataset: str) -> str:
    """Return the sentences on open annotations, answers to which ended by the edit that made `dataset` of `parent`.

    "" where there are none. An annotation that does not read back is passed over: the edit is made, and whoever goes on
    with the annotation is told.

    Raises:
        DamagedArtifact: one of the two datasets does not read back.
    """
    versions = [read_card(workspace, id_).task_version for id_ in (parent, dataset)]
    if versions[0] == versions[1]:
        return ""
    slug = workspace.artifact(dataset, "dataset").task
    before, after = (workspace.task(slug, version) for version in versions)
    told = []
    for made in workspace.artifacts(slug, "annotation"):
        if not is_open(workspace, made.id):
            continue
        with suppress(DamagedArtifact):
            stored = stored_answers(workspace, made.id)
            annotation = workspace.document(made.id, "annotation", Annotation)
            earlier, later = (
                changes_since(workspace, annotation.dataset, id_) if annotation.on_newest else ()
                for id_ in (parent, dataset)
            )
            held, ended = answers_now(stored, earlier, before).hold, answers_now(stored, later, after).ended
            if newly := by_words((answer for row, answer in ended.items() if row in held), before):
                told.append(
                    f"{made.id} is still open, and {counted(newly.total(), 'text of it was', 'texts of it were')} "
                    f"{ended_with(newly)}: annotate_examples(task={slug!r}, annotation={made.id!r}) asks again."
                )
    return " ".join(told)
