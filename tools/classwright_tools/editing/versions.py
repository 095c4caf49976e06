"""Versions by editing: the changes of a call, or the return to an earlier version, as one new version of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from classwright_tools.context import ToolContext
from classwright_tools.domain.changes import Change
from classwright_tools.domain.edits import Decider, Edit
from classwright_tools.domain.task import Task
from classwright_tools.editing.definition import restore_definition, store_definition, with_labels_of
from classwright_tools.editing.draft import Done, Draft
from classwright_tools.editing.label_changes import LABEL_CHANGES
from classwright_tools.editing.label_split import split
from classwright_tools.editing.row_changes import ROW_CHANGES
from classwright_tools.workspace.datasets import read_card, save_dataset
from classwright_tools.workspace.destination import Destination
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.workspace import Artifact

MADE_BY = "edit_examples"
Make = Callable[[Draft], tuple[Done, ...]]
"""Changes a draft, and returns what each change did."""


@dataclass(frozen=True)
class Edited:
    """The version that was edited, the one that was made of it, if one was, and what each change did.

    `to_confirm` counts the rows where these are so many that nothing was stored. `remarks` are sentences.
    """

    parent: str
    dataset: Artifact | None
    done: tuple[Done, ...] = ()
    to_confirm: int = 0
    remarks: tuple[str, ...] = ()


def edit_dataset(
    context: ToolContext,
    destination: Destination,
    changes: Sequence[Change] | Make,
    *,
    by: Decider,
    reason: str,
    at_once: int | None = None,
    overruled_at_once: int | None = None,
) -> Edited:
    """Make one new version of a dataset by `changes`, one after the other; none where they change nothing.

    In their place something else may change the draft.

    Nothing is stored either where they change more than `at_once` rows, or more than `overruled_at_once` that a person
    decided on otherwise, if these are given. Labels change in the task, too.

    Raises:
        NotFound, InvalidInput: a change cannot be made; nothing was stored.
        StorageFailed: the disk is full; no version was made.
    """
    workspace = context.workspace

    def attempt(parent: str | None) -> Edited:
        dataset = workspace.resolve(parent, "dataset", destination.task).id
        task = workspace.task(destination.task)
        draft, done = _drafted(context, task, dataset, changes, by, reason)
        rows, overruled = sum(one.rows for one in done if one.asks), sum(one.overruled.total() for one in done)
        asks = any(most is not None and n > most for n, most in ((rows, at_once), (overruled, overruled_at_once)))
        if asks or not draft.new:
            return Edited(dataset, None, done, to_confirm=rows if asks else 0)
        saved = save_dataset(
            workspace,
            task.slug,
            {split: draft.rows_of(split) for split in draft.touched},
            parent=dataset,
            on_newest=destination.on_newest,
            run_key=context.run_key,
            made_by=MADE_BY,
            note=reason,
            edits=draft.new,
            task_version=_version(task, draft.task),
            beside=draft.beside,
        )
        return Edited(dataset, saved, done, remarks=(*draft.remarks(), *store_definition(context, task, draft)))

    made = workspace.made_by(context.run_key, "dataset")
    if made is None:
        return destination.append(workspace, attempt, context.progress)
    assert made.parent
    task = workspace.task(destination.task)
    if read_card(workspace, made.id).task_version > task.version:  # the run was cut off before it stored the task
        draft, done = _drafted(context, task, made.parent, changes, by, reason)
        return Edited(made.parent, made, done, remarks=store_definition(context, task, draft))
    return Edited(made.parent, made, _done_by(context, made))


def revert_dataset(context: ToolContext, destination: Destination, version: str, *, by: Decider, reason: str) -> Edited:
    """Make a new version with the rows of `version`, to the byte, and give the task the labels that it had then.

    Raises:
        NotFound: there is no such dataset, or none to come from.
        InvalidInput: it is of another task.
    """
    workspace = context.workspace
    back_to = workspace.resolve(version, "dataset", destination.task).id
    then = workspace.task(destination.task, read_card(workspace, back_to).task_version)

    def attempt(parent: str | None) -> Edited:
        dataset = workspace.resolve(parent, "dataset", destination.task).id
        if dataset == back_to:
            return Edited(dataset, None)
        task = workspace.task(destination.task)
        edit = Edit(action="revert", by=by, reason=reason, when=datetime.now(UTC), dataset=dataset, version=back_to)
        saved = save_dataset(
            workspace,
            task.slug,
            {},
            parent=dataset,
            rows_of=back_to,
            on_newest=destination.on_newest,
            run_key=context.run_key,
            made_by=MADE_BY,
            note=reason,
            edits=[edit],
            task_version=_version(task, with_labels_of(then, task)),
        )
        return Edited(dataset, saved, remarks=restore_definition(context, then, task))

    made = workspace.made_by(context.run_key, "dataset")
    if made is None:
        return destination.append(workspace, attempt, context.progress)
    assert made.parent
    return Edited(made.parent, made, remarks=restore_definition(context, then, workspace.task(destination.task)))


def _drafted(
    context: ToolContext, task: Task, dataset: str, changes: Sequence[Change] | Make, by: Decider, reason: str
) -> tuple[Draft, tuple[Done, ...]]:
    """Return a draft of `dataset` with `changes`, and what each did."""
    context.progress(0.0, f"reading {dataset}")
    draft = Draft(context, task, dataset, by=by, reason=reason, now=datetime.now(UTC))
    return draft, changes(draft) if callable(changes) else tuple(applied(draft, change) for change in changes)


def applied(draft: Draft, change: Change) -> Done:
    """Make one change in `draft`, and return what it did.

    Raises:
        NotFound, InvalidInput: it cannot be made.
    """
    if change.rows is not None:
        return ROW_CHANGES[change.action](draft, change, change.rows)
    return split(draft, change) if change.action == "split_label" else LABEL_CHANGES[change.action](draft, change)


def _version(before: Task, after: Task) -> int:
    """Return the version that `after` will have where it is stored after `before`."""
    return before.version + (after != before)


def _done_by(context: ToolContext, made: Artifact) -> tuple[Done, ...]:
    """Return what the run that made a version did, as far as its edits tell."""
    edits = edits_since(context.workspace, made.parent, made.id)
    return tuple(Done(edit.action, rows=len(edit.rows) + edit.test_rows) for edit in edits)
