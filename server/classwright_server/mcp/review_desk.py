"""The answers to the review page, from datasets that are laid out in this process's memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np

from classwright_server.mcp.company import Company
from classwright_server.mcp.desks import Desks
from classwright_server.mcp.page_arguments import (
    DecideAllRequest,
    DecideRequest,
    HistoryRequest,
    Looked,
    NewsRequest,
    OpenRequest,
    Reviewed,
    RowsRequest,
)
from classwright_tools.domain.decision import Decision, name_in
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.look import Look
from classwright_tools.errors import BudgetExceeded, InvalidInput, NotFound
from classwright_tools.review.decisions import store
from classwright_tools.review.desk import Desk
from classwright_tools.review.fitting import fitting
from classwright_tools.review.ordering import ordered
from classwright_tools.review.overview import overview, progress
from classwright_tools.review.people import otherwise
from classwright_tools.review.pictures import agreement, insights, points
from classwright_tools.review.reasons import reasons_of
from classwright_tools.review.shown_rows import shown_decision, shown_rows, stands
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.workspace import Workspace

HISTORY_ROWS = 100
EXCERPT_CHARS = 80
MOST_OF_OTHERS = 200_000
"""Rows of the newest decisions; the page is told how many older ones it shows only when it is loaded again."""
MOST_WAITING = 1_000_000
"""Rows of the decisions on a task that wait to be saved, a row as often as one is about it: all are held in memory."""


class ReviewDesk:
    """Answers the page. Methods take the workspace of whoever asks, and the arguments.

    Those of one workspace are called one after the other: a decision changes what all answers are made of.
    """

    def __init__(self) -> None:
        self._desks = Desks()
        self._company = Company()

    def opened(self, workspace: Workspace, given: OpenRequest) -> dict[str, Any]:
        """Return what is under review: of several tasks the one that was changed last, unless one is named."""
        tasks = workspace.tasks()
        if not tasks:
            raise NotFound("a task", "is not there yet", "Make one in the chat first: propose_topics.")
        task = workspace.task(given.task or (task_of(given.dataset) if given.dataset else _newest(workspace, tasks)))
        dataset = workspace.resolve(given.dataset, "dataset", task.slug).id
        in_use = model_in_use(workspace, task.slug)
        model = given.model or (in_use.model.id if in_use else None)
        desk = self._desks.desk(workspace, dataset)
        standing = self._desks.standing(workspace, task.slug)
        doubts = self._desks.doubts(workspace, dataset, model)
        return {
            "tasks": tasks,
            "model": model,
            **overview(task, desk, standing, doubts),
            "agreement": agreement(desk, standing, doubts) if doubts else None,
            "here": self._company.of(workspace, task.slug, given.person),
            **_newest_dataset(workspace, task.slug),
        }

    def rows(self, workspace: Workspace, given: RowsRequest) -> dict[str, Any]:
        """Return a page of rows and how many there are; where none is to be shown also how many were `decided`."""
        desk, standing = self._laid_out(workspace, given)
        doubts = self._desks.doubts(workspace, given.dataset, given.model)
        places = desk.find(given.look, standing, doubts)
        if not given.limit:
            decided = np.isin(places, desk.find(Look(state="decided"), standing, doubts))
            return {"total": len(places), "rows": [], "decided": int(decided.sum())}
        shown = ordered(desk, places, given.order, doubts, given.seed)
        page = shown[given.offset : given.offset + given.limit].tolist()
        hidden = given.look.not_by is not None
        rows = shown_rows(desk, page, standing, doubts, whole=given.whole, hidden=hidden)
        return {"total": len(places), "rows": rows}

    def points(self, workspace: Workspace, given: Looked) -> dict[str, Any]:
        """Return the rows as points of the map; none before the review was prepared."""
        desk, standing = self._laid_out(workspace, given)
        doubts = self._desks.doubts(workspace, given.dataset, given.model)
        if doubts is None:
            return {"labels": [], "place": "", "x": "", "y": "", "label": "", "kind": ""}
        return points(desk, standing, doubts, desk.find(given.look, standing, doubts))

    def figures(self, workspace: Workspace, given: Looked) -> dict[str, Any]:
        """Return the figures over the rows."""
        desk, standing = self._laid_out(workspace, given)
        doubts = self._desks.doubts(workspace, given.dataset, given.model)
        return insights(desk, standing, doubts, desk.find(given.look, standing, doubts))

    def decide(self, workspace: Workspace, given: DecideRequest) -> dict[str, Any]:
        """Store decisions, and return what others have done since.

        Of those that are refused, `saved` would take back what a version has: `undo_decision` does that.

        Raises:
            BudgetExceeded: too many wait to be saved already.
            StorageFailed: the disk is full; none was stored.
        """
        desk = self._desks.desk(workspace, given.dataset)
        before = self._before(workspace, given)
        good, refused = fitting(given.decisions, desk, before, person=given.person, known=given.after)
        _check_waiting(before, task_of(given.dataset), good)
        new = store(workspace, task_of(given.dataset), given.dataset, given.person, good) if good else 0
        return {
            "stored": new,
            "repeated": len(good) - new,
            "refused": [{"id": id_, "reason": reason} for id_, reason in refused.items()],
            "saved": [one.id for one in given.decisions if one.id in refused and before.is_saved(one.undoes)],
            **self._news(workspace, given, desk),
        }

    def news(self, workspace: Workspace, given: NewsRequest) -> dict[str, Any]:
        """Return what stands now on the rows that others have decided on since, or taken a decision back of."""
        return self._news(workspace, given, self._desks.desk(workspace, given.dataset))

    def _news(self, workspace: Workspace, given: NewsRequest, desk: Desk) -> dict[str, Any]:
        standing = self._desks.standing(workspace, task_of(given.dataset))
        new = [entry for entry in standing.since(given.after) if entry.person != given.person]
        told = _with_so_many_rows([standing.rows_of(entry) for entry in new], MOST_OF_OTHERS)
        by_decision: dict[str, dict[str, Any]] = {}
        undecided: list[str] = []
        for row in dict.fromkeys(chain.from_iterable(told)):
            stood = stands(desk, standing, row)
            if stood is None:
                undecided.append(row)
            else:
                by_decision.setdefault(repr(stood), {**stood, "rows": []})["rows"].append(row)
        return {
            "others": list(by_decision.values()),
            "undecided": undecided,
            "others_left": len(new) - len(told),
            "otherwise": otherwise(desk.tally(standing).disputed.values(), name_in(given.person)),
            "here": self._company.of(workspace, task_of(given.dataset), given.person),
            **self._progress(workspace, desk, standing),
        }

    def _before(self, workspace: Workspace, given: DecideRequest) -> Standing:
        """Return where the rows stood: what may be taken back must be known to the last, else what is known will do."""
        undoes = any(decision.undoes for decision in given.decisions)
        return self._desks.standing(workspace, task_of(given.dataset), is_fresh=undoes)

    def decide_all(self, workspace: Workspace, given: DecideAllRequest) -> dict[str, Any]:
        """Store one decision about all rows that meet the conditions, if they are as many as were counted.

        Raises:
            InvalidInput: they are not, or the decision does not fit them.
            BudgetExceeded: too many wait to be saved already.
            StorageFailed: the disk is full; it was not stored.
        """
        desk, standing = self._laid_out(workspace, given)
        known = standing.entry(given.id)
        if known is None:
            doubts = self._desks.doubts(workspace, given.dataset, given.model)
            places = desk.find(given.look, standing, doubts)
            if len(places) != given.rows:
                reason = f"are {len(places)} by now, not {given.rows}"
                raise InvalidInput("the rows of this look", reason, "Look at them again, then decide.")
            rows = tuple(desk.ids[place] for place in places.tolist())
            decision = Decision(id=given.id, action=given.action, label=given.label, labels=given.labels, rows=rows)
            good, refused = fitting([decision], desk, standing, person=given.person, known=given.after)
            if refused:
                raise InvalidInput("this decision", refused[given.id], "Choose another.")
            _check_waiting(standing, task_of(given.dataset), good)
            store(workspace, task_of(given.dataset), given.dataset, given.person, good)
            standing = self._desks.standing(workspace, task_of(given.dataset))
        entry = standing.entry(given.id)
        assert entry
        return {"rows": len(entry.decision.rows), **self._progress(workspace, desk, standing)}

    def history(self, workspace: Workspace, given: HistoryRequest) -> dict[str, Any]:
        """Return the decisions, the newest first, and the versions of the dataset."""
        standing = self._desks.standing(workspace, workspace.task(given.task).slug)
        entries = standing.entries
        part = entries[given.offset : given.offset + HISTORY_ROWS]
        newest = workspace.latest("dataset", given.task)
        desk = self._desks.desk(workspace, newest.id) if newest else None
        versions = workspace.artifacts(given.task, "dataset", limit=HISTORY_ROWS, offset=given.versions_offset)
        reasons, reviewed = reasons_of(workspace, versions), standing.reviewed(versions)
        return {
            "total": len(entries),
            "a_page": HISTORY_ROWS,
            "decisions": [
                {
                    **shown_decision(entry, standing),
                    "count": len(entry.decision.rows),
                    "excerpt": shortened(desk.text_of(entry.decision.rows[0]), EXCERPT_CHARS) if desk else "",
                    "when": entry.created.isoformat(timespec="seconds"),
                    "undone": standing.is_undone(entry.decision.id),
                }
                for entry in part
            ],
            "versions_total": newest.number if newest else 0,  # numbered from 1, without gaps
            "versions": [
                {
                    "id": one.id,
                    "made_by": "finish_review" if one.id in reviewed else one.facts.get("made_by"),
                    "reason": reasons.get(one.id, ""),
                    "when": one.created.isoformat(timespec="seconds"),
                }
                for one in versions
            ],
        }

    def _progress(self, workspace: Workspace, desk: Desk, standing: Standing) -> dict[str, Any]:
        return {**progress(desk, standing), **_newest_dataset(workspace, task_of(desk.dataset))}

    def _laid_out(self, workspace: Workspace, given: Reviewed) -> tuple[Desk, Standing]:
        return self._desks.desk(workspace, given.dataset), self._desks.standing(workspace, task_of(given.dataset))


def _check_waiting(standing: Standing, task: str, decisions: Sequence[Decision]) -> None:
    """Return if `decisions` may wait to be saved beside those that do."""
    more = sum(len(decision.rows) for decision in decisions)
    if more and standing.waiting_in_all + more > MOST_WAITING:
        standing.refresh()  # the review may have been saved since
    if more and standing.waiting_in_all + more > MOST_WAITING:
        raise BudgetExceeded(
            f"the review of task {task!r}",
            f"has decisions on {standing.waiting_in_all:,} rows that wait to be saved, and {MOST_WAITING:,} may",
            "Save it (finish_review), then decide on.",
        )


def _with_so_many_rows(rows_of: Sequence[Sequence[str]], most: int) -> Sequence[Sequence[str]]:
    """Return the first of `rows_of` several decisions that have `most` rows in all; those of one in any case."""
    return rows_of[: max(1, sum(rows <= most for rows in accumulate(map(len, rows_of))))]


def _newest_dataset(workspace: Workspace, task: str) -> dict[str, str]:
    newest = workspace.latest("dataset", task)
    assert newest  # one is under review
    return {"newest": newest.id}


def _newest(workspace: Workspace, tasks: Sequence[str]) -> str:
    """Return the task that has the newest dataset."""
    made = [found for found in (workspace.latest("dataset", slug) for slug in tasks) if found]
    return max(made, key=lambda one: one.created).task if made else tasks[0]
