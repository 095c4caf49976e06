"""Unlabelled rows that were answered before: where their labels are, and which rows are asked again."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from classwright_tools.annotation.answers_now import StoredAnswer, answers_now, is_open, joined_by, stored_answers
from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.task import Task
from classwright_tools.workspace.asked_rows import labels_of
from classwright_tools.workspace.index import AnswerRow, ArtifactRow, reading
from classwright_tools.workspace.workspace import Workspace


class AnsweredBefore(NamedTuple):
    """Rows of a dataset without a label that annotations have answers to, by their ids.

    `rows` are not asked again; of these some have a label `elsewhere`, in another version or in an annotation whose
    dataset is not made yet. Those `ended` have not, though they were answered with one: it was split or taken away
    before they got it.
    """

    rows: set[str]
    elsewhere: dict[str, str]
    ended: dict[str, Answer]


def answered_before(workspace: Workspace, task: Task, dataset: str) -> AnsweredBefore:
    """Return the unlabelled rows of `dataset` that annotations of `task` have answers to.

    Raises:
        DamagedArtifact: a dataset, an annotation, or the edits of a dataset, do not read back.
    """
    given = _given(workspace, task)
    here = labels_of(workspace, dataset, {row for answers in given.values() for row in answers})
    found = AnsweredBefore(set(), {}, {})
    for id_, answers in given.items():
        mine = {row: stored for row, stored in answers.items() if row in here and here[row] is None}
        if not mine:
            continue
        annotation = workspace.document(id_, "annotation", Annotation)
        joined, then, later = joined_by(workspace, id_, annotation)
        now = answers_now(mine, later, then)
        with_label = {row: answer for row, answer in now.hold.items() if answer.key(then) is not None}
        has = labels_of(workspace, joined, now.ended | with_label)
        there = {row for row, label in has.items() if label is not None}
        found.elsewhere.update(dict.fromkeys(there, joined))
        if is_open(workspace, id_) or workspace.made_by(id_, "dataset") is None:  # its own call brings the labels
            found.elsewhere.update({row: id_ for row in with_label if row not in found.elsewhere})
        lost = {row: answer for row, answer in now.ended.items() if row not in there}
        found.rows.update(mine.keys() - lost.keys())
        found.ended.update(lost)
    again = {row: answer for row, answer in found.ended.items() if row not in found.rows}
    return found._replace(ended=again)


def _given(workspace: Workspace, task: Task) -> dict[str, dict[str, StoredAnswer]]:
    """Return the answers to each annotation of `task` that has some, the oldest first."""
    query = (
        select(AnswerRow.annotation, ArtifactRow.number)
        .join(ArtifactRow, ArtifactRow.id == AnswerRow.annotation)
        .where(ArtifactRow.task == task.slug)
        .order_by(ArtifactRow.number)
        .distinct()
    )
    with reading(workspace.engine) as session:
        ids = [id_ for id_, _ in session.execute(query)]
    return {id_: stored_answers(workspace, id_) for id_ in ids}
