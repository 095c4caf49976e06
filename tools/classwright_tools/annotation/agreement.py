"""Agreement: how good an annotator is by rows whose label is known, and a model by rows picked at random."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import joined_labels, key_in_words, labels_apart
from classwright_tools.domain.pair import joined
from classwright_tools.domain.task import Task
from classwright_tools.statistics.share_interval import wilson
from classwright_tools.workspace.asked_rows import labels_of
from classwright_tools.workspace.datasets import iterate_rows
from classwright_tools.workspace.later_labels import later_label
from classwright_tools.workspace.workspace import Artifact, Workspace

ROWS_LISTED = 10


def known_now(workspace: Workspace, known: Collection[str], dataset: str, task: Task) -> dict[str, str]:
    """Return the labels (`Example.label_key`) that `known` rows, the checks, have in `dataset`; of ended ones nothing.

    Raises:
        DamagedArtifact: the dataset does not read back.
    """
    return {
        row: key
        for row, key in labels_of(workspace, dataset, known).items()
        if key is not None and {*labels_apart(key)} <= {*task.label_names}
    }


def predicted_labels(
    workspace: Workspace, annotation: Annotation, known: Collection[str], dataset: str, task: Task
) -> dict[str, str]:
    """Return the `Example.label_key` that the annotation's model gives to each row that is no check, by the row's id.

    They are named as beside `dataset`, whose labels `task` has; those that have ended since the training are left out.
    It is asked at the end: whoever labels can read the annotation, and would be led by what a model says.
    """
    from classwright_tools.learning.later_labels import beside
    from classwright_tools.learning.model import load_model

    if annotation.model is None or annotation.order != "random":
        return {}
    model = beside(workspace, load_model(workspace, annotation.model), dataset)
    then = model.card.dataset
    ended = {name for name in model.card.labels if later_label(workspace, task, name, then, dataset) is None}
    rows = [row for row in annotation.rows if row.row not in known]
    answers, _ = model.space.answers(model.predict_proba([joined(row.text, row.text_pair) for row in rows]))
    keys = (answer if isinstance(answer, str) else joined_labels(answer) for answer in answers)
    return {row.row: key for row, key in zip(rows, keys, strict=True) if ended.isdisjoint(labels_apart(key))}


def kept_elsewhere(
    workspace: Workspace, annotation: Annotation, given: Mapping[str, Answer], task: Task, made: Artifact | None
) -> str:
    """Return the sentences on answers `given` to rows that had labels already; "" where none had.

    `made` is the dataset that came of the answers, if one did. The labels of the one before it stay, and each answer
    that differs from them is told.
    """
    newest = workspace.latest("dataset", task.slug) if annotation.on_newest else None
    parent = (made.parent if made else newest and newest.id) or annotation.dataset
    said = {row: key for row, answer in given.items() if (key := answer.key(task)) is not None}
    short = {row.row: row.id for row in annotation.rows}
    labelled: tuple[Split, ...] = ("train", "validation", "test")
    there = (row for split in labelled for batch in iterate_rows(workspace, parent, split) for row in batch)
    has = {row.id: row.label_key for row in there if row.id in said and row.label_key is not None}
    differ = [
        f"{short[row]} (row {row}) was answered {key_in_words(said[row])!r} here and has {key_in_words(key)!r}"
        for row, key in has.items()
        if said[row] != key
    ]
    if not has:
        return ""
    same = len(has) - len(differ)
    told = f" {counted(len(has), 'row')} had a label meanwhile and {'keeps' if len(has) == 1 else 'keep'} it"
    told += f"; {same} of the answers {'says' if same == 1 else 'say'} the same." if same else "."
    if differ:
        told += f" Otherwise: {listed(differ, ROWS_LISTED)}. Where the answer here is right, edit_examples relabels it."
    return told


def agreement(answered: Mapping[str, Answer], labels: Mapping[str, str], task: Task) -> tuple[Estimate, int] | None:
    """Return the share of `labels` (by the row's id) that the annotator gave as well, and of how many rows.

    That no label fits is another answer. Rows that it was unsure of, or for which it named several candidates, do not
    count; where rows of `task` may have several labels, all of a row's must be the same. Without a row that counts
    there is nothing to tell.
    """
    given = {row: answered[row] for row in labels if row in answered}
    both = [
        (one.key(task), labels[row]) for row, one in given.items() if one.fits_none(task) or one.key(task) is not None
    ]
    return (wilson(sum(one == other for one, other in both), len(both)), len(both)) if both else None
