"""Agreement: how good an annotator is by rows whose label is known, and a model by rows picked at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import joined_labels, key_in_words
from classwright_tools.domain.pair import joined
from classwright_tools.domain.task import Task
from classwright_tools.statistics.share_interval import wilson
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace

NOT_FAR = 0.2
"""Where guessing agrees on hardly less than so, an agreement without it would mislead."""


def known_labels(workspace: Workspace, annotation: Annotation) -> dict[str, str]:
    """Return the labels of the checks of an annotation, by the row's id."""
    asked = {row.row for row in annotation.rows}
    rows = [*read_rows(workspace, annotation.dataset, "train"), *read_rows(workspace, annotation.dataset, "validation")]
    return {row.id: row.label_key for row in rows if row.id in asked and row.label_key is not None}


def predicted_labels(workspace: Workspace, annotation: Annotation, known: Collection[str]) -> dict[str, str]:
    """Return the `Example.label_key` that the annotation's model gives to each row that is no check, by the row's id.

    It is asked at the end: whoever labels can read the annotation, and would be led by what a model says.
    """
    from classwright_tools.learning.model import load_model

    if annotation.model is None or annotation.order != "random":
        return {}
    model = load_model(workspace, annotation.model)
    rows = [row for row in annotation.rows if row.row not in known]
    answers, _ = model.space.answers(model.predict_proba([joined(row.text, row.text_pair) for row in rows]))
    keys = (answer if isinstance(answer, str) else joined_labels(answer) for answer in answers)
    return {row.row: key for row, key in zip(rows, keys, strict=True)}


def agreement(answered: Mapping[str, Answer], labels: Mapping[str, str], task: Task) -> tuple[Estimate, int] | None:
    """Return the share of `labels` (by the row's id) that the annotator gave as well, and of how many rows.

    Rows to which it gave no single label do not count; where rows of `task` may have several, those that it did not
    judge, and all of a row's must be the same. Without a row that counts there is nothing to tell.
    """
    given = {row: answered[row].key(task) for row in labels if row in answered}
    both = [(key, labels[row]) for row, key in given.items() if key is not None]
    return (wilson(sum(one == other for one, other in both), len(both)), len(both)) if both else None


def words(
    annotation: Annotation,
    given: Mapping[str, Answer],
    added: int,
    known: Mapping[str, str],
    checked: tuple[Estimate, int] | None,
    audit: tuple[Estimate, int] | None,
    task: Task,
) -> str:
    """Return the sentences on an annotation at its end.

    `given` are the answers to rows of `task` that are no checks, and so many rows were `added` to the training rows.
    """
    labels = [answer for answer in given.values() if answer.key(task) is not None]
    others = [answer for answer in given.values() if answer.key(task) is None]
    unfit = sum(answer.fits_none(task) for answer in others)
    kinds = {
        "several candidates": sum(len(answer.labels) > 1 and not answer.unsure for answer in others),
        "no label that fits": unfit,
        "an unsure answer": sum(answer.unsure for answer in others),
    }
    left = [f"{rows} with {kind}" for kind, rows in kinds.items() if rows]
    labelled = len(labels)
    got = f"{'their labels' if task.multi_label else 'a label'} {_from(labels)}" if labels else "a label"
    rows = counted(labelled, "row")
    joins = f"{annotation.split.replace('train', 'training')} row"
    summary = f"{rows} got {got} and {f'is a {joins}' if labelled == 1 else f'are {joins}s'} now."
    if added < labelled:
        summary = (
            f"{rows} got {got}, and {added or 'none'} of them became {joins}s: the others are no "
            "unlabelled rows of the dataset that they would join any more. Another annotation or an edit gave them "
            "labels, or took them out."
        )
    if left:
        stay = "stays" if len(others) == 1 else "stay"
        summary += f" {', '.join(left)} {stay} unlabelled, and {'is' if len(others) == 1 else 'are'} not asked again."
    if unfit and annotation.order == "random":
        summary += f" Of random texts {_share((wilson(unfit, len(given)), len(given)))} fit no label."
    if checked:
        summary += f" The annotator agrees with the known label of {_share(checked)} check rows."
    else:
        summary += " How good the labels are is not known: " + (
            "no check row got a single label."
            if known
            else "the dataset has no labelled rows to check them by (those that a model labelled, or a report "
            "showed, are none)."
        )
    if audit:
        summary += (
            f" {annotation.model} agrees with the annotator on {_share(audit)} random rows of {annotation.pool}, which "
            f"is its accuracy there as far as the annotator is right{_baseline(labels, audit[0], task)}."
        )
    return summary


def _from(answers: Collection[Answer]) -> str:
    """Return who gave the `answers`, which all label a row."""
    persons = sum(answer.by == "person" for answer in answers)
    models = len(answers) - persons
    if persons and models:
        return f"({persons} from a person, {models} from a model)"
    return "from a person" if persons else "from a model"


def _baseline(answers: Sequence[Answer], audit: Estimate, task: Task) -> str:
    """Return what always giving the most frequent label would agree on, where that is not far below the `audit`."""
    most, rows = Counter(answer.key(task) for answer in answers).most_common(1)[0]
    share = rows / len(answers)
    if share < audit.value - NOT_FAR:
        return ""
    return f"; always answering {key_in_words(most or '')!r} would agree on {share:.0%}"


def _share(found: tuple[Estimate, int]) -> str:
    share, rows = found
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%}) of {rows}"
