"""The verb `evaluate`: measure a model on held-out rows, with intervals, alone or against another model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import Excerpts, listed
from classwright_tools.domain.figures import ClassF1, Comparison, Confusion, Figures
from classwright_tools.domain.kinds import DatasetId, ModelId, ReportId, task_of
from classwright_tools.domain.noun import Picture, ToolRequest, ToolResult
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from classwright_tools.domain.evaluation import EvaluationReport
    from classwright_tools.domain.example import Example
    from classwright_tools.learning.model import Model
    from classwright_tools.measurement.held_out import Answers

MOST_LISTED = 5  # in the result; the report has them all
CLASSES_BYTES, CONFUSIONS_BYTES = 4_500, 2_000
OFTEN_CONFUSED = 0.25  # of a label's rows given one other label: the two may be one, or not well described


class EvaluateRequest(ToolRequest):
    """Which model, on which rows."""

    model: ModelId
    dataset: DatasetId | None = Field(default=None, description="Default: the newest of the model's task.")
    split: Literal["validation", "test"] = Field(
        default="validation", description="'test' is for the final figure: choosing by it makes it worthless."
    )
    against: ModelId | None = Field(default=None, description="Another model of the task, to compare on the same rows.")
    picture: bool = Field(default=False, description="The confusion matrix.")


class EvaluateResult(ToolResult):
    """The figures; the whole report is a resource."""

    data: Literal["real", "written", "mixed"] = Field(description="Whose texts the figures come from. Read this first.")
    model: ModelId
    dataset: DatasetId
    report: ReportId
    left_out: int = Field(ge=0, description="Rows of the split that were not counted: a model learnt from them.")
    figures: Figures
    classes: tuple[ClassF1, ...] = Field(description="Every label that has rows, the lowest F1 first.")
    confusions: tuple[Confusion, ...] = Field(description="The most frequent ones.")
    comparison: Comparison | None = None
    texts_per_second: float | None = Field(gt=0, description="None if the model had answered all rows before.")
    picture: Picture | None = None


def evaluate(request: EvaluateRequest, context: ToolContext) -> EvaluateResult:
    """Measure a model and write the report.

    Rows that a model trained on, or that nearly repeat one, are left out and counted, whenever they were imported.

    Raises:
        NotFound: there is no such model or dataset.
        NotEnoughData: the split has no rows, or none that the models did not train on.
        InvalidInput: the dataset is of another task, or holds a label that a model does not know.
    """
    from classwright_tools.charts.confusion import confusion_chart
    from classwright_tools.charts.png import picture
    from classwright_tools.learning.model import load_model
    from classwright_tools.measurement.evaluation import measure, write_report
    from classwright_tools.measurement.held_out import read_split

    workspace = context.workspace
    task = workspace.artifact(request.model, "model").task
    dataset = workspace.dataset_read(request.dataset, task, run_key=context.run_key, makes="report")
    context.progress(0.0, f"Reading the {request.split} rows of {dataset}")
    rows = read_split(workspace, dataset, request.split)
    # Embeddings are not remembered: a text that was embedded before would look faster to classify than it is.
    model = load_model(workspace, request.model, remember=False)
    other = _other_model(request, context, model.labels)
    counted = _counted(request, context, dataset, rows, [model, other] if other else [model])
    found = _answers(context, model, request.model, counted, dataset, 0.05)
    comparison = _compare(request, context, found, model, other) if other else None
    uses = _uses_of_test(context, task) if request.split == "test" else 0
    report = measure(
        found,
        task=task,
        model=request.model,
        split=request.split,
        threshold=model.threshold,
        comparison=comparison,
        left_out=len(rows) - len(counted),
        warnings=_warnings(request, context, model, found, len(rows), uses),
        seed=context.seed,
        shares=model.card.known_shares,
        mismatch=model.card.mismatch,
    )
    context.progress(0.9, "Drawing the report")
    made = workspace.publish(
        "report",
        task,
        lambda folder: write_report(folder, report, found),
        run_key=context.run_key,
        parent=request.model,
        facts=_facts(report, uses),
    )
    other_rows = other.card.dataset if other and other.card.dataset != model.card.dataset else None
    result = _result(report, made.id, other_rows)
    drawn = picture(confusion_chart(report.labels, report.confusion_matrix)) if request.picture else None
    return result.model_copy(update={"picture": drawn})


def _counted(
    request: EvaluateRequest,
    context: ToolContext,
    dataset: str,
    rows: Sequence[Example],
    models: Sequence[Model],
) -> Sequence[Example]:
    """Return the `rows` that none of the `models` trained on; raise a `NotEnoughData` if there are none."""
    from classwright_tools.measurement.trained_rows import unseen

    cards = [model.card for model in models]
    counted = unseen(
        context.workspace, cards, rows, lambda: context.progress(0.0, "Comparing the rows with those trained on")
    )
    if not counted:
        raise NotEnoughData(
            f"each of the {len(rows)} {request.split} rows of {dataset!r}",
            f"is a training row of {_models(request)}, or nearly repeats one",
            f"Import other rows with split={request.split!r}, or train a model on {dataset!r}, which leaves them out.",
        )
    return counted


def _models(request: EvaluateRequest) -> str:
    """Return the id of the model, and of the other one if there is one."""
    return f"{request.model} or {request.against}" if request.against else request.model


def _answers(
    context: ToolContext, model: Model, model_id: str, rows: Sequence[Example], dataset: str, start: float
) -> Answers:
    """Return the answers of `model`: those that an evaluation kept, and others anew; `start` is the share done."""
    from classwright_tools.measurement.held_out import answers
    from classwright_tools.measurement.kept_answers import kept_answers

    known = kept_answers(context.workspace, model.card.task, model_id, [row.id for row in rows])
    return answers(
        model,
        rows,
        dataset,
        lambda done: context.progress(start + 0.4 * done, f"{model_id} is classifying the rows"),
        known,
    )


def _other_model(request: EvaluateRequest, context: ToolContext, labels: tuple[str, ...]) -> Model | None:
    """Return the model to compare with, which must know the same `labels`; None if there is none."""
    from classwright_tools.learning.model import load_model

    if request.against is None:
        return None
    task = context.workspace.artifact(request.model, "model").task
    other = load_model(context.workspace, context.workspace.resolve(request.against, "model", task).id, remember=False)
    differing = sorted(set(other.labels) ^ set(labels))
    if differing:
        raise InvalidInput(
            f"model {request.against!r}",
            f"has other labels than {request.model!r} ({listed(map(repr, differing), 3)})",
            "Compare models that were trained on one version of the task.",
        )
    return other


def _compare(request: EvaluateRequest, context: ToolContext, found: Answers, model: Model, other: Model) -> Comparison:
    """Return how the answers `found` stand against those of `other` to the same rows.

    If label shares are known, both models decide for the same ones, the own ones of the model that is measured, and
    each label's rows count for its share: models that decide for different shares are not comparable by plain counts.
    """
    from classwright_tools.learning.prior import moved
    from classwright_tools.statistics.paired import compare
    from classwright_tools.statistics.paired_at_shares import compare_at_shares

    assert request.against
    theirs = _answers(context, other, request.against, found.rows, found.dataset, 0.45)
    columns = [other.labels.index(label) for label in found.labels]  # the labels' order may have changed since
    mismatch = found.labels.index(other.card.mismatch) if other.card.mismatch else None
    proba = theirs.proba[:, columns]
    shares = model.card.known_shares or other.card.known_shares
    if shares and mismatch is None:
        wanted = shares.of(found.labels)
        own, its = (
            moved(given, found.labels, one.card.shares, wanted) for given, one in ((found.proba, model), (proba, other))
        )
        at_shares = compare_at_shares(found.true, own, its, request.against, wanted, found.queries, seed=context.seed)
        if at_shares:
            return at_shares
    return compare(found.true, found.proba, proba, request.against, context.seed, mismatch, found.queries)


def _uses_of_test(context: ToolContext, task: str) -> int:
    """Return how often the task's test rows had been used when this run measured on them, this time included."""
    own = context.workspace.made_by(context.run_key, "report")
    reports = [r for r in context.workspace.artifacts(task, "report") if own is None or r.number < own.number]
    return 1 + len([r for r in reports if r.facts.get("split") == "test"])


