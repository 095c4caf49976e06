"""The definition of a task: what a call names of it, on top of what stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.workspace import Workspace


def define_task(workspace: Workspace, slug: str, named: Mapping[str, Any]) -> tuple[Task, Task | None]:
    """Return the task `slug` with the fields that are `named`, and the task as it is so far, if it exists.

    What is not named stays as it is, also of a label that is named again: its description and its examples. No labels
    at all are not named. Where other labels are named, shares and a mismatch that are not of them go.

    Raises:
        InvalidInput: the fields make no task, or a new one has no instruction, or its rows so far are of another form.
    """
    before = workspace.task(slug) if slug in workspace.tasks() else None
    if before is None and "instruction" not in named:
        reason = f"is missing, and task {slug!r} is not there yet to have one"
        raise InvalidInput("instruction", reason, "Say in a sentence or two what is classified and by what.")
    fields = _completed(named, before) if before else {"labels": (), **named}
    try:
        task = Task(**{**fields, "slug": slug})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InvalidInput(
            f"task {slug!r}",
            reason,
            "Give every label a name of its own, and a share if any has one, and a pair task one of them as "
            "`mismatch`, and call again.",
        ) from error
    if task.kind == "pair" and named.get("expected_shares"):  # not in the task itself: older ones may have some
        reason = f"are stated, and models of pairs, as of task {slug!r}, take no account of them"
        raise InvalidInput("`expected_shares`", reason, "Leave them out.")
    if before:
        _check_form(workspace, task, before)
    return task, before


def _completed(named: Mapping[str, Any], before: Task) -> dict[str, Any]:
    """Return the fields of the task `before` with those that are `named` in their place."""
    fields = {name: getattr(before, name) for name in Task.model_fields if name != "version"}
    if not named.get("labels"):
        return fields | {name: value for name, value in named.items() if name != "labels"}
    there = {label.name: label for label in before.labels}
    labels = tuple(_described(label, there.get(label.name)) for label in named["labels"])
    names = {label.name for label in labels}
    if before.mismatch not in names:
        fields["mismatch"] = None
    if names != there.keys():
        fields["expected_shares"] = None
    return {**fields, **named, "labels": labels}


def _described(label: Label, before: Label | None) -> Label:
    """Return `label` with what was said of it `before` and is not said now."""
    stays = {"description", "examples"} - label.model_fields_set
    return label.model_copy(update={name: getattr(before, name) for name in stays}) if before else label


def _check_form(workspace: Workspace, task: Task, before: Task) -> None:
    """Raise an `InvalidInput` if `task` has rows, which are of another form; those without labels may get several."""
    may_change = {"multi_label"} if not before.labels else set()
    if may_change and workspace.latest("dataset", task.slug) is None:
        may_change.add("kind")
    for name in sorted({"kind", "multi_label"} - may_change):
        if getattr(before, name) != getattr(task, name):
            reason = f"exists with {name} {getattr(before, name)!r}"
            repair = "Give the new task another name."
            if task.multi_label and task.kind == before.kind and workspace.latest("dataset", task.slug):
                repair += (
                    " Its rows come along by files: `classwright export DATASET FOLDER` on the server's machine, then "
                    "import_examples for each file and its split. A row keeps its label; edit_examples adds more."
                )
            raise InvalidInput(f"task {task.slug!r}", reason, repair)
