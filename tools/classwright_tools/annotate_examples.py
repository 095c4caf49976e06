"""The verb `annotate_examples`: labels for unlabelled texts, by the writer or from the calling model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation, LabelledByAnnotation, Order, RefusedAnswer, TextToLabel
from classwright_tools.domain.example import Provenance
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.kinds import AnnotationId, DatasetId, ModelId
from classwright_tools.domain.noun import LabelName, SaidBy, Slug, ToolRequest, ToolResult
from classwright_tools.domain.selection import RowSearch
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing, writing

if TYPE_CHECKING:
    from classwright_tools.annotation.answers import Receipt
    from classwright_tools.estimates.parts import Workload
    from classwright_tools.workspace.workspace import Artifact

MOST_ANSWERS = 100
TextIds = Annotated[tuple[Annotated[str, Field(max_length=10)], ...], Field(max_length=MOST_ANSWERS)]
Labels = Annotated[tuple[LabelName, ...], Field(min_length=1, max_length=10)]


class AnnotateExamplesRequest(ToolRequest):
    """How many rows to label and which, or the answers to a batch of them."""

    task: Slug
    dataset: DatasetId | None = Field(default=None, description="Default: the newest.")
    rows: int = Field(default=100, ge=1, le=1_000, description="How many to label.")
    source: str | None = Field(default=None, max_length=1_000, description="Only rows of this import.")
    order: Order | None = Field(
        default=None,
        description="Typical rows (default without a model), informative ones, of which the model in use is unsure, or "
        "random ones, which measure it.",
    )
    split: LabelledByAnnotation = Field(
        default="train", description="Where labelled rows go; 'validation': random rows."
    )
    annotation: AnnotationId | None = Field(default=None, description="To answer: the id from the first call.")
    labels: dict[str, Labels] = Field(
        default_factory=dict, max_length=MOST_ANSWERS, description="By the text's id: its label, or candidates."
    )
    fits_none: TextIds = Field(default=(), description="Texts that no label fits.")
    unsure: TextIds = Field(default=(), description="Texts that cannot be judged.")
    decided_by: SaidBy = Field(default="model", description="'person', 'person: Ann': who answers.")
    finish: bool = Field(default=False, description="End now, with the answers so far.")
    max_tokens: int | None = Field(default=None, ge=1, le=10**10, description="As in synthesize_examples.")
    max_cost: float | None = Field(default=None, gt=0, le=10**6, description="In US dollars.")
    max_minutes: float | None = Field(default=None, gt=0, le=10_000, description="As in synthesize_examples.")

    @model_validator(mode="after")
    def _validation_is_random(self) -> AnnotateExamplesRequest:
        if self.split == "validation" and self.order not in (None, "random"):
            raise ValueError(
                f"validation rows are a random sample: a figure on rows of order={self.order!r}, which were picked, "
                "would say little of other texts; leave `order` out, or take split='train'"
            )
        return self

    @model_validator(mode="after")
    def _answers_to_an_annotation(self) -> AnnotateExamplesRequest:
        answers = self.labels or self.fits_none or self.unsure or self.finish or self.decided_by != "model"
        if self.annotation is None and answers:
            raise ValueError(
                "`labels`, `fits_none`, `unsure`, `decided_by` and `finish` go with `annotation`: pass its id"
            )
        of_first_call = ("dataset", "rows", "source", "order", "split", "max_tokens", "max_cost", "max_minutes")
        given = [name for name in of_first_call if getattr(self, name) != type(self).model_fields[name].default]
        if self.annotation and given:
            named = listed(map(repr, given), len(given))
            raise ValueError(f"leave {named} out: that is for the call that made the annotation {self.annotation!r}")
        return self


class AnnotateExamplesResult(ToolResult):
    """The texts to label next, and at the end the dataset and how good its labels are."""

    annotation: AnnotationId
    have: int = Field(ge=0, description="Texts answered.")
    want: int = Field(ge=1)
    texts: tuple[TextToLabel, ...] = Field(default=(), description="To label next.")
    rules: tuple[str, ...] = ()
    refused: tuple[RefusedAnswer, ...] = ()
    dataset: DatasetId | None = Field(default=None, description="The dataset with the labels, at the end.")
    agreement: Estimate | None = Field(default=None, description="Share of the checks labelled as they were known.")
    checked: int = Field(default=0, ge=0, description="Checks that were judged.")
    model: ModelId | None = Field(
        default=None, description="Of which the rows are the least certain, or whose accuracy random ones show."
    )
    model_accuracy: Estimate | None = Field(default=None, description="Against the annotator's labels.")
    usage: WriterUsage | None = None


def annotate_examples(request: AnnotateExamplesRequest, context: ToolContext) -> AnnotateExamplesResult:
    """Label rows with the writer, or without one hand them out and take the answers; make the dataset of them.

    Raises:
        WriterFailed, BudgetExceeded: the writer labelled nothing.
        Cancelled: the caller asked to stop; what had arrived is stored.
        NotFound: the task, dataset or annotation does not exist.
        InvalidInput: an artifact belongs to another task, or there is no model to be unsure of rows.
        NotEnoughData: the dataset has no real unlabelled rows that were not answered yet.
        StorageFailed: the disk is full; nothing of this call was stored.
    """
    workspace = context.workspace
    if request.annotation is None:
        made = workspace.made_by(context.run_key, "annotation") or _handed_out(request, context)
        return _labelled(request, made.id, context) if context.writer else _first_batch(made, context)
    made = workspace.resolve(request.annotation, "annotation", workspace.task(request.task).slug)
    return _answered(request, made.id, context)


def _handed_out(request: AnnotateExamplesRequest, context: ToolContext) -> Artifact:
    from classwright_tools.annotation.handing_out import hand_out

    return hand_out(
        request.task,
        context,
        dataset=request.dataset,
        order=request.order,
        most=request.rows,
        split=request.split,
        source=request.source,
    )


def _labelled(request: AnnotateExamplesRequest, id_: str, context: ToolContext) -> AnnotateExamplesResult:
    """Have the writer label the rows, and end with what it answered."""
    from classwright_tools.annotation.answers import AnnotationAnswers
    from classwright_tools.annotation.asking import ask_writer
    from classwright_tools.annotation.in_words import measure_first
    from classwright_tools.workspace.datasets import read_card

    assert context.writer
    annotation = context.workspace.document(id_, "annotation", Annotation)
    asked = datetime.now(UTC)  # before the labels are read, which may be others when the answers come
    task = context.workspace.task(annotation.task)
    caps = request.model_dump(include={"max_tokens", "max_cost", "max_minutes"})
    labelled = ask_writer(annotation, task, context, **caps)
    answers = AnnotationAnswers(context.workspace, id_, annotation)
    receipt = answers.receive(labelled.answers, asked, finish=True)
    made = Provenance(writer=context.writer.name, prompt=context.writer.prompt_digest("labels"))
    result = _finished(id_, annotation, receipt, (), answers.dataset(made), context)
    lacking = len(annotation.rows) - len(receipt.answered) - len(receipt.ended)
    why = f" ({labelled.failure.reason})" if labelled.failure else ""
    first = measure_first(annotation, read_card(context.workspace, annotation.dataset), "before more are")
    missing = f" {lacking} of {counted(len(annotation.rows), 'text')} got no answer{why}." if lacking else ""
    return result.model_copy(update={"summary": f"{first}{result.summary}{missing}", "usage": labelled.usage})


def _first_batch(made: Artifact, context: ToolContext) -> AnnotateExamplesResult:
    from classwright_tools.annotation.batches import annotation_rules, next_batch
    from classwright_tools.annotation.in_words import answer_with, begun, counted_by_person, measure_first
    from classwright_tools.workspace.asked_rows import known_labels
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.in_use import model_in_use

    annotation = context.workspace.document(made.id, "annotation", Annotation)
    in_use = model_in_use(context.workspace, made.task)
    checks = len(known_labels(context.workspace, annotation))
    texts = next_batch(annotation, ())
    card = read_card(context.workspace, annotation.dataset)
    return AnnotateExamplesResult(
        summary=measure_first(annotation, card)
        + begun(annotation, checks, len(texts))
        + (f" The model is {in_use.in_words}." if in_use and annotation.model == in_use.model.id else "")
        + counted_by_person(annotation, card),
        next_step=answer_with(annotation, made.id),
        annotation=made.id,
        have=0,
        want=len(annotation.rows),
        texts=texts,
        rules=annotation_rules(context.workspace.task(made.task)),
    )


def _answered(request: AnnotateExamplesRequest, id_: str, context: ToolContext) -> AnnotateExamplesResult:
    """Take the answers of `request`."""
    from classwright_tools.annotation.answers import AnnotationAnswers
    from classwright_tools.annotation.batches import annotation_rules, next_batch
    from classwright_tools.annotation.given import answers_given
    from classwright_tools.annotation.in_words import answer_with, asked_again, received
    from classwright_tools.writing.assignments.batches import WRITER

    workspace = context.workspace
    annotation = workspace.document(id_, "annotation", Annotation)
    asked = datetime.now(UTC)
    task = workspace.task(annotation.task)
    good, refused = answers_given(
        annotation,
        task,
        request.labels,
        request.fits_none,
        request.unsure,
        request.decided_by,
    )
    answers = AnnotationAnswers(workspace, id_, annotation)
    receipt = answers.receive(good, asked, finish=request.finish)
    if receipt.is_closed:
        dataset = answers.dataset(Provenance(writer=WRITER))
        return _finished(id_, annotation, receipt, refused, dataset, context)
    want = len(annotation.rows)
    came = received(receipt, len(refused), annotation, task)
    again = asked_again(receipt.ended.values(), task)
    shown = receipt.before or workspace.artifact(id_, "annotation").created
    knows_no_rules = not (good or refused) or workspace.made(task.slug, task.version) > shown
    return AnnotateExamplesResult(
        summary=f"{came} Answered so far: {len(receipt.answered)} of {want}.{again}",
        next_step=f"{answer_with(annotation, id_)} finish=true ends with what is there.",
        annotation=id_,
        have=len(receipt.answered),
        want=want,
        texts=next_batch(annotation, receipt.answered),
        rules=annotation_rules(task) if knows_no_rules else (),
        refused=refused,
    )


def _finished(
    id_: str,
    annotation: Annotation,
    receipt: Receipt,
    refused: tuple[RefusedAnswer, ...],
    dataset: Artifact | None,
    context: ToolContext,
) -> AnnotateExamplesResult:
    """Return the dataset of the labels, and what the checks say of them."""
    from classwright_tools.annotation.agreement import agreement, kept_elsewhere, known_now, predicted_labels
    from classwright_tools.annotation.answers_now import joined_by
    from classwright_tools.annotation.disagreement import other_rules
    from classwright_tools.annotation.in_words import (
        after_labels,
        asked_again,
        ended,
        label_for_others,
        of_dataset,
        received,
    )
    from classwright_tools.annotation.random_rows import labels_unseen
    from classwright_tools.annotation.random_shares import random_shares
    from classwright_tools.measurement.selecting import select
    from classwright_tools.workspace.asked_rows import known_labels
    from classwright_tools.workspace.datasets import read_card

    checks = known_labels(context.workspace, annotation)
    there, task, later = joined_by(context.workspace, id_, annotation)
    known = known_now(context.workspace, checks, there, task)
    checked = agreement(receipt.answered, known, task)
    labelled = {row: answer for row, answer in receipt.answered.items() if answer.key(task) is not None}
    audit = agreement(labelled, predicted_labels(context.workspace, annotation, checks, there, task), task)
    given = {row: answer for row, answer in receipt.answered.items() if row not in checks}
    left = [answer for row, answer in receipt.ended.items() if row not in checks]
    joined = 0
    if dataset:
        before = read_card(context.workspace, dataset.parent).rows(annotation.split) if dataset.parent else 0
        joined = read_card(context.workspace, dataset.id).rows(annotation.split) - before
    now = context.workspace.task(annotation.task)
    next_step = after_labels(context.workspace, now, dataset.id if dataset and joined else None, given)
    unfit = len(select(context, dataset.id, RowSearch(mark="fits_none"))) if dataset else 0
    apart = of_dataset(context.workspace, annotation, dataset, given, joined) if dataset else ""
    unseen = labels_unseen(context.workspace, task, context.workspace.artifact(id_, "annotation"), later)
    found = ended(annotation, given, joined, checks, checked, audit, task)
    found += random_shares(annotation, given.values(), len(left), task, unseen)
    rules, settle = other_rules(annotation, receipt.answered, known, task)
    found += rules + kept_elsewhere(context.workspace, annotation, given, task, dataset)
    found += asked_again(left, task, "by the next annotation")
    return AnnotateExamplesResult(
        summary=f"{received(receipt, len(refused), annotation, task)} {found}{apart}",
        next_step=settle + (label_for_others(dataset.id, unfit) if dataset else "") + next_step,
        annotation=id_,
        have=len(receipt.answered),
        want=len(annotation.rows),
        refused=refused,
        dataset=dataset.id if dataset else None,
        agreement=checked[0] if checked else None,
        checked=checked[1] if checked else 0,
        model=annotation.model,
        model_accuracy=audit[0] if audit else None,
    )


def _work(request: AnnotateExamplesRequest, _sizes: Sizes) -> Work:
    return writing(request.rows) if request.annotation is None else computing(0)


def _workload(request: AnnotateExamplesRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.asking import labelling_workload

    return labelling_workload(request, context)


TOOL = ToolSpec(
    run=annotate_examples,
    request=AnnotateExamplesRequest,
    result=AnnotateExamplesResult,
    work=_work,
    workload=_workload,
    dry_run=True,
    makes=("annotation", "dataset"),
    multi_label=True,
    text=ToolText(
        title="Annotate examples",
        description=(
            "Get labels for unlabelled rows. Without a language model on the server you get texts: "
            "answer with `annotation` and `labels`. It says how good they are."
        ),
        outward=True,
    ),
)
