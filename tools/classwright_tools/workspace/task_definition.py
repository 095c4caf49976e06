"""The definition of a task: what a call names of it, on top of what stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.workspace import Workspace


def define_task(workspace: Workspace, slug: str, named: Mapping[str, Any]) -> tuple[Task, Task | None]:
    """Return the task `slug` with the fields that are `named`, and the task as it is so far, if it exists.

    Languages that are not named stay. Where no labels are named, and something is said of them, these stay as well, and
    all else that is not named.

    Raises:
        InvalidInput: the fields make no task, or its rows so far are of another form.
    """
    before = workspace.task(slug) if slug in workspace.tasks() else None
    fields = dict(named)
    if before:
        stays = {"languages"} - named.keys()
        says_of_labels = named.get("mismatch") is not None or named.get("expected_shares") is not None
        if not named.get("labels") and says_of_labels:
            stays |= {"kind", "multi_label", "mismatch", "expected_shares"} - named.keys() | {"labels"}
        fields |= {name: getattr(before, name) for name in stays}
    try:
        task = Task(slug=slug, **{"labels": ()} | fields)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InvalidInput(
            f"task {slug!r}",
            reason,
            "Give every label a name of its own, and a share if any has one, and a pair task one of them as "
            "`mismatch`, and call again.",
        ) from error
    if before:
        _check_form(task, before)
    return task, before


def _check_form(task: Task, before: Task) -> None:
    """Raise an `InvalidInput` if rows of `task` would have another form than those `before`."""
    if before.labels and not task.labels:
        reason = f"has {len(before.labels)} labels, and none are given"
        raise InvalidInput(f"task {task.slug!r}", reason, "Pass its labels again, as they are to be.")
    for name in ("kind", "multi_label"):
        if getattr(before, name) != getattr(task, name):
            reason = f"exists with {name} {getattr(before, name)!r}"
            raise InvalidInput(f"task {task.slug!r}", reason, "Give the new task another name.")
