"""The verb `submit_examples`: take the texts that the calling model wrote for batches of an assignment."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, WithJsonSchema, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment, Batch
from classwright_tools.domain.excerpt import Excerpts, counted
from classwright_tools.domain.kinds import AssignmentId, DatasetId
from classwright_tools.domain.noun import GivenText, ToolRequest, ToolResult
from classwright_tools.domain.outcome import ENDED, RefusedText
from classwright_tools.domain.pair import Content, GivenPair, joined
from classwright_tools.domain.task import Task
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.errors import InvalidInput, unknown_id
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import always, writing

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Artifact, Workspace
    from classwright_tools.writing.assignments.submissions import Receipt


MOST_TEXTS = 100
_OBJECTS = WithJsonSchema({"type": "array", "items": {"type": "object"}})  # a client has read what batches are


class SubmitExamplesRequest(ToolRequest):
    """The texts of some batches. Sending them twice does no harm: a text counts once."""

    assignment: AssignmentId = Field(description="From synthesize_examples.")
    texts: dict[str, Annotated[tuple[GivenText, ...], Field(max_length=MOST_TEXTS)]] = Field(
        default_factory=dict,
        max_length=MOST_TEXTS,
        description=f"By the batch that they were written for, {MOST_TEXTS} at most: {{'b1': ['...', '...']}}.",
    )
    pairs: dict[str, Annotated[tuple[GivenPair, ...], Field(max_length=MOST_TEXTS)]] = Field(
        default_factory=dict, max_length=MOST_TEXTS, description="For a pair task, in place of `texts`."
    )
    finish: bool = Field(default=False, description="Make the dataset of what was accepted.")

    @model_validator(mode="after")
    def _texts_or_pairs(self) -> SubmitExamplesRequest:
        if (self.texts and self.pairs) or not (self.texts or self.pairs or self.finish):
            raise ValueError("pass `texts`, or `pairs` for a pair task: one of the two")
        if sum(map(len, (*self.texts.values(), *self.pairs.values()))) > MOST_TEXTS:
            raise ValueError(f"send at most {MOST_TEXTS} texts in one call")
        return self


class SubmitExamplesResult(ToolResult):
    """What was kept, what was not and why, and what is still wanted."""

    accepted: int = Field(ge=0, description="New texts that were kept.")
    already_accepted: int = Field(default=0, ge=0, description="Texts that an earlier call had brought.")
    refused: tuple[RefusedText, ...] = ()
    have: int = Field(ge=0, description="Texts accepted for the whole assignment.")
    want: int = Field(ge=1)
    next_batches: Annotated[tuple[Batch, ...], _OBJECTS] = Field(default=(), description="As in synthesize_examples.")
    style: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="As `rules`, of the labels of these.")
    rules: tuple[str, ...] = ()
    dataset: DatasetId | None = Field(default=None, description="The dataset, once the assignment is complete.")


def submit_examples(request: SubmitExamplesRequest, context: ToolContext) -> SubmitExamplesResult:
    """Check and store the texts of some batches, and make the dataset when all batches are there.

    Raises:
        NotFound: there is no such assignment, or it has no such batch.
        InvalidInput: a batch is of pairs and got texts, or the other way round, or its label has ended.
        StorageFailed: the disk is full; nothing of this call was stored.
    """
    from classwright_tools.writing.assignments.submissions import Submissions

    workspace = context.workspace
    assignment = workspace.document(request.assignment, "assignment", Assignment)
    task = workspace.task(assignment.task)
    given = _given(request, assignment)
    for batch, _ in given:
        _check_label(batch, assignment, task, workspace)
    submissions = Submissions(workspace, request.assignment, assignment, task)
    receipt = submissions.receive(given, finish=request.finish)
    if receipt.is_closed:
        return _finished(receipt, submissions.dataset(), assignment, context)
    return _still_open(request, receipt, assignment, task)


def _given(request: SubmitExamplesRequest, assignment: Assignment) -> list[tuple[Batch, list[Content]]]:
    """Return what is submitted for each batch: none where the assignment is only to be finished."""
    batches = {batch.batch: batch for batch in assignment.batches}
    found = []
    for id_ in (*request.texts, *request.pairs):
        if id_ not in batches:
            raise unknown_id("batch", id_, batches)
        batch = batches[id_]
        if id_ not in getattr(request, batch.sent_as):
            raise InvalidInput(f"batch {id_!r}", f"wants {batch.sent_as}, and got none", f"Pass `{batch.sent_as}`.")
        texts = [Content(text) for text in request.texts.get(id_, ())]
        found.append((batch, texts or [joined(pair.text, pair.text_pair) for pair in request.pairs.get(id_, ())]))
    return found


def _check_label(batch: Batch, assignment: Assignment, task: Task, workspace: Workspace) -> None:
    """Raise an `InvalidInput` if a label of `batch` has ended; one that was renamed takes texts."""
    from classwright_tools.workspace.destination import Destination
    from classwright_tools.workspace.later_labels import later_label

    for label in task.labels_of(batch.label):
        if label in task.label_names:
            continue
        parent = Destination(task.slug, assignment.parent, on_newest=assignment.on_newest).parent(workspace)
        if later_label(workspace, task, label, assignment.parent, parent) is None:
            raise InvalidInput(
                f"label {label!r} of batch {batch.batch!r}",
                "has ended since the assignment was made",
                "Write for other batches, or end with finish=true; synthesize_examples makes an assignment for new "
                "labels.",
            )


def _finished(
    receipt: Receipt, dataset: Artifact, assignment: Assignment, context: ToolContext
) -> SubmitExamplesResult:
    from classwright_tools.measurement.next_training import next_training
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.destination import told_beside

    want = sum(batch.count for batch in assignment.batches)
    refused = read_card(context.workspace, dataset.id).refused
    ended = refused.get(ENDED, 0)
    gone = sum(refused.values())
    why = [f"{counted(gone - ended, 'repeats a row', 'repeat rows')} that came there meanwhile"] if gone > ended else []
    why += [f"{counted(ended, 'is of a label that has', 'are of labels that have')} ended since"] if ended else []
    left_out = f"; left out: {', '.join(why)}" if why else ""
    now = "was finished before this call and takes no more texts" if receipt.was_closed else "is finished"
    return SubmitExamplesResult(
        summary=f"{_counted(receipt)} The assignment {now}: its {receipt.total - gone} of {counted(want, 'text')} "
        f"{'is' if want == 1 else 'are'} in {dataset.id}{left_out}.{told_beside(context.workspace, dataset)}",
        next_step=next_training(context.workspace, context.workspace.task(dataset.task), dataset.id),
        accepted=receipt.accepted,
        already_accepted=receipt.already_accepted,
        refused=receipt.refused,
        have=receipt.total,
        want=want,
        dataset=dataset.id,
    )


def _still_open(
    request: SubmitExamplesRequest, receipt: Receipt, assignment: Assignment, task: Task
) -> SubmitExamplesResult:
    from classwright_tools.writing.assignments.batches import (
        how_to_send,
        meanings,
        open_batches,
        shown_batches,
        styles,
    )

    want = sum(batch.count for batch in assignment.batches)
    excerpts = Excerpts(artifact_uri(request.assignment))
    batches = shown_batches(excerpts, "next_batches", open_batches(assignment, receipt.have))
    unfinished = " There is no accepted text yet to make a dataset of." if request.finish else ""
    return SubmitExamplesResult(
        summary=f"{_counted(receipt)} The assignment has {receipt.total} of {counted(want, 'text')}.{unfinished}",
        next_step=f"{how_to_send(request.assignment, batches)} finish=true makes the dataset from what is there.",
        accepted=receipt.accepted,
        already_accepted=receipt.already_accepted,
        refused=receipt.refused,
        have=receipt.total,
        want=want,
        next_batches=batches,
        style=styles(excerpts, assignment, task, batches),
        rules=meanings(task, batches),
        shown_in_part=excerpts.parts,
    )


def _counted(receipt: Receipt) -> str:
    """Return a sentence that counts what became of the call's texts."""
    parts = [f"{counted(receipt.accepted, 'text')} accepted"]
    if receipt.already_accepted:
        parts.append(f"{receipt.already_accepted} had been accepted before")
    if receipt.refused:
        causes = Counter(text.reason.split(":")[0] for text in receipt.refused)
        parts.append(f"{len(receipt.refused)} refused ({', '.join(f'{why} {n}' for why, n in causes.most_common())})")
    return ", ".join(parts) + "."


TOOL = ToolSpec(
    run=submit_examples,
    request=SubmitExamplesRequest,
    result=SubmitExamplesResult,
    work=always(writing()),
    makes=("dataset",),
    multi_label=True,
    job="never",
    text=ToolText(
        title="Submit examples",
        description=(
            "Hand in the texts that you wrote for batches of an assignment from synthesize_examples, several batches "
            "a call. They pass the same gates; each refused text comes back with its reason and a repair, and "
            "`next_batches` says what to write next. Sending a text twice counts once. When all batches are there, or "
            "with finish=true, the dataset is made. Not for rows from elsewhere."
        ),
        repeatable=True,
    ),
)
