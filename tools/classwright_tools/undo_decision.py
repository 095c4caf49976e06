"""The verb `undo_decision`: take back a person's decision that a version of the dataset has already."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.decision import Decision, DecisionId, Person
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import Slug, ToolRequest, ToolResult
from classwright_tools.domain.selection import RowId
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import ROW_BYTES, always, computing


class UndoDecisionRequest(ToolRequest):
    """Which decision, and who takes it back."""

    task: Slug
    person: Person = Field(description="As in review_decide.")
    id: DecisionId = Field(description="Of the undo itself: one that is sent twice counts once.")
    undoes: DecisionId = Field(description="The decision that is taken back.")


class UndoDecisionResult(ToolResult):
    """The new version."""

    dataset: DatasetId = Field(description="The version without the decision.")
    rows: int = Field(ge=1, description="That are as they were before it.")
    first: RowId = Field(description="One of them, by the id that it has again.")


def undo_decision(request: UndoDecisionRequest, context: ToolContext) -> UndoDecisionResult:
    """Make one version of the task's newest dataset in which the rows of a decision are as they would be without it.

    Other decisions that came into the same version stay. So does a row that was changed again since: it is counted.

    Raises:
        NotFound: there is no such task or decision.
        InvalidInput: it waits to be saved, was taken back before, or changed nothing that could be put back.
        StorageFailed: the disk is full; the decision counts as before.
    """
    from classwright_tools.editing.draft import Done, Draft
    from classwright_tools.editing.put_back import put_back
    from classwright_tools.editing.versions import edit_dataset
    from classwright_tools.review.changes import carried_out
    from classwright_tools.review.decisions import store
    from classwright_tools.review.standing import Standing
    from classwright_tools.workspace.destination import Destination
    from classwright_tools.workspace.later_labels import edits_since

    workspace = context.workspace
    task = workspace.task(request.task)
    standing = Standing(workspace, task.slug)
    standing.refresh()
    entry = standing.entry(request.undoes)
    if entry is None:
        raise NotFound("the decision to take back", "is not there", "Look at the history.")
    if standing.is_undone(request.undoes) and standing.entry(request.id) is None:
        raise InvalidInput("this decision", "was taken back before", "There is nothing to do.")
    version = standing.version(entry)
    if version is None:
        raise InvalidInput("this decision", "waits to be saved", "review_decide takes it back.")
    made = workspace.artifact(version, "dataset")
    if made.parent is None or made.created < entry.created:  # it came into a version that was there, as it changed none
        raise InvalidInput("this decision", f"changed nothing of {version}", "There is nothing to put back.")
    parent, there = made.parent, list(entry.decision.rows)
    beside = [
        other
        for other in reversed(standing.entries)
        if other is not entry and standing.version(other) == version and not standing.is_undone(other.decision.id)
    ]
    shared = {row for other in beside for row in other.decision.rows}

    def without_it(draft: Draft) -> tuple[Done, ...]:
        done, back = put_back(draft, there, before=parent, after=version, whole=shared)
        return (done, *carried_out(draft, beside, standing.name, set(back)).done)

    said = f"Taken back on the review page: {entry.decision.action} ({counted(len(there), 'row')})"
    destination = Destination(task.slug, version, on_newest=True)
    edited = edit_dataset(context, destination, without_it, by="person", reason=said)
    undone = next(done for done in edited.done if done.action == "undo")
    left = listed((f"{n} {why}" for why, n in undone.left.most_common() if n), len(there))
    if edited.dataset is None:
        raise InvalidInput("this decision", f"puts no row back ({left})", "Decide on them again.")
    store(
        workspace, task.slug, version, request.person, [Decision(id=request.id, action="undo", undoes=request.undoes)]
    )
    own = edits_since(workspace, edited.parent, edited.dataset.id)
    return UndoDecisionResult(
        summary=f"In {edited.dataset.id} {counted(undone.rows, 'row is as it was', 'rows are as they were')} "
        f"before the decision that {version} has." + (f" Left as they are: {left}." if left else ""),
        next_step=f"edit_examples(task={task.slug!r}, revert_to={edited.parent!r}, reason=...) takes this back.",
        dataset=edited.dataset.id,
        rows=undone.rows,
        first=next(id_ for edit in own if edit.action == "undo" for id_ in edit.rows),
    )


TOOL = ToolSpec(
    run=undo_decision,
    request=UndoDecisionRequest,
    result=UndoDecisionResult,
    work=always(computing(ROW_BYTES)),  # no encoder reads the rows
    makes=("dataset",),
    for_page=True,
    multi_label=True,
    before_labels=True,
    text=ToolText(
        title="Undo a saved decision",
        description="Make a new version of a dataset without one decision of the review page that a version has.",
    ),
)
