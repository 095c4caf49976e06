"""The step on the way to a training that the rows of a task suggest: the training, or first the rows that it lacks."""

from __future__ import annotations

from collections.abc import Mapping

from classwright_tools.domain.augmentation import LEAST_ROWS as ENOUGH_ROWS
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.task import Task
from classwright_tools.learning.rows import LEAST_ROWS
from classwright_tools.statistics.at_shares import RARE
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.lineage import ancestors
from classwright_tools.workspace.workspace import Workspace

MOST_NAMED = 5
TO_BEGIN_WITH = 24  # rows for each label that has hardly any


def next_training(workspace: Workspace, task: Task, dataset: str) -> str:
    """Return the call that trains on `dataset`, or where a label has too few training rows how to get more.

    Where the task's newest dataset came of it since, as when a call is repeated, that is named.
    """
    newest = workspace.latest("dataset", task.slug)
    if newest and dataset in ancestors(workspace, newest.id):
        dataset = newest.id
    return too_few(workspace, task, dataset) or f"Call train_classifier(task={task.slug!r}, dataset={dataset!r})."


def too_few(workspace: Workspace, task: Task, dataset: str) -> str:
    """Return which labels have too few rows in `dataset` to be trained on, and how to get more; "" of none."""
    card = read_card(workspace, dataset)
    rows = card.rows_to_learn(task.label_names)
    short = {name: f"{name!r} {there}" for name, there in rows.items() if there < LEAST_ROWS}
    if not short:
        return ""
    more = "synthesize_examples or import_examples" if task.can_be_written(short) else "import_examples"
    if any(rows.values()):
        more = f"edit_examples (relabel rows that are of them), {more}"
    if card.rows("unlabelled"):
        more = f"annotate_examples(task={task.slug!r}, dataset={dataset!r}), {more}"
    few = listed(short.values(), MOST_NAMED)
    return f"Too few rows to train on ({few}; {LEAST_ROWS} of each label are needed). Get more by {more}."


def scarce_labels(rows: Mapping[str, int]) -> tuple[str, ...]:
    """Return the labels with so few of the training `rows` that hardly an error shows it: the fewest first.

    They have fewer than five, and less than half of what each would have if all had the same.
    """
    least = min(ENOUGH_ROWS, RARE * sum(rows.values()) / max(1, len(rows)))
    return tuple(sorted((name for name, there in rows.items() if there < least), key=rows.__getitem__))


def scarce_remark(task: Task, dataset: str, rows: Mapping[str, int]) -> str:
    """Return which labels have very few of the training `rows` of `dataset`, and how to get more; "" of none."""
    names = scarce_labels(rows)
    if not names:
        return ""
    few = listed((f"{name!r} has {counted(rows[name], 'training row')}" for name in names), MOST_NAMED)
    more = "import_examples"
    if task.can_be_written(names):
        labels = [*names[:MOST_NAMED]]
        call = f"task={task.slug!r}, dataset={dataset!r}, {labels=}, rows={TO_BEGIN_WITH * len(labels)}"
        more = f"synthesize_examples({call}) or {more}"
    return f"{few}: figures hardly show what a model misses for that. Get more: {more}."


def without_topics(workspace: Workspace, task: Task) -> str:
    """Return the step that needs no topics, by what the newest dataset has; a step that needs some is to follow."""
    newest = workspace.latest("dataset", task.slug)
    card = read_card(workspace, newest.id) if newest else None
    if bare := card.rows("unlabelled") if card else 0:
        return (
            f"{counted(bare, 'text without a label is', 'texts without labels are')} there: "
            f"annotate_examples(task={task.slug!r}) gets labels for them, and needs no topics. To have texts written "
            "as well: "
        )
    if card and card.rows("train"):
        return (
            f"Rows to train on are there: train_classifier(task={task.slug!r}) needs no topics. To have texts written: "
        )
    have = f"If you have rows with labels: import_examples(task={task.slug!r}, split='train') needs no topics."
    return f"{have} To have texts written: "
