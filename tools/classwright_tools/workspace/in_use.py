"""The model in use: the newest of a task, or the one that a comparison kept in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from classwright_tools.domain.comparison import KEEPING_NEWER
from classwright_tools.workspace.lineage import of_rows_that_hold
from classwright_tools.workspace.workspace import Artifact, Workspace

SHARED_LABELS = "shared_labels"
"""The fact that a report compares models with other labels: how many both have, which alone were compared."""


@dataclass(frozen=True)
class InUse:
    """The model in use, since when and why; `rival` is the one that would be without it, if there is one.

    `by` is the newest report that compared the two and chose; None: none has. `tested` is the newest one that compared
    them on test rows, by which none is chosen.
    """

    model: Artifact
    since: datetime
    rival: Artifact | None = None
    by: Artifact | None = None
    tested: Artifact | None = None

    @property
    def why(self) -> str:
        """Why it is in use, in a few words."""
        if self.by:
            facts = self.by.facts
            return f"by {self.by.id}: {facts['model']} against {facts['against']}, {facts['verdict']}"
        if self.rival and self.tested:
            return f"as the newest, compared with {self.rival.id} on test rows alone, by {self.tested.id}"
        return f"as the newest, not compared with {self.rival.id}" if self.rival else "as the only one"

    @property
    def in_words(self) -> str:
        """The model, since when it is in use, and why."""
        return f"{self.model.id}, in use since {self.since:%Y-%m-%d} ({self.why})"


def chooses(facts: Mapping[str, Any]) -> bool:
    """Whether a report with these `facts` compares two models, and says which of them to keep.

    Nothing is chosen by test rows. Which of two with other labels to keep depends on the labels that one wants.
    """
    return "verdict" in facts and facts.get("split") != "test" and SHARED_LABELS not in facts


def model_in_use(workspace: Workspace, task: str) -> InUse | None:
    """Return the model of `task` that is in use, or None if it has none; none of rows that were taken back, if it can.

    Raises:
        DamagedArtifact: the edits of the newest dataset do not read back.
    """
    newest = workspace.latest("dataset", task)
    models = of_rows_that_hold(workspace, workspace.artifacts(task, "model"), newest.id if newest else None)
    return in_use_of(workspace, task, models)


def in_use_of(workspace: Workspace, task: str, models: Sequence[Artifact]) -> InUse | None:
    """Return which of the `models` of `task`, the newest first, is in use; None of none.

    Of two that were compared, in either order, it is the one that the newest comparison kept that `chooses`; of several
    that a model was compared with, the newest comparison counts. It is in use since it was made, or since the
    comparison that kept it where one before had kept another in its place.
    """
    if not models:
        return None
    reports: defaultdict[frozenset[str], list[Artifact]] = defaultdict(list)  # the newest first
    tests: dict[frozenset[str], Artifact] = {}
    for report in workspace.artifacts(task, "report"):
        if "against" not in report.facts:
            continue
        two = frozenset((report.facts["model"], report.facts["against"]))
        if chooses(report.facts):
            reports[two].append(report)
        elif report.facts.get("split") == "test":
            tests.setdefault(two, report)
    found, rival = _winner(models, reports)
    if rival is None and len(models) > 1:  # the newest: without it another one would be
        rival = _winner(models[1:], reports)[0]
    two = frozenset((found.id, rival.id)) if rival else frozenset[str]()
    between = reports.get(two, [])
    others = (report for pair, made in reports.items() if found.id in pair for report in made)
    turned = bool(between) and any(_kept(one) != found.id and one.number < between[0].number for one in others)
    since = between[0].created if turned else found.created
    return InUse(found, since, rival, between[0] if between else None, tests.get(two))


def _winner(
    models: Sequence[Artifact], reports: Mapping[frozenset[str], Sequence[Artifact]]
) -> tuple[Artifact, Artifact | None]:
    """Return which of `models`, the newest first, is kept, and the one that it was kept in place of.

    From the newest model the way goes to what its newest comparison with another kept instead, and so on: to older
    models, and to newer ones by comparisons that came after those that led there.
    """
    place = {model.id: number for number, model in enumerate(models)}
    found, instead_of, last = models[0], None, 0
    passed = {found.id}
    while True:
        steps = [
            (between[0].number, kept)
            for two, between in reports.items()
            if found.id in two and (kept := _kept(between[0])) in place.keys() - passed
            if place[kept] > place[found.id] or between[0].number > last
        ]
        if not steps:
            return found, instead_of
        number, kept = max(steps)
        found, instead_of, last = models[place[kept]], found, max(last, number)
        passed.add(kept)


def _kept(report: Artifact) -> str:
    facts = report.facts
    return str(facts["model"] if facts["verdict"] in KEEPING_NEWER else facts["against"])
