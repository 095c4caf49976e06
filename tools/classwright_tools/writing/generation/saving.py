"""Saving what was written: the rows join the newest dataset of the end, which others may have added to meanwhile."""

from __future__ import annotations

from classwright_tools.context import ToolContext
from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.outcome import ENDED
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.destination import Destination
from classwright_tools.workspace.later_labels import under_later_labels
from classwright_tools.workspace.workspace import Artifact
from classwright_tools.writing.generation.run import Written, outcome_files
from classwright_tools.writing.generation.spec import GenerationSpec, rows_there


def save_written(
    spec: GenerationSpec, written: Written, destination: Destination, context: ToolContext
) -> tuple[Written, Artifact | None]:
    """Return what is kept of `written`, and the dataset of the rows that are there and these; None if none is left.

    Writing takes long: a text that repeats a row which a job beside this one has added meanwhile is not kept.
    """
    workspace = context.workspace

    def save_onto(parent: str | None) -> tuple[Written, Artifact | None]:
        kept = written.copy()  # what this attempt refuses, another one may keep
        there, examples = spec.there, kept.examples
        if parent != spec.parent:
            there = rows_there(workspace, parent)
            kept.drop_repeats(QualityFilter.for_dataset(workspace, spec.task, parent))
            task = workspace.task(spec.task.slug)
            examples, ended = under_later_labels(workspace, task.label_names, kept.examples, spec.parent, parent)
            kept.filling.drop({row.id: f"{row.labels_name!r} is no label any more" for row in ended}, ENDED)
        if not examples:
            return kept, None
        return kept, save_dataset(
            workspace,
            spec.task.slug,
            {"train": [*there, *examples]},
            parent=parent,
            on_newest=destination.on_newest,
            run_key=context.run_key,
            made_by="synthesize_examples",
            refused=kept.outcome.refused,
            files=outcome_files(kept),
        )

    return destination.append(workspace, save_onto, context.progress)
