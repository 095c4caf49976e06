"""The open work of a task: rows without a label, marks that wait, texts and labels that were asked for."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from classwright_tools.annotation.answers_now import answers_now, is_open, joined_by, stored_answers
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import Kind
from classwright_tools.domain.labels_since import fitting_none
from classwright_tools.domain.opinions import Opinions
from classwright_tools.domain.task import Task
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_card, read_edits
from classwright_tools.workspace.index import SubmissionRow, reading
from classwright_tools.workspace.workspace import Artifact, Workspace


def open_work(workspace: Workspace, task: Task, newest: Artifact | None) -> tuple[str, ...]:
    """Return what is open in `task`, whose newest dataset is `newest`, a sentence each, with the call that goes on.

    Raises:
        DamagedArtifact: the dataset, or what was handed out, does not read back.
    """
    return (
        *(_of_rows(workspace, task, newest) if newest else ()),
        *_handed_out(workspace, task, "annotation"),
        *_handed_out(workspace, task, "assignment"),
        *_decisions(workspace, task),
    )


def _of_rows(workspace: Workspace, task: Task, newest: Artifact) -> Iterator[str]:
    edits = read_edits(workspace, newest.id)
    bare = read_card(workspace, newest.id).rows("unlabelled")
    none = len(fitting_none(edits, task.label_names))
    if bare:
        unfit = f", {none} of which fit none of the labels (find_examples, mark='fits_none')" if none else ""
        yield f"{counted(bare, 'row has', 'rows have')} no label{unfit}: annotate_examples(task={task.slug!r})."
    decided = Decided(edits)
    disputed = sum(row not in decided.removed for row in Opinions(edits, task.label_names).disputed)
    if disputed:
        yield (
            f"Persons differ about {counted(disputed, 'row')}: find_examples(task={task.slug!r}, mark='disputed'); an "
            "edit of them settles it."
        )
    flagged = len(decided.flagged)
    if flagged:
        yield f"{counted(flagged, 'row is', 'rows are')} flagged for later: find_examples, mark='flag'."


def _handed_out(workspace: Workspace, task: Task, kind: Kind) -> Iterator[str]:
    """Yield what the newest annotation, or assignment, still lacks; nothing where it is closed."""
    newest = workspace.latest(kind, task.slug)
    if newest is None or not is_open(workspace, newest.id):
        return
    if kind == "annotation":
        annotation = workspace.document(newest.id, kind, Annotation)
        _, _, later = joined_by(workspace, newest.id, annotation)
        want, have = len(annotation.rows), len(answers_now(stored_answers(workspace, newest.id), later, task).hold)
        asked, call = "text is labelled", f"annotate_examples(task={task.slug!r}, annotation={newest.id!r})"
    else:
        want = sum(batch.count for batch in workspace.document(newest.id, kind, Assignment).batches)
        with reading(workspace.engine) as session:
            there = select(func.count()).where(SubmissionRow.assignment == newest.id)
            have = session.scalar(there) or 0
        asked, call = "text is written", f"submit_examples(assignment={newest.id!r})"
    many = asked.replace("text is", "texts are")
    yield f"Of {newest.id} {have:,} of {counted(want, asked, many)}: {call} goes on."


def _decisions(workspace: Workspace, task: Task) -> Iterator[str]:
    """Yield how many decisions of the review page no version has yet."""
    standing = Standing(workspace, task.slug)
    standing.refresh()
    count = len(standing.waiting)
    if count:
        yield f"{counted(count, 'decision')} of the review page {'waits' if count == 1 else 'wait'} to be saved there."
