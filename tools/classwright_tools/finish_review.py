"""The verb `finish_review`: make a new version of a dataset of what persons decided on the review page."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import MAX_ROWS_WRITTEN, Slug, ToolRequest, ToolResult
from classwright_tools.errors import NotEnoughData
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import ROW_BYTES, always, computing

MOST_ROWS = 10 * MAX_ROWS_WRITTEN
"""Each bulk decision was confirmed on the page, with its count."""


class FinishReviewRequest(ToolRequest):
    """Whose decisions, and why they were taken."""

    task: Slug
    reason: str = Field(default="Reviewed by a person", min_length=1, max_length=200, description="Kept with the rows.")


class FinishReviewResult(ToolResult):
    """The new version."""

    dataset: DatasetId = Field(description="The version that has the decisions.")
    decisions: int = Field(ge=1)
    rows: int = Field(ge=0, description="That were changed or marked.")


def finish_review(request: FinishReviewRequest, context: ToolContext) -> FinishReviewResult:
    """Make one version of the task's newest dataset by all decisions that no version has yet.

    Raises:
        NotFound: the task or its dataset does not exist.
        NotEnoughData: no decision waits.
        StorageFailed: the disk is full; the decisions are kept.
    """
    from classwright_tools.editing.versions import edit_dataset
    from classwright_tools.measurement.next_training import next_training
    from classwright_tools.review.changes import changes_of
    from classwright_tools.review.decisions import mark_made
    from classwright_tools.review.standing import Standing
    from classwright_tools.workspace.datasets import read_table
    from classwright_tools.workspace.destination import Destination

    workspace = context.workspace
    task = workspace.task(request.task)
    standing = Standing(workspace, task.slug)
    standing.refresh()
    waiting = standing.waiting
    if not waiting:
        raise NotEnoughData(f"task {task.slug!r}", "has no decision that waits", "Review some rows first.")
    newest = workspace.resolve(None, "dataset", task.slug).id
    there = changes_of(waiting, set(read_table(workspace, newest)["id"].to_pylist()), task.label_names)
    dataset, rows = newest, 0
    if there.changes:
        destination = Destination(task.slug, newest, on_newest=True)
        edited = edit_dataset(
            context, destination, there.changes, by="person", reason=request.reason, at_once=MOST_ROWS
        )
        dataset = edited.dataset.id if edited.dataset else edited.parent
        rows = sum(done.rows for done in edited.done)
    mark_made(workspace, [entry.number for entry in (*waiting, *standing.signatures)], dataset)
    left = listed((f"{count} {reason}" for reason, count in there.left.items()), len(there.left))
    summary = [
        f"{dataset} has {counted(len(waiting), 'decision')}; "
        f"{counted(rows, 'row was', 'rows were')} changed or marked.",
        f"Left out: {left}." if left else "",
    ]
    return FinishReviewResult(
        summary=" ".join(filter(None, summary)),
        next_step=next_training(workspace, task, dataset),
        dataset=dataset,
        decisions=len(waiting),
        rows=rows,
    )


TOOL = ToolSpec(
    run=finish_review,
    request=FinishReviewRequest,
    result=FinishReviewResult,
    work=always(computing(ROW_BYTES)),  # no encoder reads the rows
    makes=("dataset",),
    for_page=True,
    multi_label=True,
    before_labels=True,
    text=ToolText(
        title="Finish a review",
        description="Make a new version of a dataset of what persons decided on the review page.",
    ),
)
