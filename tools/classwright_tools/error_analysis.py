"""The verb `error_analysis`: explain a model's errors and plan what to write next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.analysis import (
    CellFinding,
    ConfusedPair,
    ErrorCluster,
    LabelErrors,
    LabelIssue,
    LabelsTogether,
    StyleGap,
)
from classwright_tools.domain.example import Data, next_round
from classwright_tools.domain.excerpt import Excerpts, counted, listed
from classwright_tools.domain.figures import ClassF1
from classwright_tools.domain.kinds import DatasetId, ModelId, PlanId, ReportId, task_of
from classwright_tools.domain.noun import Picture, ToolRequest, ToolResult
from classwright_tools.domain.pair import GivenPair
from classwright_tools.domain.regeneration import PlannedTexts, RegenerationItem, RegenerationPlan
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.domain.writer_limit import writer_limit
from classwright_tools.errors import DamagedArtifact, NotFound
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.estimates.parts import Workload
    from classwright_tools.measurement.error_report import ErrorReport

EXAMPLES_SHOWN = 3  # of a finding; the report has them all
GROUPS_LISTED = 4  # of rows


class ErrorAnalysisRequest(ToolRequest):
    """Which model's errors, and how much may be written against them."""

    model: ModelId
    dataset: DatasetId | None = Field(default=None, description="Default: the newest of the model's task.")
    picture: bool = Field(default=False, description="The confusion matrix; and a map in the report.")
    rows: int = Field(default=300, ge=1, le=20_000, description="Most that the plan may ask for.")
    pairs: tuple[GivenPair, ...] = Field(
        default=(), max_length=8, description="For a matcher: pairs whose attention is drawn too."
    )


class ErrorAnalysisResult(ToolResult):
    """Where the model is weak and what to write against it; the whole analysis is a resource."""

    data: Data = Field(description="Whose texts the errors were found on.")
    cannot_know: str = Field(description="What these rows cannot tell; empty if they are real and each label has some.")
    model: ModelId
    dataset: DatasetId
    report: ReportId
    plan: PlanId | None = Field(description="Pass it to synthesize_examples; None if there is nothing to write.")
    errors: int = Field(ge=0)
    rows: int = Field(ge=1)
    weak_classes: tuple[ClassF1, ...]
    confused_pairs: tuple[ConfusedPair, ...]
    label_errors: tuple[LabelErrors, ...] = Field(default=(), description="Of rows that may have several labels.")
    together: tuple[LabelsTogether, ...] = Field(default=(), description="Labels that are given together too often.")
    label_issues: tuple[LabelIssue, ...]
    clusters: tuple[ErrorCluster, ...]
    cells: tuple[CellFinding, ...]
    style: tuple[StyleGap, ...]
    plan_items: tuple[PlannedTexts, ...]
    picture: Picture | None = None


def error_analysis(request: ErrorAnalysisRequest, context: ToolContext) -> ErrorAnalysisResult:
    """Explain a model's errors on validation rows, never on test rows.

    Without real validation rows the errors are those of held-out training rows. For a pair task there is no plan.

    Raises:
        NotFound: there is no such model or dataset.
        NotEnoughData: there are neither real validation rows nor training rows that can be held out.
        InvalidInput: the dataset is of another task, or holds a label that the model does not know, or `pairs` are
            given and the model is no matcher.
    """
    from classwright_tools.charts.confusion import confusion_chart
    from classwright_tools.charts.png import picture
    from classwright_tools.learning.later_labels import beside
    from classwright_tools.learning.model import load_model
    from classwright_tools.measurement.attended_pairs import asked_pairs, attended_pairs
    from classwright_tools.measurement.encoder_first import encoder_first
    from classwright_tools.measurement.error_findings import find_errors
    from classwright_tools.measurement.error_report import write_error_report
    from classwright_tools.measurement.errors_in_words import analysis_next_step, keep_the_other, labels_gained_nothing
    from classwright_tools.measurement.evidence import gather

    workspace = context.workspace
    task = workspace.artifact(request.model, "model").task
    dataset = workspace.dataset_read(request.dataset, task, run_key=context.run_key, makes="report")
    context.progress(0.0, f"Reading {dataset}")
    model = beside(workspace, load_model(workspace, request.model), dataset)
    asked = asked_pairs(model, request.pairs)
    evidence = gather(
        workspace, model, dataset, context.seed, lambda done: context.progress(0.5 * done, "Finding the errors")
    )
    report = find_errors(context, model, evidence, request.rows)
    context.progress(0.75, "Drawing")
    drawn = evidence.text_map(context.seed, asked=request.picture)
    attended = (*asked, *attended_pairs(model, evidence.errors_in))
    context.progress(0.9, "Drawing the report")
    shown = (
        picture(confusion_chart(report.labels, report.confusion_matrix, report.classes)) if request.picture else None
    )
    made = workspace.publish(
        "report",
        task,
        lambda folder: write_error_report(folder, report, drawn, attended),
        run_key=context.run_key,
        parent=request.model,
        facts={"about": "errors", "model": request.model, "dataset": dataset, "data": report.data},
    )
    plan = None
    if report.plan_items:
        document = RegenerationPlan(
            task=task,
            model=request.model,
            dataset=dataset,
            round=max(1, next_round(evidence.train)),  # 0 is that of the tree
            items=report.plan_items,
            pairs_left_out=report.pairs_left_out,
            errors_left_out=report.errors_left_out,
        )
        plan = workspace.publish_document(
            "plan", task, document, run_key=context.run_key, parent=request.model, rows=document.rows
        ).id
    found = _comparison(context, task, request.model)
    texts = _unasked(context, dataset)
    first = encoder_first(model.card)
    next_step = first.next_step or keep_the_other(workspace, request.model, found, report, texts)
    if not next_step and (plan or not report.doubted_edits):  # without these nothing is planned on purpose
        gained = labels_gained_nothing(workspace, task)
        next_step = analysis_next_step(report, plan, workspace.task(task), texts=texts, labels_gained_nothing=gained)
    next_step = " ".join(filter(None, (report.to_see_first, next_step)))
    result = _result(report, made.id, plan, len(attended), next_step, _limit(context, dataset))
    return result.model_copy(update={"picture": shown, "summary": f"{first.reason} {result.summary}".lstrip()})


