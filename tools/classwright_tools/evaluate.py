"""The verb `evaluate`: measure a model on held-out rows, with intervals, alone or against another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.example import Data
from classwright_tools.domain.excerpt import Excerpts
from classwright_tools.domain.figures import ClassF1, Confusion, Figures, LabelAtThreshold
from classwright_tools.domain.kinds import DatasetId, ModelId, ReportId, task_of
from classwright_tools.domain.noun import Picture, Thresholds, ToolRequest, ToolResult
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.errors import NotEnoughData
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.domain.evaluation import EvaluationReport
    from classwright_tools.estimates.parts import Workload
    from classwright_tools.measurement.circumstances import Circumstances

MOST_LISTED = 5  # in the result; the report has them all
CLASSES_BYTES, CONFUSIONS_BYTES, THRESHOLDS_BYTES, PROPOSED_BYTES = 4_500, 2_000, 2_500, 1_500


class EvaluateRequest(ToolRequest):
    """Which model, on which rows."""

    model: ModelId
    dataset: DatasetId | None = Field(default=None, description="Default: the newest of the model's task.")
    split: Literal["validation", "test"] = Field(
        default="validation", description="'test' is for the final figure: choosing by it makes it worthless."
    )
    against: ModelId | None = Field(
        default=None,
        description="Another model, compared on the same rows; without validation rows what both learnt from is.",
    )
    thresholds: Thresholds = Field(description="As for classify: what they cost.")
    picture: bool = Field(default=False, description="The confusion matrix.")


class EvaluateResult(ToolResult):
    """The figures; the whole report is a resource."""

    data: Data = Field(description="Whose texts the figures come from. Read this first.")
    model: ModelId
    dataset: DatasetId
    report: ReportId
    left_out: int = Field(ge=0, description="Rows of the split that were not counted: a model learnt from them.")
    figures: Figures
    classes: tuple[ClassF1, ...] = Field(description="Every label that has rows, the lowest F1 first.")
    confusions: tuple[Confusion, ...] = Field(description="The most frequent ones.")
    label_thresholds: tuple[LabelAtThreshold, ...] = Field(
        default=(),
        description="What the `thresholds` passed, and others for these labels, cost; without any of rows with several "
        "labels: some that find most of a label.",
    )
    comparison: Comparison | None = None
    texts_per_second: float | None = Field(gt=0, description="None if the model had answered all rows before.")
    picture: Picture | None = None


def evaluate(request: EvaluateRequest, context: ToolContext) -> EvaluateResult:
    """Measure a model and write the report.

    Rows that a model trained on, or that nearly repeat one, are left out and counted, whenever they were imported.

    Raises:
        NotFound: there is no such model or dataset.
        NotEnoughData: the split has no rows, or none that the models did not train on; or without validation rows
            too few real texts can be held out of both models' training rows.
        InvalidInput: the dataset is of another task, or no row has a label that the model knows, or two models share
            no label of the rows.
    """
    from classwright_tools.charts.confusion import confusion_chart
    from classwright_tools.charts.png import picture
    from classwright_tools.learning.later_labels import beside
    from classwright_tools.learning.model import load_model
    from classwright_tools.measurement.circumstances import circumstances
    from classwright_tools.measurement.comparing import check_same_labels, other_model
    from classwright_tools.measurement.encoder_first import EncoderFirst, encoder_first
    from classwright_tools.measurement.evaluation import listed_facts, write_report
    from classwright_tools.measurement.on_split import on_split
    from classwright_tools.measurement.on_validation import learnt_from_validation
    from classwright_tools.measurement.rows_compared import differ_in_rows, on_rows_held_out
    from classwright_tools.measurement.rows_since import with_labels_given
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.in_use import chooses, model_in_use

    workspace = context.workspace
    task = workspace.artifact(request.model, "model").task
    dataset = workspace.dataset_read(request.dataset, task, run_key=context.run_key, makes="report")
    model = beside(workspace, load_model(workspace, request.model), dataset)
    other = other_model(workspace, request.against, model, dataset) if request.against else None
    uses = _uses_of_test(context, task) if request.split == "test" else 0
    is_bare = request.split == "validation" and not read_card(workspace, dataset).rows("validation")
    differing = bool(other and differ_in_rows(workspace, model, other, dataset))
    if other and is_bare and differing and not model.space.several:
        check_same_labels(model, other)
        if request.thresholds:
            raise NotEnoughData(
                f"dataset {dataset!r}",
                "has no validation rows to tell what `thresholds` cost",
                "Bring some in with import_examples(split='validation'), or leave `thresholds` out.",
            )
        report, found = on_rows_held_out(model, other, dataset, context)
    else:
        report, found = on_split(model, other, dataset, request.split, request.thresholds, uses, context)
    if other:
        report = with_labels_given(workspace, report, model, other)
    learnt = learnt_from_validation([one for one in (model, other) if one], report)
    context.progress(0.9, "Drawing the report")
    # Before the report is stored, which as one of test rows counts as a use of them.
    drawn = (
        picture(confusion_chart(report.labels, report.confusion_matrix, report.classes)) if request.picture else None
    )
    made = workspace.publish(
        "report",
        task,
        lambda folder: write_report(folder, report, found),
        run_key=context.run_key,
        parent=request.model,
        facts=listed_facts(report, uses, chooses=not learnt),
    )
    around = circumstances(workspace, report, model, other, differing=differing)
    result = _result(report, made.id, around, request.thresholds, learnt=learnt)
    now = model_in_use(workspace, task) if other and chooses(made.facts) else None
    in_use = f" In use is {now.in_words}." if now else ""
    first = EncoderFirst() if report.figures.beats_guessing else encoder_first(model.card)
    summary = f"{first.reason} {result.summary}{in_use}".lstrip()
    alone = first.next_step if request.split == "validation" and not other else ""
    return result.model_copy(update={"picture": drawn, "summary": summary, "next_step": alone or result.next_step})


def _uses_of_test(context: ToolContext, task: str) -> int:
    """Return how often the task's test rows had been used when this run measured on them, this time included."""
    own = context.workspace.made_by(context.run_key, "report")
    reports = [r for r in context.workspace.artifacts(task, "report") if own is None or r.number < own.number]
    return 1 + len([r for r in reports if r.facts.get("split") == "test"])


