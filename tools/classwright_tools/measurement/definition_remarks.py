"""Remarks on a task as it is defined: labels that rows were never asked about, and languages that are hardly read."""

from __future__ import annotations

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.task import Task
from classwright_tools.learning.reading_languages import unread_remark_at_hand

LABELS_LISTED = 5


def definition_remarks(context: ToolContext, task: Task, before: Task | None) -> tuple[str, ...]:
    """Return what is to be said of a `task` that was defined, or changed from `before`, while no text is paid for yet.

    A sentence is "" where there is nothing to say.
    """
    return (
        _unlabelled_so_far(task, before, context),
        _not_ranked_so_far(task, before, context),
        unread_remark_at_hand(context.encoder, task.languages, context.workspace.encoders),
    )


def _unlabelled_so_far(task: Task, before: Task | None, context: ToolContext) -> str:
    """Return the sentence on labels that rows which are there were never asked about."""
    asked = before.label_names if before else ()  # without labels nobody labelled a row
    new = [name for name in task.label_names if asked and name not in asked]
    if not (new and task.multi_label and context.workspace.latest("dataset", task.slug)):
        return ""
    names = listed(map(repr, new), LABELS_LISTED)
    return f"Rows so far were labelled without {names}: find those that have it by find_examples, and relabel them."


def _not_ranked_so_far(task: Task, before: Task | None, context: ToolContext) -> str:
    """Return the sentence on models that do not know the mismatch, where it is named after they were trained."""
    named = task.mismatch is not None and before is not None and before.mismatch != task.mismatch
    if not named or not context.workspace.artifacts(task.slug, "model"):
        return ""
    return f"Models trained before are not measured by how they rank {task.mismatch!r}: train again."
