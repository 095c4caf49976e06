"""The error report: everything that an error analysis found, as JSON, as a page and as charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from classwright_tools.charts.attention import attention_map
from classwright_tools.charts.confusion import confusion_chart
from classwright_tools.charts.label_bars import label_bars
from classwright_tools.charts.scatter import text_scatter
from classwright_tools.domain.analysis import (
    CellFinding,
    ConfusedPair,
    DoubtedEdit,
    ErrorCluster,
    GroupEffect,
    LabelErrorRows,
    LabelIssue,
    LabelsTogether,
    StyleGap,
)
from classwright_tools.domain.example import Data
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.figures import ClassFigures, Estimate
from classwright_tools.domain.kinds import KINDS, DatasetId, ModelId
from classwright_tools.domain.noun import LabelName, Noun, Slug
from classwright_tools.domain.regeneration import RegenerationItem
from classwright_tools.measurement.attended_pairs import AttendedPair
from classwright_tools.measurement.in_short import errors_in_short
from classwright_tools.measurement.pages import write_page
from classwright_tools.measurement.text_map import TextMap


class ErrorReport(Noun):
    """All that one error analysis found."""

    data: Data = Field(description="Whose texts the errors were found on.")
    held_out: bool = Field(
        default=False, description="Of training rows, answered by a simple classifier (probe) in place of the model."
    )
    cannot_know: str = Field(description="What these rows cannot tell.")
    warnings: tuple[str, ...] = Field(default=(), description="What else a reader must know of them.")
    task: Slug
    model: ModelId
    dataset: DatasetId
    labels: tuple[LabelName, ...]
    rows: int = Field(ge=1)
    errors: int = Field(ge=0, description="Rows with a wrong label, or with one of several that was missed or added.")
    accuracy: Estimate
    micro_f1: Estimate | None = Field(default=None, description="Of rows that may have several labels; None of others.")
    classes: tuple[ClassFigures, ...] = Field(description="Those that have rows, the weakest first.")
    confusion_matrix: tuple[tuple[int, ...], ...] = Field(description="True label by row, predicted one by column.")
    confused_pairs: tuple[ConfusedPair, ...]
    label_errors: tuple[LabelErrorRows, ...] = Field(default=(), description="Of rows that may have several labels.")
    together: tuple[LabelsTogether, ...] = Field(default=(), description="Labels that are given together too often.")
    doubted_edits: tuple[DoubtedEdit, ...] = Field(default=(), description="Bulk edits that other rows contradict.")
    label_issues: tuple[LabelIssue, ...]
    clusters: tuple[ErrorCluster, ...]
    cells: tuple[CellFinding, ...]
    style: tuple[StyleGap, ...]
    groups: tuple[GroupEffect, ...] = Field(default=(), description="The newest round, and written rows that hurt.")
    plan_items: tuple[RegenerationItem, ...]
    pairs_left_out: int = Field(default=0, ge=0, description="Confused pairs that the plan has no texts for.")
    errors_left_out: int = Field(default=0, ge=0, description="Errors between the labels of these pairs.")
    passed_over: tuple[tuple[LabelName, LabelName], ...] = Field(
        default=(), description="Of these those that label shares alone put behind others, the most confused first."
    )

    @property
    def headline(self) -> str:
        """The first line of the page: on which data."""
        rows = counted(self.rows, "row")
        which = f"{counted(self.rows, 'row that was', 'rows that were')} not trained on"
        if self.held_out:
            which = f"{counted(self.rows, 'training row')}, held out of a simple classifier (probe)"
        return {
            "real": f"Errors found on real texts: {which}.",
            "annotated": f"Errors found on real texts, some or all labelled by a model: {which}.",
            "written": f"Errors found on written texts: {rows}, held out group by group.",
            "mixed": f"Errors found on training rows that are not all real ones: {rows}, held out group by group.",
        }[self.data]

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return self.micro_f1 is not None

    @property
    def doubted(self) -> str:
        """What is to be done about the `label_issues`, in a sentence; empty where there are none."""
        rows = counted(len(self.label_issues), "row")
        return f"To do: read the {rows} whose own label is doubted." if self.label_issues else ""

    @property
    def to_see_first(self) -> str:
        """How to look at the newest of the `doubted_edits`, and to undo it; empty where there is none."""
        if not self.doubted_edits:
            return ""
        one = self.doubted_edits[0]
        held = listed(map(repr, dict.fromkeys(name for e in self.doubted_edits for name in (*e.was, *e.to))), 5)
        return (
            f"See first whether the labels that {one.version} gave are right: find_examples(task={self.task!r}, "
            f"dataset={one.version!r}, compare_to={one.before!r}). If not: edit_examples(task={self.task!r}, "
            f"undo={one.version!r}, reason=...); if they are, to approve the rows settles it. Until then nothing is "
            f"planned for {held}."
        )

    @property
    def weak_classes(self) -> tuple[ClassFigures, ...]:
        """The classes with errors, the weakest first."""
        return tuple(figures for figures in self.classes if figures.f1.value < 1)


def write_error_report(
    folder: Path, report: ErrorReport, mapped: TextMap | None, attended: Sequence[AttendedPair]
) -> None:
    """Write report.json, the charts, and report.html with the charts inside; without a map there is no map.svg.

    The attention of the pairs `attended` is drawn in attention_1.svg and so on.
    """
    (folder / KINDS["report"].document).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    charts = {
        "confusion": confusion_chart(report.labels, report.confusion_matrix, report.classes),
        "labels": label_bars(report.classes),
    }
    if mapped:
        charts["map"] = text_scatter(mapped.places[~mapped.real].tolist(), mapped.places[mapped.real].tolist())
    for number, pair in enumerate(attended, start=1):
        query, item, weights, importance = pair.attention
        charts[f"attention_{number}"] = attention_map(query, item, weights.tolist(), importance.tolist())
    write_page(
        "errors.html",
        folder,
        charts,
        report=report,
        in_short=errors_in_short(report),
        attended=attended,
        both_mapped=mapped is not None and 0 < mapped.real.sum() < len(mapped.real),
        missing=_of(report.cells, "missing"),
        redundant=_of(report.cells, "redundant"),
    )


def _of(cells: Sequence[CellFinding], finding: str) -> list[CellFinding]:
    return [cell for cell in cells if cell.finding == finding]