def _result(
    report: EvaluationReport, report_id: str, around: Circumstances, thresholds: Mapping[str, float], *, learnt: str
) -> EvaluateResult:
    """Return what is answered, some lines on `thresholds` of each label; `learnt` says that the rows tell nothing."""
    from classwright_tools.measurement.caveats import caveats
    from classwright_tools.measurement.evaluation_summary import evaluation_next_step, evaluation_summary
    from classwright_tools.measurement.own_thresholds import by_turns

    said = [one for one in report.warnings if not learnt or one not in caveats(report.figures)]
    excerpts = Excerpts(artifact_uri(report_id))
    usual_too = bool(thresholds)  # what is proposed stands beside `classes`, which have the usual figures
    lines = [one for one in by_turns(report.label_thresholds, thresholds) if usual_too or one.threshold is not None]
    classes = [ClassF1.of(one) for one in report.weakest]
    return EvaluateResult(
        summary=" ".join(filter(None, [learnt, *evaluation_summary(report), *said])),
        next_step=around.lost.beside(report, lambda told: evaluation_next_step(told, around)),
        data=report.data,
        model=report.model,
        dataset=report.dataset,
        report=report_id,
        left_out=report.left_out,
        figures=report.figures,
        classes=excerpts.of("classes", classes, CLASSES_BYTES),
        confusions=excerpts.of("confusions", report.confusions, CONFUSIONS_BYTES, most=MOST_LISTED),
        label_thresholds=excerpts.of("label_thresholds", lines, THRESHOLDS_BYTES if thresholds else PROPOSED_BYTES),
        comparison=report.comparison,
        texts_per_second=report.texts_per_second,
        shown_in_part=excerpts.parts,
    )


def _work(request: EvaluateRequest, sizes: Sizes) -> Work:
    """As long as its rows take the models."""
    rows = sizes.dataset(request.dataset, task_of(request.model), (request.split,))
    models = (model for model in (request.model, request.against) if model)
    return computing(sum(int(rows * sizes.slowness(model)) for model in models))


def _workload(request: EvaluateRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.measuring import evaluation_workload

    return evaluation_workload(request, context)


TOOL = ToolSpec(
    run=evaluate,
    request=EvaluateRequest,
    result=EvaluateResult,
    work=_work,
    workload=_workload,
    makes=("report",),
    multi_label=True,
    text=ToolText(
        title="Evaluate a model",
        description=(
            "Measure a model on a dataset's validation or test rows: accuracy, macro F1, figures of each class, "
            "confusions, calibration, with 95% intervals; or "
            "`against` another model."
        ),
    ),
)
