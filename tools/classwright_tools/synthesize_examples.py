"""The verb `synthesize_examples`: fill the topic tree's cells with texts, or follow a regeneration plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Batch
from classwright_tools.domain.excerpt import Excerpts, counted, listed
from classwright_tools.domain.kinds import AssignmentId, DatasetId, PlanId, TopicTreeId
from classwright_tools.domain.noun import (
    MAX_LABELS,
    MAX_ROWS_WRITTEN,
    LabelsName,
    Slug,
    Text,
    ToolRequest,
    ToolResult,
)
from classwright_tools.domain.outcome import Refusal, Shortfall, WritingOutcome
from classwright_tools.domain.task import Task
from classwright_tools.domain.uris import artifact_uri, file_uri
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.errors import InvalidInput
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, writing

if TYPE_CHECKING:
    from classwright_tools.estimates.parts import Workload
    from classwright_tools.workspace.destination import Destination
    from classwright_tools.workspace.workspace import Artifact, Workspace
    from classwright_tools.writing.generation.run import Written
    from classwright_tools.writing.generation.spec import GenerationSpec

LIST_BYTES = 2_500  # each of two lists, of the 10 kB that an answer may have


class SynthesizeExamplesRequest(ToolRequest):
    """What to write, how much of it, and at what cost."""

    task: Slug
    rows: int | None = Field(
        default=None,
        ge=1,
        le=MAX_ROWS_WRITTEN,
        description="Rows wanted in all, spread evenly over labels and cells. Default: 2 a cell, or the plan's.",
    )
    labels: tuple[LabelsName, ...] = Field(
        default=(),
        max_length=MAX_LABELS,
        description="Write for these alone. Default: all. Multi-label: 'a|b|c' for texts with all, '|' with none.",
    )
    examples: tuple[Text, ...] = Field(
        default=(), max_length=20, description="Texts to write like, beside the dataset's good examples."
    )
    guidance: tuple[Annotated[str, Field(max_length=300)], ...] = Field(
        default=(), max_length=5, description="What else to heed, such as 'angry, with slips' or 'wrong sizes'."
    )
    plan: PlanId | None = Field(default=None, description="A plan of error_analysis, instead of the tree.")
    items: tuple[Text, ...] = Field(
        default=(),
        max_length=1_000,
        description="Pair tasks: the items to write for. Default: those of training pairs that fit, one query each.",
    )
    topic_tree: TopicTreeId | None = Field(default=None, description="The tree to fill. Default: the newest.")
    dataset: DatasetId | None = Field(default=None, description="To add to. Default: the newest, or a new one.")
    new_dataset: bool = Field(default=False, description="Begin a new dataset.")
    candidates_per_row: float = Field(
        default=1.5, ge=1, le=10, description="Most texts for each row wanted, refused ones included."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, le=10**10, description="Stop before the writer has used so many tokens."
    )
    max_cost: float | None = Field(default=None, gt=0, le=10**6, description="Stop before so many US dollars.")
    max_minutes: float | None = Field(default=None, gt=0, le=10_000, description="Stop then, with what is there.")


class SynthesizeExamplesResult(ToolResult):
    """The new dataset, or the assignment when the calling model is to write."""

    dataset: DatasetId | None
    wanted: int = Field(ge=0)
    accepted: int = Field(ge=0)
    rows: int = Field(ge=0, description="Training rows that the dataset now holds in all.")
    refused: dict[str, int] = Field(default_factory=dict, description="Candidates that were not kept, by reason.")
    refusals: tuple[Refusal, ...] = Field(default=(), description="The first of them; the rest lie in the dataset.")
    missing: tuple[Shortfall, ...] = Field(
        default=(), description="The largest shortfalls; empty if N of N were written."
    )
    usage: WriterUsage | None = None
    assignment: AssignmentId | None = Field(
        default=None, description="Set when you are to write: pass it to submit_examples."
    )
    batches: tuple[Batch, ...] = Field(default=(), description="The next batches to write.")
    style: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="Texts to write like, by label.")
    rules: tuple[str, ...] = ()


def synthesize_examples(request: SynthesizeExamplesRequest, context: ToolContext) -> SynthesizeExamplesResult:
    """Write training texts, or hand out what is to be written.

    With a writer, the result's dataset holds exactly the rows asked for, or `missing` says which are not there and
    why. Without one, the result is an assignment for the calling model. A repeated run pays only for what is new.

    Raises:
        NotFound: the task, tree, plan or dataset does not exist.
        InvalidInput: the tree lacks labels, an artifact belongs to another task, what is given does not fit the
            kind of task, or a dataset is named and a new one is wanted.
        NotEnoughData: a pair task has no items to write for.
        WriterFailed: the writer cannot be reached and not one text was accepted.
        BudgetExceeded: the budget does not allow for a single accepted text.
        Cancelled: the caller asked to stop; what had arrived is stored.
    """
    from classwright_tools.writing.generation.run import read_outcome, write_texts
    from classwright_tools.writing.generation.saving import save_written

    workspace = context.workspace
    task = workspace.task(request.task)
    _check_kind(request, task)
    destination = _destination(request, workspace)
    made = workspace.made_by(context.run_key, "dataset")
    if made:  # by this run, before it was interrupted
        return _dataset_made(workspace, made, read_outcome(made))

    context.progress(None, "reading what is there")
    spec = _spec(request, task, destination.parent(workspace), workspace)
    if context.writer is None:
        return _handed_out(request, spec, destination, context)

    written = write_texts(
        spec,
        context,
        candidates_per_row=request.candidates_per_row,
        max_tokens=request.max_tokens,
        max_cost=request.max_cost,
        max_minutes=request.max_minutes,
    )
    written, dataset = save_written(spec, written, destination, context)
    if dataset is None:
        return _nothing_made(spec, written)
    return _dataset_made(workspace, dataset, written.outcome)


def _check_kind(request: SynthesizeExamplesRequest, task: Task) -> None:
    """Raise an `InvalidInput` if what `request` names is for tasks of the other kind, or does not go together."""
    if request.plan and request.topic_tree:
        raise InvalidInput("`topic_tree`", "is not read beside `plan`, which names its cells", "Leave one out.")
    if task.kind == "text" and request.items:
        raise InvalidInput("`items`", f"is for pairs, and task {task.slug!r} is about single texts", "Leave it out.")
    named = [f"`{name}`" for name in ("plan", "topic_tree", "labels", "examples") if getattr(request, name)]
    if task.kind == "pair" and named:
        raise InvalidInput(
            listed(named, len(named)),
            f"{'is' if len(named) == 1 else 'are'} for single texts, and task {task.slug!r} is about pairs, of which "
            "mismatches are written",
            f"Leave {'it' if len(named) == 1 else 'them'} out: `items` say what to write for, `guidance` how.",
        )


def _destination(request: SynthesizeExamplesRequest, workspace: Workspace) -> Destination:
    from classwright_tools.workspace.destination import chosen_destination

    return chosen_destination(
        workspace, request.task, dataset=request.dataset, new_dataset=request.new_dataset, verb="synthesize_examples"
    )


def _spec(request: SynthesizeExamplesRequest, task: Task, parent: str | None, workspace: Workspace) -> GenerationSpec:
    """Return what `request` wants written and added to the dataset `parent`."""
    from classwright_tools.domain.cleaning import clean_text
    from classwright_tools.writing.generation.spec import Wish, spec_of_items, spec_of_plan, spec_of_tree

    guidance = tuple(filter(None, map(clean_text, request.guidance)))
    if task.kind == "pair":
        return spec_of_items(workspace, task, parent, items=request.items, rows=request.rows, guidance=guidance)
    wish = Wish(
        labels=tuple(dict.fromkeys(request.labels)),
        style=tuple(filter(None, map(clean_text, request.examples))),
        guidance=guidance,
    )
    if request.plan:
        return spec_of_plan(workspace, task, parent, plan=request.plan, rows=request.rows, wish=wish)
    return spec_of_tree(workspace, task, parent, tree=request.topic_tree, rows=request.rows, wish=wish)


def _handed_out(
    request: SynthesizeExamplesRequest, spec: GenerationSpec, destination: Destination, context: ToolContext
) -> SynthesizeExamplesResult:
    """Make the assignment of `spec` and return its first batches."""
    from classwright_tools.writing.assignments.batches import how_many, how_to_send, meanings, shown_batches, styles
    from classwright_tools.writing.assignments.handing_out import hand_out

    id_, assignment = hand_out(spec, destination, request.plan, context)
    wanted = sum(batch.count for batch in assignment.batches)
    excerpts = Excerpts(artifact_uri(id_))
    batches = shown_batches(excerpts, "batches", assignment.batches)
    return SynthesizeExamplesResult(
        summary=f"This server has no language model of its own: you write the {counted(wanted, 'text')}, "
        + how_many(len(batches), len(assignment.batches)),
        next_step=how_to_send(id_, batches),
        dataset=None,
        wanted=wanted,
        accepted=0,
        rows=len(spec.there),
        assignment=id_,
        batches=batches,
        style=styles(excerpts, assignment, spec.task, batches),
        rules=(*assignment.rules, *meanings(spec.task, batches)),
        shown_in_part=excerpts.parts,
    )


def _nothing_made(spec: GenerationSpec, written: Written) -> SynthesizeExamplesResult:
    """Return the result of a run without a single accepted text: all of it, as there is no new dataset to hold it."""
    from classwright_tools.writing.generation.in_words import after_nothing, nothing_in_words

    outcome = written.outcome
    return SynthesizeExamplesResult(
        summary=nothing_in_words(outcome),
        next_step=after_nothing(outcome),
        dataset=None,
        wanted=outcome.wanted,
        accepted=0,
        rows=len(spec.there),
        refused=outcome.refused,
        refusals=tuple(written.refusals),
        missing=outcome.missing,
        usage=outcome.usage,
    )


def _dataset_made(workspace: Workspace, dataset: Artifact, outcome: WritingOutcome) -> SynthesizeExamplesResult:
    from classwright_tools.measurement.next_training import next_training
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.destination import told_beside
    from classwright_tools.writing.generation.in_words import for_the_missing, written_in_words
    from classwright_tools.writing.generation.run import OUTCOME, REFUSED

    refusals, missing = (Excerpts(file_uri(dataset.id, name)) for name in (REFUSED, OUTCOME))
    quoted = refusals.of("refusals", outcome.refusals, LIST_BYTES)
    refusals.note("refusals", len(quoted), sum(outcome.refused.values()))
    rows = read_card(workspace, dataset.id).rows("train")
    is_again = dataset.parent is None and dataset.number > 1
    now = f"{dataset.id} now holds {counted(rows, 'training row')}."
    return SynthesizeExamplesResult(
        summary=written_in_words(outcome, now, again=is_again) + told_beside(workspace, dataset),
        next_step=next_training(workspace, workspace.task(dataset.task), dataset.id)
        + for_the_missing(outcome, dataset),
        dataset=dataset.id,
        wanted=outcome.wanted,
        accepted=outcome.accepted,
        rows=rows,
        refused=outcome.refused,
        refusals=quoted,
        missing=missing.of("missing", outcome.missing, LIST_BYTES),
        usage=outcome.usage,
        shown_in_part=refusals.parts | missing.parts,
    )


def _work(request: SynthesizeExamplesRequest, _sizes: Sizes) -> Work:
    return writing(request.rows)


def _workload(request: SynthesizeExamplesRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.asking import writing_workload

    workspace, task = context.workspace, context.workspace.task(request.task)
    spec = _spec(request, task, _destination(request, workspace).parent(workspace), workspace)
    return writing_workload(spec, request.candidates_per_row, context)


TOOL = ToolSpec(
    run=synthesize_examples,
    request=SynthesizeExamplesRequest,
    result=SynthesizeExamplesResult,
    work=_work,
    workload=_workload,
    dry_run=True,
    makes=("dataset", "assignment"),
    embeds_what_it_writes=True,
    multi_label=True,
    check=_check_kind,
    text=ToolText(
        title="Synthesize examples",
        description=(
            "Write training texts: evenly over the cells of the topic tree, or, with `plan`, against the weaknesses "
            "that error_analysis found; for a pair task, queries that look right for its items and are wrong. Texts "
            "pass gates (duplicates, language, length, leaked label names, other label more likely); the result counts "
            "what was refused and why, and what is missing. Adds to a dataset and makes a new version of it. Without a "
            "language model on the server you get an assignment: batches and rules; write the texts and call "
            "submit_examples. Not for rows that exist: use import_examples."
        ),
        outward=True,
    ),
)
