"""Labels that annotations gave: from whom, and the datasets that were made of them, or will be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select

from classwright_tools.domain.annotation import Answer
from classwright_tools.domain.task import Task
from classwright_tools.workspace.index import AnswerRow, ArtifactRow, ClosedAssignmentRow, reading
from classwright_tools.workspace.workspace import Artifact, Workspace


class Labelled(NamedTuple):
    """A row's label by an annotation: from whom, and the dataset in which the row has it since."""

    by: str
    annotation: str
    dataset: Artifact

    @property
    def in_words(self) -> str:
        """Who gave the label, when and where."""
        return f"labelled by {self.by} ({self.dataset.created:%Y-%m-%d}, {self.annotation}, in {self.dataset.id})"


def labelled_rows(workspace: Workspace, task: Task, ids: Collection[str]) -> dict[str, Labelled]:
    """Return of those rows of `task` with `ids` that an annotation gave a label which one did, the newest."""
    return {
        one.row: Labelled(one.answer.decider, one.annotation, one.dataset)
        for one in _labels(workspace, task, ids)
        if one.dataset
    }


def labelled_in(workspace: Workspace, task: Task, ids: Collection[str]) -> Counter[str]:
    """Return how many rows of `task` with `ids` have a label, by the id of the dataset or of the open annotation."""
    where = {}
    for one in _labels(workspace, task, ids):
        if one.dataset:
            where[one.row] = one.dataset.id
        elif one.is_open:
            where.setdefault(one.row, one.annotation)
    return Counter(where.values())


class _Label(NamedTuple):
    row: str
    annotation: str
    answer: Answer
    dataset: Artifact | None
    is_open: bool


def _labels(workspace: Workspace, task: Task, ids: Collection[str]) -> list[_Label]:
    """Return the labels that annotations gave rows of `task` with `ids`, the newest annotation's last."""
    wanted = set(ids)
    if not wanted:
        return []
    query = (
        select(AnswerRow, ClosedAssignmentRow.assignment)
        .join(ArtifactRow, ArtifactRow.id == AnswerRow.annotation)
        .outerjoin(ClosedAssignmentRow, ClosedAssignmentRow.assignment == AnswerRow.annotation)
        .where(ArtifactRow.task == task.slug)
        .order_by(ArtifactRow.created)
    )
    with reading(workspace.engine) as session:
        answers = [
            (row.example, row.annotation, Answer.model_validate(row.answer), closed is None)
            for row, closed in session.execute(query)
            if row.example in wanted
        ]
    made = {annotation: workspace.made_by(annotation, "dataset") for _, annotation, _, _ in answers}
    return [
        _Label(row, annotation, answer, made[annotation], is_open)
        for row, annotation, answer, is_open in answers
        if answer.key(task) is not None
    ]
