"""Handing out: what is to be written is cut into batches, and stored as an assignment for the calling model."""

from __future__ import annotations

from typing import NamedTuple

from classwright_tools.context import ToolContext
from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.assignment import Assignment
from classwright_tools.workspace.destination import Destination
from classwright_tools.writing.assignments.batches import batch_rules, make_batches, style_of
from classwright_tools.writing.generation.spec import GenerationSpec


class HandedOut(NamedTuple):
    """An assignment, and the id under which it is stored."""

    id: str
    assignment: Assignment


def hand_out(spec: GenerationSpec, destination: Destination, plan: str | None, context: ToolContext) -> HandedOut:
    """Store the assignment of what `spec` wants written; a run that is repeated finds the one that it made.

    Raises:
        StorageFailed: the disk is full.
    """
    workspace = context.workspace
    made, style = make_batches(spec.targets), style_of(spec.targets, spec.task)
    named = dict.fromkeys(name for batch in made for name in spec.task.labels_of(batch.label))
    gates = QualityFilter.for_dataset(workspace, spec.task, spec.parent).rules(named)
    saved = workspace.publish_document(
        "assignment",
        spec.task.slug,
        Assignment(
            task=spec.task.slug,
            parent=spec.parent,
            on_newest=destination.on_newest,
            plan=plan,
            round=spec.round,
            rules=batch_rules(spec.task, made, style, gates),
            style=style,
            batches=made,
        ),
        run_key=context.run_key,
        parent=spec.parent,
        rows=spec.rows,
    )
    return HandedOut(saved.id, workspace.document(saved.id, "assignment", Assignment))
