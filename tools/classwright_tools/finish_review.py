"""The verb `finish_review`: make a new version of a dataset of what persons decided on the review page."""

from __future__ import annotations

from functools import partial

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import Slug, ToolRequest, ToolResult
from classwright_tools.errors import NotEnoughData
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import ROW_BYTES, always, computing


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

    A run that is repeated tells of the version that it made; what was decided since waits for the next one.

    Raises:
        NotFound: the task or its dataset does not exist.
        NotEnoughData: no decision waits.
        StorageFailed: the disk is full; the decisions are kept.
    """
    from classwright_tools.editing.draft import Done, Draft
    from classwright_tools.editing.versions import edit_dataset
    from classwright_tools.measurement.next_training import next_training
    from classwright_tools.review.changes import Carried, carried_out
    from classwright_tools.review.decisions import mark_made, mark_without_change
    from classwright_tools.review.people import NAMES_LISTED, people_of, repeated, rows_decided
    from classwright_tools.review.standing import Standing
    from classwright_tools.workspace.destination import Destination
    from classwright_tools.workspace.later_labels import edits_since

    workspace = context.workspace
    task = workspace.task(request.task)
    standing = Standing(workspace, task.slug)
    carried, marked = Carried((), {}), list[int]()

    def decided(draft: Draft) -> tuple[Done, ...]:
        nonlocal carried, marked
        standing.refresh()  # what another run saved meanwhile does not wait any more
        if not standing.waiting:
            raise NotEnoughData(f"task {task.slug!r}", "has no decision that waits", "Review some rows first.")
        marked = [entry.number for entry in (*standing.waiting, *standing.signatures)]
        draft.beside = partial(mark_made, numbers=marked)
        carried = carried_out(draft, standing.waiting, standing.name)
        return carried.done

    edited = edit_dataset(context, Destination(task.slug, on_newest=True), decided, by="person", reason=request.reason)
    if edited.dataset is None:
        mark_without_change(workspace, edited.parent, marked)
    dataset = edited.dataset.id if edited.dataset else edited.parent
    standing.refresh()
    saved = [entry for entry in standing.saved_in(dataset) if edited.dataset or entry.number in marked]
    own = edits_since(workspace, edited.parent, dataset)
    by_name = rows_decided(own)
    rows, left = len(set().union(*by_name.values())), carried.left
    whose = listed((f"{name} {len(ids)}" for name, ids in by_name.items() if name), NAMES_LISTED)
    summary = [
        f"{dataset} has what was decided on {counted(rows, 'row')}{whose and f': {whose}'}.",
        repeated(saved),
        f"Left out: {listed((f'{count} {reason}' for reason, count in left.items()), len(left))}." if left else "",
        people_of(workspace, dataset),
    ]
    return FinishReviewResult(
        summary=" ".join(filter(None, summary)),
        next_step=next_training(workspace, task, dataset),
        dataset=dataset,
        decisions=len(saved),
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
