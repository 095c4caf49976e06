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
    rows: int = Field(ge=0, description="That the decisions count for.")


def finish_review(request: FinishReviewRequest, context: ToolContext) -> FinishReviewResult:
    """Make one version of the task's newest dataset by all decisions that no version has yet.

    Raises:
        NotFound: the task or its dataset does not exist.
        NotEnoughData: no decision waits.
        StorageFailed: the disk is full; the decisions are kept.
    """
    from classwright_tools.editing.draft import Done, Draft
    from classwright_tools.editing.versions import edit_dataset
    from classwright_tools.measurement.next_training import next_training
    from classwright_tools.review.changes import carried_out
    from classwright_tools.review.decisions import mark_made
    from classwright_tools.review.people import NAMES_LISTED, people_of, repeated, rows_decided
    from classwright_tools.review.standing import Standing
    from classwright_tools.workspace.datasets import read_edits
    from classwright_tools.workspace.destination import Destination

    workspace = context.workspace
    task = workspace.task(request.task)
    standing = Standing(workspace, task.slug)
    standing.refresh()
    waiting = standing.waiting
    if not waiting:
        raise NotEnoughData(f"task {task.slug!r}", "has no decision that waits", "Review some rows first.")
    newest = workspace.resolve(None, "dataset", task.slug).id
    left: dict[str, int] = {}

    def decided(draft: Draft) -> tuple[Done, ...]:
        carried = carried_out(draft, waiting, standing.name)
        left.update(carried.left)
        return carried.done

    destination = Destination(task.slug, newest, on_newest=True)
    edited = edit_dataset(context, destination, decided, by="person", reason=request.reason, at_once=MOST_ROWS)
    dataset = edited.dataset.id if edited.dataset else edited.parent
    mark_made(workspace, [entry.number for entry in (*waiting, *standing.signatures)], dataset)
    own = read_edits(workspace, dataset)[len(read_edits(workspace, edited.parent)) :]
    by_name = rows_decided(own)
    rows = len(set().union(*by_name.values()))
    whose = listed((f"{name} {len(ids)}" for name, ids in by_name.items() if name), NAMES_LISTED)
    summary = [
        f"{dataset} has what was decided on {counted(rows, 'row')}{whose and f': {whose}'}.",
        repeated(waiting),
        f"Left out: {listed((f'{count} {reason}' for reason, count in left.items()), len(left))}." if left else "",
        people_of(workspace, dataset),
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
