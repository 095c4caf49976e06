"""Checks of the names in a request before a job is made of it, so that a slip is told at once and not by a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classwright_tools.domain.kinds import ids_of
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.errors import no_labels_yet, one_label_a_row
from classwright_tools.tool import ToolSpec, task_named

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Workspace


def check_names(workspace: Workspace, tool: ToolSpec[Any, Any], request: ToolRequest) -> None:
    """Return if the task and the artifacts that `request` names exist; a tool that makes tasks may name a new one.

    Raises:
        NotFound: something does not exist; the nearest name is told.
        InvalidInput: the task rules out what is asked for, such as one label a row where rows have several,
            or labels where it has none yet.
    """
    task = getattr(request, "task", None)
    if task is not None and not tool.makes_task:
        workspace.task(task)
    if task is None:  # the artifacts name it
        _check_ids(workspace, request)
    slug = task_named(request)
    if slug and not (tool.before_labels or tool.makes_task) and not workspace.task(slug).labels:
        raise no_labels_yet(f"tool {tool.name!r}", slug)
    if slug and not (tool.multi_label or tool.makes_task) and workspace.task(slug).multi_label:
        raise one_label_a_row(f"tool {tool.name!r}", slug, tool.instead)
    if slug and tool.check:
        tool.check(request, workspace.task(slug))
    if task is not None:  # what does not fit the task needs no id that is there
        _check_ids(workspace, request)


def _check_ids(workspace: Workspace, request: ToolRequest) -> None:
    """Raise a `NotFound` if an artifact that `request` names does not exist."""
    for field, kind in ids_of(type(request)).items():
        id_ = getattr(request, field)
        if id_ is not None:
            workspace.artifact(id_, kind)
