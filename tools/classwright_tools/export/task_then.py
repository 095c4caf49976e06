"""The task as rows or a model knew it, for their card."""

from __future__ import annotations

from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace


def task_then(workspace: Workspace, slug: str, version: int) -> Task:
    """Return the task `slug` as it was in a `version`; a label that nobody had described then is described as now."""
    then, now = workspace.task(slug, version), workspace.task(slug)
    described = {label.name: label.description for label in now.labels}
    labels = tuple(
        label if label.description else label.model_copy(update={"description": described.get(label.name, "")})
        for label in then.labels
    )
    return then.model_copy(update={"labels": labels})
