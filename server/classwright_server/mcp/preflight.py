"""Checks the names in a request before a job is made of it, so that a slip is told at once and not by a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Kind, Workspace

_KINDS: dict[str, Kind] = {
    "dataset": "dataset",
    "model": "model",
    "against": "model",
    "plan": "plan",
    "topic_tree": "topics",
    "assignment": "assignment",
    "augmentation": "augmentation",
    "pretrain_dataset": "dataset",
}


def check_names(workspace: Workspace, tool: str, request: dict[str, Any]) -> None:
    """Return if everything that `request` names exists; only `propose_topics` may name a new task.

    Raises:
        NotFound: something does not exist; the nearest name is told.
        InvalidInput: an id is of another kind.
    """
    if tool != "propose_topics" and request.get("task") is not None:
        workspace.task(request["task"])
    for field, kind in _KINDS.items():
        if request.get(field) is not None:
            workspace.artifact(request[field], kind)
