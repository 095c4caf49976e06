"""People who review the same rows, on the real decisions, desks and versions."""

from __future__ import annotations

from functools import partial

from classwright_tools.curation.row_sources import row_sources
from classwright_tools.domain.decision import Decision
from classwright_tools.domain.opinions import Opinions
from classwright_tools.domain.task import Task
from classwright_tools.editing.row_table import keyed
from classwright_tools.find_examples import FindExamplesRequest, FindExamplesResult, find_examples
from classwright_tools.finish_review import FinishReviewRequest, FinishReviewResult, finish_review
from classwright_tools.review.decisions import store
from classwright_tools.review.desk import Desk
from classwright_tools.review.fitting import fitting
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on
from support.review import review_dataset, review_rows

TOM, BEA, INES, NOBODY = "Tomasz-p1", "Bea-p2", "Ines-p3", "p4"
ROWS = [row.id for row in review_rows()["train"]]
LABEL = {row.id: row.label for row in review_rows()["train"]}
OTHER = {"delivery": "account", "account": "delivery", "refund": "account"}


class Team:
    """People who decide about rows of the task's newest dataset; the server may have been ended between any two."""

    def __init__(self, workspace: Workspace, task: Task) -> None:
        self.workspace, self.task, self.number = workspace, task, 0
        review_dataset(workspace, task)

    @property
    def desk(self) -> Desk:
        dataset = self.workspace.resolve(None, "dataset", self.task.slug).id
        edits = read_edits(self.workspace, dataset)
        sources = partial(row_sources, self.workspace, dataset)
        return Desk(dataset, keyed(read_table(self.workspace, dataset)), self.task.label_names, edits, sources)

    @property
    def standing(self) -> Standing:
        found = Standing(self.workspace, self.task.slug)
        found.refresh()
        return found

    def decide(self, person: str, row: str, action: str, *, known: int | None = None, **more: object) -> None:
        self.number += 1
        fields = {"id": f"decision-{self.number}", "action": action, "rows": [row], **more}
        desk, standing = self.desk, self.standing
        heard = standing.cursor if known is None else known
        good, refused = fitting([Decision.model_validate(fields)], desk, standing, person=person, known=heard)
        assert not refused
        store(self.workspace, self.task.slug, desk.dataset, person, good)

    def label(self, person: str, row: str, label: str, **more: object) -> None:
        self.decide(person, row, "relabel", label=label, **more)

    def save(self) -> FinishReviewResult:
        return finish_review(FinishReviewRequest(task=self.task.slug), context_on(self.workspace))

    def find(self, **fields: object) -> FindExamplesResult:
        request = FindExamplesRequest.model_validate({"task": self.task.slug, **fields})
        return find_examples(request, context_on(self.workspace))

    @property
    def kept(self) -> Opinions:
        return Opinions(self.desk.edits, self.desk.labels)

    def label_of(self, row: str) -> str | None:
        place = self.desk.place_of.get(row)
        own = None if place is None else self.desk.own(place)
        return own[0] if own else None
