"""The verb `edit_examples`: put rows and labels right, or go back to an earlier version, as one new version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.changes import Change
from classwright_tools.domain.edits import Decider
from classwright_tools.domain.excerpt import SHORT, Excerpts, counted, listed, shortened
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import Noun, Slug, ToolRequest, ToolResult
from classwright_tools.domain.selection import RowFilter, RowSelection, check_doubt
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import ROW_BYTES, Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.domain.task import Task
    from classwright_tools.editing.versions import Edited, Make

AT_ONCE = 50
"""Rows that a call changes without asking: as many as one looks through."""
OVERRULED_AT_ONCE = 5
"""Rows that persons decided on otherwise, and that a call changes without asking: a handful."""
SHOWN, SAMPLE_BYTES = 10, 4_500  # rows of an answer, and what they may take of it
MOST_LISTED = 6  # reasons, changes or labels of a sentence
MOST_CHANGES = 100
_FOLLOWED = {"rename_label", "merge_label", "undo"}
"""Edits of labels that models follow without training."""


class EditExamplesRequest(ToolRequest):
    """What to change and why, or the edit to take back, or the version to go back to."""

    task: Slug
    reason: str = Field(min_length=1, max_length=500, description="Why, in a sentence.")
    changes: tuple[Change, ...] = Field(default=(), max_length=MOST_CHANGES, description="In their order.")
    undo: DatasetId | None = Field(default=None, description="Instead: the version whose edit alone to undo.")
    revert_to: DatasetId | None = Field(default=None, description="Instead: the version to return to.")
    confirm: int | None = Field(
        default=None, ge=1, le=10**9, description="Where an answer asks for it: the rows it counts."
    )
    decided_by: Decider = Field(
        default="person", description="'model': you judged the rows, asked to or not. A person's word counts above it."
    )
    dataset: DatasetId | None = Field(default=None, description="Default: the newest.")

    @model_validator(mode="after")
    def _changes_or_a_version(self) -> EditExamplesRequest:
        if sum(map(bool, (self.changes, self.undo, self.revert_to))) != 1:
            raise ValueError("pass `changes`, or `undo` or `revert_to` with the id of a dataset: one of these")
        return self


class ChangedRow(Noun):
    """A row that changes."""

    id: str
    text: str
    before: str
    after: str


class EditExamplesResult(ToolResult):
    """The new version, or the count and a sample of what is to be confirmed."""

    dataset: DatasetId | None = Field(description="None if nothing was changed.")
    parent: DatasetId = Field(description="The version that was edited.")
    rows: int = Field(ge=0, description="That change, or would.")
    sample: tuple[ChangedRow, ...] = ()


def edit_examples(request: EditExamplesRequest, context: ToolContext) -> EditExamplesResult:
    """Change rows and labels of a dataset in a new version, take one edit back, or go back to an earlier version.

    Origin, cell and round of a row stay; what was decided, by whom and why is kept beside the rows. A call that changes
    more than `AT_ONCE` rows, or more than `OVERRULED_AT_ONCE` that persons decided on otherwise, stores nothing unless
    it confirms their number.

    Raises:
        NotFound: the task, a dataset, or a label does not exist.
        InvalidInput: a change cannot be made: an id is that of no row, a test row is meant, a name or a text is there
            already, or rows of a label that is split would be left over. Nothing was stored.
        StorageFailed: the disk is full; no version was made.
    """
    from classwright_tools.editing.versions import edit_dataset, revert_dataset
    from classwright_tools.learning.reading_languages import NEAREST, unread_remark_at_hand
    from classwright_tools.workspace.destination import chosen_destination

    destination = chosen_destination(
        context.workspace,
        context.workspace.task(request.task).slug,
        dataset=request.dataset,
        new_dataset=False,
        verb="edit_examples",
    )
    by, reason = request.decided_by, request.reason
    if request.revert_to:
        return _reverted(
            request, revert_dataset(context, destination, request.revert_to, by=by, reason=reason), context
        )
    at_once = max(AT_ONCE, request.confirm or 0)
    changes = _undoing(context, request.undo) if request.undo else request.changes
    handful = None if request.undo else max(OVERRULED_AT_ONCE, request.confirm or 0)
    edited = edit_dataset(
        context, destination, changes, by=by, reason=reason, at_once=at_once, overruled_at_once=handful
    )
    result = _edited(request, edited, *_remarks(context, edited))
    rows = (one for change in request.changes for one in (change.rows, *(part.rows for part in change.into)))
    unread = ""
    if any(one and one.like for one in rows):
        own = context.workspace.task(request.task).languages
        unread = unread_remark_at_hand(context.encoder, own, context.workspace.encoders)
    if unread:
        unread = f" {unread} {NEAREST}"
    return result.model_copy(update={"summary": f"{result.summary}{unread}"})


def _undoing(context: ToolContext, version: str) -> Make:
    """Return what takes the edit back that made `version`.

    Raises:
        InvalidInput: it is of another task, or no edit.
    """
    from classwright_tools.editing.undo_edit import undo_edit

    return lambda draft: undo_edit(draft, context.workspace.resolve(version, "dataset", draft.task.slug).id)


def _remarks(context: ToolContext, edited: Edited) -> tuple[str, str, str]:
    """Return what lies beside the new version, what is told less well than before and which answers have ended, and
    which labels have too few rows to be trained on, in sentences.
    """
    from classwright_tools.annotation.answers_now import ended_by_edit
    from classwright_tools.annotation.random_rows import shares_lost
    from classwright_tools.curation.queries import newly_shared
    from classwright_tools.measurement.label_shares import calibrating_lost
    from classwright_tools.measurement.next_training import too_few
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.destination import told_beside

    if edited.dataset is None:
        return "", "", ""
    workspace = context.workspace
    task = workspace.task(edited.dataset.task)
    cards = (read_card(workspace, id_) for id_ in (edited.parent, edited.dataset.id))
    lost = (
        shares_lost(workspace, task, edited.parent, edited.dataset.id),
        calibrating_lost(task, *cards),
        newly_shared(workspace, edited.parent, edited.dataset.id),
        ended_by_edit(workspace, edited.parent, edited.dataset.id),
    )
    few = too_few(workspace, task, edited.dataset.id)
    return told_beside(workspace, edited.dataset), " ".join(filter(None, lost)), few


def _edited(request: EditExamplesRequest, edited: Edited, apart: str, lost: str, few: str) -> EditExamplesResult:
    from classwright_tools.editing.told import in_few_words, told_of_rows

    rows = sum(done.rows for done in edited.done)
    what = listed(in_few_words(edited.done), MOST_LISTED)
    reasons = sum((done.left for done in edited.done), Counter[str]())
    left = listed((f"{n} {why}" for why, n in reasons.most_common()), MOST_LISTED)
    of_each = dict.fromkeys(remark for done in edited.done for remark in done.remarks)
    remarks = [*told_of_rows(edited.done), *of_each, *edited.remarks, lost]
    if edited.to_confirm:
        sentence = f"Nothing is changed yet: this would change {edited.to_confirm} rows of {edited.parent} ({what})."
        next_step = (
            f"Show the person the count and the sample. Then call again with confirm={edited.to_confirm} and the same "
            "arguments."
        )
    elif edited.dataset is None:
        sentence, next_step = f"Nothing was changed in {edited.parent}.", "Name other rows: find_examples shows them."
        if request.undo:
            next_step = "Change first what keeps rows as they are, or go back to a whole version with `revert_to`."
            if not left:
                next_step = "There is nothing to undo."
    else:
        sentence = f"{edited.dataset.id} is {edited.parent} with {what}.{apart}"
        next_step = (
            f"To take it back: edit_examples(task={request.task!r}, undo={edited.dataset.id!r}, reason=...), by which "
            f"later edits stay; revert_to={edited.parent!r} takes these back too. "
        )
        know = "know nothing of it"
        if not _FOLLOWED.isdisjoint(done.action for done in edited.done):
            know = "follow a label that is renamed or merged, and its undo; of all else they know nothing"
        train = f"Models {know} until train_classifier(task={request.task!r}, dataset={edited.dataset.id!r})."
        next_step += few or train
    summary = [sentence, f"Left as they are: {left}." if left else "", *remarks]
    sample = [
        ChangedRow(
            id=row.id,
            text=shortened(row.text, SHORT),
            before=shortened(row.before, SHORT),
            after=shortened(row.after, SHORT),
        )
        for done in edited.done
        for row in done.sample
    ]
    excerpts = Excerpts(artifact_uri(edited.dataset.id if edited.dataset else edited.parent))
    shown = excerpts.of("sample", sample, SAMPLE_BYTES, most=SHOWN)
    excerpts.note("sample", len(shown), rows)
    return EditExamplesResult(
        summary=" ".join(filter(None, summary)),
        next_step=next_step,
        dataset=edited.dataset.id if edited.dataset else None,
        parent=edited.parent,
        rows=rows,
        sample=shown,
        shown_in_part=excerpts.parts,
    )


def _reverted(request: EditExamplesRequest, edited: Edited, context: ToolContext) -> EditExamplesResult:
    from classwright_tools.annotation.answers_now import ended_by_edit
    from classwright_tools.curation.row_changes import KINDS
    from classwright_tools.measurement.selecting import changed

    rows, next_step = 0, f"To take this back, revert_to={edited.parent!r}. Nothing of either version is lost."
    if edited.dataset is None:
        next_step = f"find_examples(task={request.task!r}, history=true) shows the versions that there are."
        summary = f"{edited.parent} is what is there: nothing was changed."
    else:
        found, counts, tests = changed(context, edited.dataset.id, edited.parent, RowFilter())
        rows = len(found) + tests
        came = listed((f"{counts[kind]:,} {kind}" for kind in KINDS if kind in counts), MOST_LISTED)
        tested = counted(tests, "test row") if tests else ""
        summary = (
            f"{edited.dataset.id} has the rows of {request.revert_to} again, and comes after {edited.parent}. "
            f"Rows that change by it: {' and '.join(filter(None, (came, tested))) or 'none'}. "
            f"{ended_by_edit(context.workspace, edited.parent, edited.dataset.id)}"
        ).rstrip()
    return EditExamplesResult(
        summary=" ".join((summary, *edited.remarks)),
        next_step=next_step,
        dataset=edited.dataset.id if edited.dataset else None,
        parent=edited.parent,
        rows=rows,
    )


def _selections(request: EditExamplesRequest) -> Iterator[RowSelection]:
    """Yield what rows are meant by, of all changes and parts of a split."""
    for change in request.changes:
        yield from filter(None, (change.rows, *(part.rows for part in change.into)))


def _check(request: EditExamplesRequest, task: Task) -> None:
    """Raise an `InvalidInput` if labels are doubted where there are none."""
    for rows in _selections(request):
        check_doubt(rows, task)


def _work(request: EditExamplesRequest, sizes: Sizes) -> Work:
    """Rows that are meant by likeness or in doubt are embedded."""
    if not any(rows.is_computed for rows in _selections(request)):
        return computing(ROW_BYTES)
    return computing(sizes.dataset(request.dataset, request.task, ("train", "validation", "unlabelled")))


TOOL = ToolSpec(
    run=edit_examples,
    request=EditExamplesRequest,
    result=EditExamplesResult,
    work=_work,
    makes=("dataset",),
    multi_label=True,
    before_labels=True,
    check=_check,
    text=ToolText(
        title="Edit examples",
        description=(
            "Put a dataset right, in one new version: its rows (relabel: also unlabelled ones), and labels, these also "
            "in task and topic tree. Rows keep their origin; test rows stay."
        ),
    ),
)
