"""The circumstances of an evaluation: what became of the rows and labels since, which decides what to do next."""

from __future__ import annotations

from typing import NamedTuple

from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.label_names import other_labels
from classwright_tools.learning.model import Model
from classwright_tools.measurement.next_training import next_training
from classwright_tools.measurement.on_validation import last_training
from classwright_tools.measurement.rows_since import RowsLost, edits_between, rows_lost
from classwright_tools.measurement.untried import untried
from classwright_tools.workspace.ended_labels import rows_to_keep
from classwright_tools.workspace.workspace import Workspace


class Circumstances(NamedTuple):
    """What is to be known beside a report, in words; each is "" where nothing is to be said."""

    lost: RowsLost
    other_rows: str
    """A sentence on the rows of the other model, where it learnt from others."""
    edits: str
    """Sentences on what was edited in them since."""
    changed: str
    """How the task's labels are others than the model's, and what to do."""
    untried: str
    """What trainings have not tried yet."""
    last: str
    """The call that trains the model that goes to work, for where nothing is left to choose."""
    can_choose: bool
    """Whether validation rows can: neither model learnt from them."""


def circumstances(
    workspace: Workspace, report: EvaluationReport, model: Model, other: Model | None, *, differing: bool
) -> Circumstances:
    """Return the circumstances of a `report` on a `model`, and on the `other` that it is compared with.

    `differing` says that the two learnt from other rows.

    Raises:
        DamagedArtifact: a dataset, or the edits of one, do not read back.
    """
    task = workspace.task(model.card.task)
    lost = rows_lost(workspace, model, other)
    apart = other if differing else None
    changed = other_labels(report.model, model.labels, task.label_names)
    if changed:
        changed += f" {next_training(workspace, task, workspace.resolve(None, 'dataset', task.slug).id)}"
    can_choose = not any(one.card.validation_rows_learnt for one in (model, other) if one)
    kept = other if other and report.comparison and report.comparison.keeps_earlier else model
    return Circumstances(
        lost,
        other_rows=rows_to_keep(workspace, apart.card.dataset) if apart and not lost.undone else "",
        edits=edits_between(workspace, apart.card.dataset, model.card.dataset) if apart else "",
        changed=changed,
        untried=untried(workspace, task, report.dataset),
        last=last_training(kept.card) if can_choose and not changed else "",
        can_choose=can_choose,
    )
