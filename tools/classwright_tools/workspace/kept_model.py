"""The model to go on with: the newest, or the one that a comparison kept in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classwright_tools.domain.comparison import KEEPING_NEWER
from classwright_tools.workspace.workspace import Artifact, Workspace

SHARED_LABELS = "shared_labels"
"""The fact that a report compares models with other labels: how many both have, which alone were compared."""


def chooses(facts: Mapping[str, Any]) -> bool:
    """Whether a report with these `facts` compares two models, and says which of them to keep.

    Nothing is chosen by test rows. Which of two with other labels to keep depends on the labels that one wants.
    """
    return "verdict" in facts and facts.get("split") != "test" and SHARED_LABELS not in facts


def kept_model(workspace: Workspace, task: str) -> Artifact | None:
    """Return the model of `task` to go on with, or None if it has none."""
    return kept_of(workspace, task, workspace.artifacts(task, "model"))


def kept_of(workspace: Workspace, task: str, models: Sequence[Artifact]) -> Artifact | None:
    """Return which of the `models` of `task`, the newest first, is kept; None of none.

    Of two that were compared, in either order, it is the one that the newest comparison kept that `chooses`.
    """
    kept_by: dict[frozenset[str], str] = {}
    for report in workspace.artifacts(task, "report"):
        facts = report.facts
        if chooses(facts):
            kept = facts["model"] if facts["verdict"] in KEEPING_NEWER else facts["against"]
            kept_by.setdefault(frozenset((facts["model"], facts["against"])), kept)
    if not models:
        return None
    found = models[0]
    for model in models[1:]:
        if kept_by.get(frozenset((found.id, model.id))) == model.id:
            found = model
    return found
