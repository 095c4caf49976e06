"""The step after rows have got labels: a training, or first the rows that it would be refused without."""

from __future__ import annotations

from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.task import Task
from classwright_tools.learning.rows import LEAST_ROWS
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.workspace import Workspace

MOST_NAMED = 5


def next_training(workspace: Workspace, task: Task, dataset: str) -> str:
    """Return the call that trains on `dataset`, or where a label has too few training rows how to get more."""
    card = read_card(workspace, dataset)
    counts = card.by_label if task.multi_label else card.counts
    train = [(one.label, one.rows) for one in counts if one.split == "train"]
    rows = {name: sum(there for label, there in train if label == name) for name in task.label_names}
    short = [f"{name!r} {there}" for name, there in rows.items() if there < LEAST_ROWS]
    if not short:
        return f"Call train_classifier(task={task.slug!r}, dataset={dataset!r})."
    more = "synthesize_examples or import_examples"
    if card.rows("unlabelled"):
        more = f"annotate_examples(task={task.slug!r}, dataset={dataset!r}), {more}"
    few = listed(short, MOST_NAMED)
    return f"Too few rows to train on ({few}; {LEAST_ROWS} of each label are needed). Get more by {more}."
