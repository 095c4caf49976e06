"""The way from the rows of one model to those of another: whether only labels were given, and which edits were made."""

from __future__ import annotations

from typing import Literal

from classwright_tools.domain.edits import Action
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.excerpt import counted
from classwright_tools.learning.model import Model
from classwright_tools.measurement.edit_calls import call_in_words, calls_of
from classwright_tools.measurement.rows_compared import labelled_training_rows
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.lineage import ancestors
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
    before, after = ({row.id: row for row in labelled_training_rows(workspace, one)} for one in (then, now))
    edited = {id_ for edit in edits_since(workspace, then, now) for id_ in edit.rows}
    new = (row for id_, row in after.items() if id_ not in before and id_ not in edited)
    differ = {id_: row.label_key for id_, row in before.items()} != {id_: row.label_key for id_, row in after.items()}
    return differ and all(row.origin in REAL_TEXTS for row in new)


def edits_between(workspace: Workspace, then: str, now: str) -> str:
    """Return which edits of rows lie between the datasets `then` and `now`, and how to look at them and undo them.

    The newest come first; those of one call are told together. "" where there are none, or `now` does not come of
    `then`.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    changes = [edit for edit in edits_since(workspace, then, now) if edit.action in _CHANGES_ROWS and edit.rows]
    calls = calls_of(changes)[::-1]
    if not calls:
        return ""
    told = "; ".join(call_in_words(workspace, edits, now) for edits in calls[:_LISTED])
    more = f"; and {counted(len(calls) - _LISTED, 'earlier edit')}" if len(calls) > _LISTED else ""
    task, before = workspace.artifact(now, "dataset").task, calls[0][0].dataset
    return (
        f"Between {then} and {now} rows were edited: {told}{more}. Look at them with find_examples(task={task!r}, "
        f"dataset={now!r}, compare_to={before!r}). edit_examples(task={task!r}, revert_to={before!r}, reason=...) goes "
        f"back to the rows before the {'last of them' if len(calls) > 1 else 'edit'}, in a new version."
    )
