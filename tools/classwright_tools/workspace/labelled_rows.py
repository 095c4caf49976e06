"""Labels that annotations gave: from whom, and the datasets that were made of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select

from classwright_tools.domain.annotation import Answer
from classwright_tools.domain.task import Task
from classwright_tools.workspace.index import AnswerRow, ArtifactRow, reading
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
    wanted = set(ids)
    if not wanted:
        return {}
    query = (
        select(AnswerRow)
        .join(ArtifactRow, ArtifactRow.id == AnswerRow.annotation)
        .where(ArtifactRow.task == task.slug)
        .order_by(ArtifactRow.created)
    )
    with reading(workspace.engine) as session:
        answers = [
            (row.example, row.annotation, Answer.model_validate(row.answer))
            for row in session.scalars(query)
            if row.example in wanted
        ]
    made = {annotation: workspace.made_by(annotation, "dataset") for _, annotation, _ in answers}
    return {
        row: Labelled(answer.decider, annotation, dataset)
        for row, annotation, answer in answers
        if answer.key(task) is not None and (dataset := made[annotation])
    }
