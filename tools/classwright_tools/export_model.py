"""The verb `export_model`: a folder that runs anywhere, without Classwright."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import ExportId, ModelId, task_of
from classwright_tools.domain.label_names import other_labels
from classwright_tools.domain.noun import Noun, Thresholds, ToolRequest, ToolResult
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, one_label_a_row
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work, computing

if TYPE_CHECKING:
    from pathlib import Path

    from classwright_tools.estimates.parts import Workload


class ExportModelRequest(ToolRequest):
    """Which model to export."""

    model: ModelId
    onnx: bool = Field(default=True, description="An ONNX graph; pairs have none.")
    student: bool = Field(default=False, description="A much faster student, and a cascade of both, for bulk work.")
    thresholds: Thresholds = Field(description="As for classify; the export then has them by default.")


class ExportedFile(Noun):
    """A file of the export."""

    name: str = Field(description="Its path, with '/'.")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ExportModelResult(ToolResult):
    """The export; its files are resources."""

    model: ModelId
    export: ExportId
    files: tuple[ExportedFile, ...]


def export_model(request: ExportModelRequest, context: ToolContext) -> ExportModelResult:
    """Export a model with its encoder, its head and its card.

    Raises:
        NotFound: there is no such model, or its encoder is nowhere to be found.
        DamagedArtifact: the model does not read back.
        InvalidInput: the model's method exports nothing, or a graph is asked for and the encoder cannot become one, or
            a student of a model that has no graph or of rows with several labels, or a threshold is of no label.
        NotEnoughData: there are too few texts to teach a student.
        StorageFailed: the disk is full.
    """
    from classwright_tools.export.baked_thresholds import baked_in_words
    from classwright_tools.export.folder import exported_files, open_to_all, save_export
    from classwright_tools.export.quantised import check_rows
    from classwright_tools.export.student import texts_to_teach
    from classwright_tools.export.task_then import task_then
    from classwright_tools.learning.methods.registry import METHODS
    from classwright_tools.learning.model import load_model
    from classwright_tools.measurement.caveats import against_guessing, how_sure, scores_in_words
    from classwright_tools.measurement.encoder_first import encoder_first
    from classwright_tools.measurement.evaluation import newest_report
    from classwright_tools.workspace.sharing import share_files

    context.progress(0.0, f"loading {request.model}")
    model = load_model(context.workspace, request.model)
    task = task_then(context.workspace, model.card.task, model.card.task_version)
    _check_student(request, task)
    model.space.under(request.thresholds)  # raises for a label that it does not know
    export = METHODS[model.card.method].export(model, onnx=request.onnx)
    _, tested = newest_report(context.workspace, task.slug, request.model, "test") or ("", None)
    check = check_rows(context.workspace, model.card)
    teach = texts_to_teach(context.workspace, model.card, context.seed) if request.student else []

    def write(folder: Path) -> None:
        context.progress(0.1, "writing the encoder, the head and the graph" if request.onnx else "writing the files")
        save_export(folder, export, model, task, tested, check, teach, request.thresholds, context)
        share_files(folder, context.workspace.artifact(request.model, "model").path)
        open_to_all(folder)

    made = context.workspace.publish("export", task.slug, write, run_key=context.run_key, parent=request.model)
    context.progress(0.9, "taking checksums")
    files = tuple(
        ExportedFile(name=name, bytes=size, sha256=digest) for name, size, digest in exported_files(made.path)
    )
    megabytes = sum(file.bytes for file in files) / 1e6
    changed = other_labels(request.model, model.labels, context.workspace.task(task.slug).label_names)
    changed += " An export keeps the labels of its model: train again to have the task's in one." if changed else ""
    guessed = against_guessing(tested.figures if tested else model.card.validation)
    reason = guessed and (encoder_first(model.card).reason or guessed)
    told = (
        reason,
        changed,
        baked_in_words(request.thresholds),
        export.left_out,
        how_sure(model.card, request.thresholds),
    )
    remarks = "".join(f" {remark}" for remark in told if remark)
    labels = len(model.card.labels)
    figures = f"{scores_in_words(model.card.validation, labels)} on {model.card.validation.measured_on}"
    if tested:
        rows = counted(tested.figures.rows, f"{tested.data} test row")
        figures = f"{scores_in_words(tested.figures, labels)} on {rows}, and {figures}, by which it was chosen"
    then = (
        f"Copy the export's folder, {task.slug}/{made.id} in the workspace, to where it is to run; its README.md tells "
        "how. Over the wire a big file comes in parts: "
        f"classwright://{task.slug}/artifacts/{made.id}/files/{{name}}/{{part}}, from 0 on, "
        "with %2F for a / in the name."
    )
    return ExportModelResult(
        summary=f"Exported {request.model} as {made.id}: {counted(len(files), 'file')}, {megabytes:.0f} MB, for "
        f"{export.runs_with}, with a model card. It reached {figures}.{remarks}",
        next_step=" ".join(filter(None, (then, export.caution))),
        model=request.model,
        export=made.id,
        files=files,
    )


def _check_student(request: ExportModelRequest, task: Task) -> None:
    """Raise an `InvalidInput` if a student is asked for that cannot be made of what `task` is, or without a graph."""
    if not request.student:
        return
    if task.multi_label:
        instead = "Leave `student` out: `predict.py --engine int8` is the fastest form of such a model."
        raise one_label_a_row("a student", task.slug, instead)
    if task.kind == "pair" or not request.onnx:
        reason = "takes the inputs of the ONNX graph, " + (
            "and pairs have none" if request.onnx else "and onnx is false"
        )
        raise InvalidInput("student", reason, "Leave `student` out, or export a model of single texts with onnx=true.")


def _work(request: ExportModelRequest, sizes: Sizes) -> Work:
    """It reads no text, but those that a student is taught on."""
    if not request.student:
        return computing(0)
    texts = sizes.dataset(None, task_of(request.model), ("train", "unlabelled"))
    return computing(round(texts * sizes.slowness(request.model)), method="student")


def _workload(request: ExportModelRequest, context: ToolContext) -> Workload:
    from classwright_tools.estimates.measuring import export_workload

    return export_workload(request, context)


TOOL = ToolSpec(
    run=export_model,
    request=ExportModelRequest,
    result=ExportModelResult,
    work=_work,
    workload=_workload,
    makes=("export",),
    multi_label=True,
    check=_check_student,
    text=ToolText(
        title="Export a model",
        description=(
            "Make a folder that runs without Classwright (but a matcher's needs it): encoder, head, card, ONNX graph. "
            "Its files are resources: classwright://{task}/artifacts/{id}/files lists them. Seconds; with a student, "
            "minutes."
        ),
    ),
)