def _warnings(
    request: EvaluateRequest, context: ToolContext, model: Model, found: Answers, rows: int, uses: int
) -> tuple[str, ...]:
    """Return what a reader of the figures must know, of the split's `rows` and of the rows that were counted."""
    from classwright_tools.domain.label_names import other_labels
    from classwright_tools.measurement.caveats import not_counted
    from classwright_tools.measurement.label_shares import counts_for_model, label_shifts, told_shifts
    from classwright_tools.measurement.long_rows import told_cut
    from classwright_tools.measurement.trained_rows import chosen_by, queries_trained_on
    from classwright_tools.workspace.datasets import read_card

    left_out = not_counted(rows - len(found.rows), rows, request.split, _models(request))
    labels = context.workspace.task(model.card.task).label_names
    warnings = list(filter(None, [left_out, other_labels(request.model, model.labels, labels)]))
    if found.data != "real":
        warnings.append("Not all of these texts are real, so the figures do not tell how the model does on real ones.")
    if model.card.shares and request.split == "validation":
        warnings.append(
            "To decide for label shares the model has a bias a label, which real validation rows gave: on these the "
            "figures flatter it a little."
        )
    queries = queries_trained_on(context.workspace, model.card, found.rows)
    if queries:
        warnings.append(
            f"{queries} of these rows have a query that was trained on with other items: on new queries a model does "
            "worse. Split by query to measure that."
        )
    chosen = chosen_by(context.workspace, model.card, found.rows) if request.split == "test" else 0
    if chosen:
        warnings.append(
            f"{chosen} of these rows were validation rows when {request.model} was trained: it was chosen and "
            "calibrated by them, so the figures flatter it."
        )
    if uses > 1:
        warnings.append(
            f"This is use {uses} of the task's test rows. Choosing between models by them makes the figure too good: "
            "choose by validation rows."
        )
    warnings += told_cut(model.encoder, [row.content for row in found.rows], f"{request.split} rows")
    cards = (read_card(context.workspace, dataset) for dataset in (found.dataset, model.card.dataset))
    counts = counts_for_model(*cards)
    return (*warnings, *filter(None, [told_shifts(label_shifts(counts, request.split))]))


