"""The way from the rows of one model to those of another: whether only labels were given, and which edits were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from classwright_tools.domain.edits import Action
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.excerpt import counted
from classwright_tools.learning.model import Model
from classwright_tools.measurement.edit_calls import call_in_words, calls_of, not_held, version_made
from classwright_tools.measurement.relabelled_rows import labels_by_row
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.lineage import ancestors, fates
from classwright_tools.workspace.workspace import Workspace

_LISTED = 3
_CHANGES_ROWS: tuple[Action, ...] = (
    "relabel",
    "rewrite",
    "remove",
    "restore",
    "merge_label",
    "split_label",
    "remove_label",
)


def with_labels_given(workspace: Workspace, report: EvaluationReport, model: Model, other: Model) -> EvaluationReport:
    """Return the `report`, whose comparison says which of the two learnt from the other's rows with more labels.

    Raises:
        DamagedArtifact: a dataset does not read back.
    """
    if report.comparison is None:
        return report
    given = _labels_given(workspace, model.card.dataset, other.card.dataset)
    return report.model_copy(update={"comparison": report.comparison.model_copy(update={"labels_given": given})})


def _labels_given(workspace: Workspace, own: str, theirs: str) -> Literal["this", "other"] | None:
    """Return which of two datasets comes of the other by labels for real texts, and by edits, alone."""
    if own == theirs:
        return None
    if theirs in ancestors(workspace, own):
        return "this" if _only_labelled(workspace, theirs, own) else None
    if own in ancestors(workspace, theirs):
        return "other" if _only_labelled(workspace, own, theirs) else None
    return None


def _only_labelled(workspace: Workspace, then: str, now: str) -> bool:
    """Return whether the training rows differ, and no text is new but real ones and those that an edit rewrote."""
    before, after = (labels_by_row(workspace, one, "train", now) for one in (then, now))
    edited = {id_ for edit in edits_since(workspace, then, now) for id_ in edit.rows}
    new = {id_ for id_ in after if id_ not in before and id_ not in edited}
    rows = (row for row in read_rows(workspace, now, "train") if row.id in new)
    return before != after and all(row.origin in REAL_TEXTS for row in rows)


def edits_between(workspace: Workspace, then: str, now: str) -> str:
    """Return which edits of rows lie between the datasets `then` and `now`, and how to look at them and undo them.

    The newest come first; those of one call are told together, and those that were undone since are left out. "" where
    there are none, or `now` does not come of `then`. Where versions came after `now`, the edit is undone by itself.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    task = workspace.artifact(now, "dataset").task
    newest = workspace.resolve(None, "dataset", task).id
    undone = fates(workspace, newest).undone
    changes = [edit for edit in edits_since(workspace, then, now) if edit.action in _CHANGES_ROWS and edit.rows]
    calls = [call for call in calls_of(changes)[::-1] if version_made(workspace, call[0], now) not in undone]
    if not calls:
        return ""
    told = "; ".join(call_in_words(workspace, edits, now) for edits in calls[:_LISTED])
    more = f"; and {counted(len(calls) - _LISTED, 'earlier edit')}" if len(calls) > _LISTED else ""
    before, last = calls[0][0].dataset, "last of them" if len(calls) > 1 else "edit"
    back = f"revert_to={before!r}, reason=...) goes back to the rows before the {last}, in a new version"
    if newest != now:
        made = version_made(workspace, calls[0][0], now)
        back = f"undo={made!r}, reason=...) undoes the {last} by itself, so that what came later stays"
    return (
        f"Between {then} and {now} rows were edited: {told}{more}. Look at them with find_examples(task={task!r}, "
        f"dataset={now!r}, compare_to={before!r}). edit_examples(task={task!r}, {back}."
    )


class RowsLost(NamedTuple):
    """What to say of models whose rows do not hold any more, in sentences; each is "" where nothing is to be said."""

    model: str
    """That the model is not to be used, as its rows were taken back."""
    other: str
    """The same of the one that it is compared with."""
    undone: str
    """Which of the two learnt from edits that were undone since, where their other rows hold."""

    def beside(self, report: EvaluationReport, advise: Callable[[EvaluationReport], str]) -> str:
        """Return what to do after the `report`; `advise` says it where both models' rows hold."""
        if self.model:
            return f"{self.model}{f' {self.other}' if self.other else ''}"
        alone = report.model_copy(update={"comparison": None}) if self.other else report
        return " ".join(filter(None, (self.other, advise(alone), self.undone)))


def rows_lost(workspace: Workspace, model: Model, other: Model | None) -> RowsLost:
    """Return which of a `model` and the `other` that it is compared with learnt from rows that do not hold any more.

    Raises:
        DamagedArtifact: the edits of the newest dataset do not read back.
    """
    task = model.card.task
    found = fates(workspace, workspace.resolve(None, "dataset", task).id)
    gone, undone = ["", ""], []
    for number, one in enumerate(filter(None, (model, other))):
        back = not_held(workspace, found, one.card.dataset)
        if back and one.card.dataset in found.reverted:
            gone[number] = (
                f"Do not use {one.id}, however it compares: {back}. The newest rows are without what was taken back, "
                "so that nothing is to be done about it."
            )
        elif back:
            undone.append(
                f"Of {one.id}: {back}. The newest rows are without that, so that nothing is to be undone: "
                f"train_classifier(task={task!r}) learns them."
            )
    return RowsLost(gone[0], gone[1], " ".join(undone))
