"""Labels of random rows, which tell the shares of the labels without a model; and shares that a person stated."""

from __future__ import annotations

from collections import Counter

from classwright_tools.annotation.agreement import known_labels
from classwright_tools.annotation.answers import stored_answers
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.shares import TaskShares
from classwright_tools.domain.task import Task
from classwright_tools.learning.prior import counted_shares, stated_shares
from classwright_tools.workspace.workspace import Workspace

LEAST_ROWS = 50  # with a label: an interval of a share is 28 points wide at most
LEAST_A_LABEL = 5  # of them for each label of the task: of fewer many labels get none by chance
LEAST_LABELLED = 0.9  # of the rows with an answer: the others may be of some labels rather than of all


def shares_of_task(workspace: Workspace, task: Task) -> TaskShares | None:
    """Return the labels' shares as a person stated them, else those in random rows that were labelled, if there are.

    A multi-label task has none.
    """
    if task.expected_shares:
        return stated_shares(task.expected_shares, task.label_names)
    if task.multi_label:
        return None
    counts, fits_none = random_labels(workspace, task)
    return counted_shares(counts, task.label_names, fits_none) if counts else None


def random_labels(workspace: Workspace, task: Task) -> tuple[Counter[str], int]:
    """Return how many rows that were asked about at random got each label of `task`, and how many fit none.

    The counts are empty where they tell too little. Rows are a fair sample of the unlabelled ones until others are
    picked for what they tell or where they came from, so annotations from the first such one on do not count.
    """
    counts: Counter[str] = Counter()
    answered = fits_none = 0
    for made in sorted(workspace.artifacts(task.slug, "annotation"), key=lambda one: one.number):
        annotation = workspace.document(made.id, "annotation", Annotation)
        if annotation.order != "random" or annotation.source:
            break
        checks = known_labels(workspace, annotation)
        answers = [answer for row, answer in stored_answers(workspace, made.id).items() if row not in checks]
        unfit = sum(answer.fits_none(task) for answer in answers)
        fits_none += unfit
        answered += len(answers) - unfit
        counts.update(answer.label for answer in answers if answer.label in task.label_names)
    told = counts.total()
    least = max(LEAST_ROWS, LEAST_A_LABEL * len(task.labels), LEAST_LABELLED * answered)
    return (counts if told >= least else Counter()), fits_none