def _comparison(context: ToolContext, task: str, model: str) -> dict[str, Any]:
    """Return the facts and the id of the newest comparison of `model` with another one that chooses; {} of none."""
    from classwright_tools.workspace.in_use import chooses

    made = (one for one in context.workspace.artifacts(task, "report") if one.facts.get("model") == model)
    return next(({**one.facts, "id": one.id} for one in made if chooses(one.facts)), {})


def _limit(context: ToolContext, dataset: str) -> str:
    """Return whether the writer is the limit of `dataset`; nothing where an account of its runs does not read back."""
    from classwright_tools.writing.generation.run import outcomes_behind

    try:
        return writer_limit(outcomes_behind(context.workspace, dataset))
    except (DamagedArtifact, NotFound):  # the report is made: one sentence is not worth its loss
        return ""


def _unasked(context: ToolContext, dataset: str) -> int:
    """Return how many real texts of `dataset` could be labelled; none where its labels are not the task's any more."""
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.ended_labels import ended_labels

    if ended_labels(context.workspace, dataset):
        return 0
    return read_card(context.workspace, dataset).rows("unlabelled", "real")


def _result(
    report: ErrorReport, report_id: str, plan: str | None, attended: int, next_step: str, limit: str
) -> ErrorAnalysisResult:
    from classwright_tools.measurement.errors_in_words import in_sets, left_out

    wanted = sum(item.count for item in report.plan_items)
    requests = counted(len(report.plan_items), "request")
    weakest = listed((f"{c.label} ({c.f1.value:.2f})" for c in report.weak_classes), 3)
    summary = [
        report.headline,
        *(edit.sentence for edit in report.doubted_edits),
        f"{report.errors} of {counted(report.rows, 'row')} {'is' if report.errors == 1 else 'are'} wrong."
        + (f" Lowest F1: {weakest}." if weakest else ""),
        in_sets(report),
        f"The plan {plan} asks for {counted(wanted, 'text')} in {requests}." if plan else "",
        left_out(report) if plan else "",
        limit,
        f"The report shows in {counted(attended, 'pair')} where the matcher looked (attention_1.svg)."
        if attended
        else "",
        report.doubted,
        *(effect.sentence for effect in report.groups[:GROUPS_LISTED]),
        report.cannot_know,
        *report.warnings,
    ]
    excerpts = Excerpts(artifact_uri(report_id))
    weak = [ClassF1.of(one) for one in report.weak_classes]
    return ErrorAnalysisResult(
        summary=" ".join(filter(None, summary)),
        next_step=next_step,
        data=report.data,
        cannot_know=report.cannot_know,
        model=report.model,
        dataset=report.dataset,
        report=report_id,
        plan=plan,
        errors=report.errors,
        rows=report.rows,
        weak_classes=excerpts.of("weak_classes", weak, 1_400),
        confused_pairs=excerpts.quoting("confused_pairs", report.confused_pairs, 1_400, EXAMPLES_SHOWN),
        label_errors=_label_errors(report, excerpts),
        together=excerpts.quoting("together", report.together, 600, EXAMPLES_SHOWN),
        label_issues=excerpts.quoting("label_issues", report.label_issues, 900),
        clusters=excerpts.quoting("clusters", report.clusters, 1_200, EXAMPLES_SHOWN),
        cells=excerpts.of("cells", report.cells, 700),
        style=excerpts.of("style", report.style, 1_200),
        plan_items=_plan_items(report.plan_items, excerpts),
        shown_in_part=excerpts.parts,
    )


def _label_errors(report: ErrorReport, excerpts: Excerpts) -> tuple[LabelErrors, ...]:
    """Return how often each label was missed and added; the report has the rows."""
    names = LabelErrors.model_fields
    bare = [LabelErrors(**{name: getattr(one, name) for name in names}) for one in report.label_errors]
    return excerpts.of("label_errors", bare, 900)


def _plan_items(items: Sequence[RegenerationItem], excerpts: Excerpts) -> tuple[PlannedTexts, ...]:
    """Return what to write without what a writer is shown for it: whoever follows the plan finds that in it."""
    bare = [PlannedTexts(label=i.label, contrast=i.contrast, count=i.count, reason=i.reason) for i in items]
    return excerpts.of("plan_items", bare, 1_200)


def _work(request: ErrorAnalysisRequest, sizes: Sizes) -> Work:
    """As long as the model's training and validation rows take it."""
    rows = sizes.dataset(request.dataset, task_of(request.model), ("train", "validation"))
    return computing(int(rows * sizes.slowness(request.model)))


def _workload(request: ErrorAnalysisRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.measuring import analysis_workload

    return analysis_workload(request, context)


TOOL = ToolSpec(
    run=error_analysis,
    request=ErrorAnalysisRequest,
    result=ErrorAnalysisResult,
    work=_work,
    workload=_workload,
    makes=("report", "plan"),
    multi_label=True,
    text=ToolText(
        title="Analyse the errors",
        description=(
            "Explain a model's errors on validation rows (never test rows): weak classes, confused pairs with "
            "texts, doubted labels, clusters of errors, missing or redundant cells, and how written texts "
            "differ from real ones. Returns a plan for synthesize_examples."
        ),
    ),
)
