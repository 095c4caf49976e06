"""The destination of new rows: one dataset, a new one, or whichever is the task's newest when they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.kinds import Kind
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.workspace import Artifact, Overtaken, Workspace

VERSIONS_LISTED = 3
T = TypeVar("T")
Report = Callable[[float | None, str], None]


@dataclass(frozen=True)
class Destination:
    """The dataset of `task` that rows join: `dataset`, a new one if that is None, or the newest one if `on_newest`."""

    task: str
    dataset: str | None = None
    on_newest: bool = False

    def parent(self, workspace: Workspace) -> str | None:
        """Return the id of the dataset to add to, as things stand now; None where a new one begins."""
        return _newest(workspace, "dataset", self.task) if self.on_newest else self.dataset

    def append(self, workspace: Workspace, attempt: Callable[[str | None], T], report: Report | None = None) -> T:
        """Return what `attempt` returns: it is given the dataset to add to, and saves a new version of that.

        Where rows join the newest dataset it goes by `onto_newest`, so that those of a job beside this one stay.
        """
        if self.on_newest:
            return onto_newest(workspace, "dataset", self.task, attempt, report)
        return attempt(self.dataset)


def chosen_destination(
    workspace: Workspace, task: str, *, dataset: str | None, new_dataset: bool, verb: str
) -> Destination:
    """Return where a call of `verb` adds rows: to `dataset`, to a new one with `new_dataset`, else to the newest.

    Raises:
        InvalidInput: both are given, or the dataset is of another task.
        NotFound: there is no such dataset.
    """
    if dataset and new_dataset:
        raise InvalidInput(verb, "was given `dataset` and `new_dataset`", "Keep one of them.")
    named = workspace.resolve(dataset, "dataset", task).id if dataset else None
    return Destination(task, named, on_newest=not (dataset or new_dataset))


def onto_newest(
    workspace: Workspace, kind: Kind, task: str, attempt: Callable[[str | None], T], report: Report | None = None
) -> T:
    """Return what `attempt` returns: it is given the task's newest artifact of `kind`, and publishes one made of it.

    Whenever it is `Overtaken` it is called again, with the newest of then, which `report` gets.
    """
    while True:
        try:
            return attempt(_newest(workspace, kind, task))
        except Overtaken:
            if report:
                report(None, "another was made meanwhile: going on from that")


def told_beside(workspace: Workspace, made: Artifact, joined: str | None = None) -> str:
    """Return the sentence on datasets that came of the parent of `made` before it: their rows and its are apart.

    It begins with a space. One that was `joined` is not meant, nor what it came of. The newest version of each is
    named, which holds what came in between.
    """
    if made.parent is None:
        return ""
    lines: list[list[str]] = []
    older = [one for one in workspace.artifacts(made.task, "dataset") if one.number < made.number]
    for one in sorted(older, key=lambda one: one.number):
        if one.parent == made.parent:
            lines.append([one.id])
        elif line := next((line for line in lines if one.parent in line), None):
            line.append(one.id)
            lines.append(lines.pop(lines.index(line)))  # the last is that of the newest version
    lines = [line for line in reversed(lines) if joined not in line]
    if not lines:
        return ""
    newest, before = lines[0][-1], read_card(workspace, made.parent)
    card = read_card(workspace, newest)
    first, *more = [split for split in SPLITS if card.rows(split) > before.rows(split)] or ["train"]
    named = (line[-1] + (f" ({len(line)} versions)" if len(line) > 1 else "") for line in lines)
    also = f", then with split={' and '.join(map(repr, more))}," if more else ""
    return (
        f" What was added to {made.parent} as {listed(named, VERSIONS_LISTED)} is not in {made.id}: "
        f"import_examples(task={made.task!r}, split={first!r}, dataset={made.id!r}, from_dataset={newest!r}){also} "
        f"joins {'it' if len(lines) == 1 else 'the first'}; or edit_examples(task={made.task!r}, revert_to={newest!r}, "
        f"reason=...) goes on from that, without {made.id}."
    )


def _newest(workspace: Workspace, kind: Kind, task: str) -> str | None:
    newest = workspace.latest(kind, task)
    return newest.id if newest else None