def _facts(report: EvaluationReport, uses: int) -> dict[str, Any]:
    """Return the small figures that lists of reports show."""
    facts = {
        "about": "evaluation",
        "model": report.model,
        "dataset": report.dataset,
        "split": report.split,
        "data": report.data,
        "rows": report.figures.rows,
        "accuracy": report.figures.accuracy.value,
        "macro_f1": report.figures.macro_f1.value,
    }
    ranked = report.figures.average_precision
    facts |= {"average_precision": ranked.value} if ranked else {}
    if report.comparison:
        facts |= {"against": report.comparison.against, "verdict": report.comparison.verdict}
    return facts | ({"test_use": uses} if uses else {})


def _result(report: EvaluationReport, report_id: str, other_rows: str | None) -> EvaluateResult:
    """Return what is answered; `other_rows` is the dataset of the other model, if it learnt from other rows."""
    from classwright_tools.measurement.caveats import macro_f1_name

    accuracy, macro_f1 = report.figures.accuracy, report.figures.macro_f1
    summary = [
        report.headline,
        f"{report.model}: accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}), "
        f"{macro_f1_name(report.figures, len(report.labels))} {macro_f1.value:.3f} "
        f"({macro_f1.low:.3f} to {macro_f1.high:.3f}).",
    ]
    ranked = report.figures.average_precision
    if ranked:
        summary.append(
            f"Average precision of the mismatches: {ranked.value:.3f} ({ranked.low:.3f} to {ranked.high:.3f})."
        )
    if report.comparison:
        gain = report.comparison.accuracy_gain
        verdict = "more than chance" if report.comparison.significant else "it may be chance"
        summary.append(
            f"Against {report.comparison.against}{_where(report.comparison)}: {gain.value:+.3f} accuracy "
            f"({gain.low:+.3f} to {gain.high:+.3f}), {verdict} "
            f"({report.comparison.test}, p = {report.comparison.p:.2g})."
        )
        ranked = report.comparison.average_precision_gain
        if ranked:
            low, high = ranked.low, ranked.high
            summary.append(f"Average precision of the mismatches {ranked.value:+.3f} ({low:+.3f} to {high:+.3f}).")
    excerpts = Excerpts(artifact_uri(report_id))
    classes = [ClassF1(label=c.label, f1=c.f1, rows=c.support) for c in report.weakest]
    return EvaluateResult(
        summary=" ".join([*summary, *report.warnings]),
        next_step=_next_step(report, other_rows),
        data=report.data,
        model=report.model,
        dataset=report.dataset,
        report=report_id,
        left_out=report.left_out,
        figures=report.figures,
        classes=excerpts.of("classes", classes, CLASSES_BYTES),
        confusions=excerpts.of("confusions", report.confusions, CONFUSIONS_BYTES, most=MOST_LISTED),
        comparison=report.comparison,
        texts_per_second=report.texts_per_second,
        shown_in_part=excerpts.told,
    )


def _where(comparison: Comparison) -> str:
    return ", at your shares, for which both decide here" if comparison.at_shares else ""


def _next_step(report: EvaluationReport, other_rows: str | None) -> str:
    """Return the call that is usually right after; figures that say too little are no ground to export."""
    from classwright_tools.measurement.caveats import quoted

    analyse = f"Call error_analysis with model={report.model!r} to see what to write next."
    if report.figures.not_covered:
        bare = quoted(report.figures.not_covered)
        return (
            f"Bring in {report.split} rows of {bare} with import_examples(split={report.split!r}), and measure again."
        )
    if report.comparison and report.comparison.verdict == "undecided":
        return f"{report.comparison.told(report.model, report.figures.rows)} {analyse}"
    if report.comparison and report.comparison.verdict != "gain":
        return _no_gain(report, report.comparison, other_rows)
    if report.split == "validation" or not report.figures.beats_guessing:
        return analyse
    return f"Call export_model with model={report.model!r} if this is good enough."


def _no_gain(report: EvaluationReport, comparison: Comparison, other_rows: str | None) -> str:
    """Return that the other model and its rows are to be kept, on what evidence, and what may help instead."""
    rows = f" Go on with its rows: dataset={other_rows!r}." if other_rows else ""
    merge = ""
    if report.confusions and report.confusions[0].share >= OFTEN_CONFUSED:
        most = report.confusions[0]
        merge = f", clearer descriptions of {most.label!r} and {most.predicted!r}, or one label in place of both"
    return (
        f"{comparison.told(report.model, report.figures.rows)}{rows} Instead of more such rows try real training rows "
        f"of {report.weakest[0].label!r}, the weakest label (import_examples, or annotate_examples of others), "
        f"another `encoder` or `method` (train_classifier){merge}. error_analysis with model={report.model!r} names "
        "groups of rows that hurt, and label issues."
    )


def _work(request: EvaluateRequest, sizes: Sizes) -> Work:
    """As long as its rows take the models."""
    rows = sizes.dataset(request.dataset, task_of(request.model), (request.split,))
    models = (model for model in (request.model, request.against) if model)
    return computing(sum(int(rows * sizes.slowness(model)) for model in models))


TOOL = ToolSpec(
    run=evaluate,
    request=EvaluateRequest,
    result=EvaluateResult,
    work=_work,
    makes=("report",),
    text=ToolText(
        title="Evaluate a model",
        description=(
            "Measure a model on the validation or test rows of a dataset: accuracy, macro F1, per-class figures, "
            "confusions and calibration, for pairs the average precision of the mismatches, with 95% intervals; with "
            "`against`, a paired comparison with another model. Says first whether the rows are real or written. The "
            "report with plots is a resource."
        ),
    ),
)
