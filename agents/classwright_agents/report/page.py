"""The report's page: a build's findings, in plain words first, then in figures and charts."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classwright_agents.figures import figure
from classwright_agents.outcome import Outcome
from classwright_agents.report import words
from classwright_agents.report.charts import Point, learning_curve, stage_bars
from classwright_agents.report.held_out import HeldOutFigures
from classwright_agents.task_file import METRIC_NAMES, TaskFile
from classwright_tools.charts.confusion import confusion_chart
from classwright_tools.charts.label_bars import label_bars
from classwright_tools.charts.style import LIGHT_OR_DARK
from classwright_tools.contract import (
    Cell,
    ErrorAnalysisResult,
    EvaluationReport,
    Example,
    Refusal,
    Shortfall,
)

CONFUSIONS = 8
PAIRS = 4
CLUSTERS = 6
REFUSALS = 12
MISSING = 12


@dataclass(frozen=True)
class Material:
    """What the page shows beside the outcome, as fetched from the server."""

    measured: EvaluationReport | None = None
    """The `report.json` of the best model's last evaluation: on test rows if there are any, else on validation rows."""
    held_out: HeldOutFigures | None = None
    """What stands in its place where there are neither validation nor test rows."""
    map: bytes = b""
    """The SVG of written and real texts."""
    samples: tuple[Example, ...] = ()
    """Some training rows."""
    refusals: tuple[Refusal, ...] = ()
    """Refused candidates."""
    files: tuple[tuple[str, int], ...] = field(default=())
    """The exported model's files and their bytes."""
    usage: str = ""
    """Lines of Python that use the model."""


class Refused(NamedTuple):
    """How many candidates were refused for a reason, and one of them."""

    reason: str
    candidates: int
    example: str


def render(task: TaskFile, run: str, outcome: Outcome, material: Material) -> str:
    """Return the page of a finished build as HTML; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("classwright_agents.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("page.html.j2").render(p=_page(task, run, outcome, material))


def _page(task: TaskFile, run: str, outcome: Outcome, material: Material) -> dict[str, Any]:
    """Return what the template shows."""
    best, analysis = outcome.best, outcome.analysis
    assert best is not None
    measured = material.measured
    shown = measured or material.held_out
    bars = measured.weakest if measured else material.held_out.classes if material.held_out else ()
    missing = [_missing(m) for written in outcome.written for m in written.missing][:MISSING]
    return {
        "task": task,
        "run": run,
        "version": version("classwright"),
        "credit": task.credit,
        "headline": words.headline(task, outcome),
        "source": words.source(outcome),
        "facts": words.facts(task, outcome),
        "remarks": words.remarks(task, outcome, measured),
        "validation_words": words.validation_words(outcome),
        "metric": METRIC_NAMES[task.target.metric],
        "gain_words": words.gain_words,
        "terms": words.terms(task, outcome),
        "measured_words": words.measured_words(shown),
        "training_words": words.training_words(outcome),
        "cost_words": words.cost_words(outcome),
        "files_words": words.files_words(material.files),
        "usage": material.usage,
        "test": outcome.test,
        "trainings": [(words.training_name(r, outcome), r) for r in outcome.trainings],
        "rounds": len(outcome.rounds),
        "trains_again": any(not one.written for one in outcome.rounds),
        "best_model": best.model,
        "decisions": outcome.decisions,
        "curve": _curve(task, outcome),
        "chart_style": LIGHT_OR_DARK,
        "matrix_words": words.matrix_words(task),
        "matrix": confusion_chart(shown.labels, shown.confusion_matrix, shown.classes) if shown else None,
        "bars": label_bars(bars) if bars else None,
        "confusions": measured.confusions[:CONFUSIONS] if measured else (),
        "confusions_of": _kinds_of_errors(measured.confusion_matrix) if measured else 0,
        "pairs": analysis.confused_pairs[:PAIRS] if analysis else (),
        "pairs_of": _found(analysis, "confused_pairs"),
        "clusters": analysis.clusters[:CLUSTERS] if analysis else (),
        "clusters_of": _found(analysis, "clusters"),
        "style": analysis.style if analysis else (),
        "map": base64.b64encode(material.map).decode() if material.map else None,
        "samples": [_sample(row) for row in material.samples],
        "refused": _refused(outcome, material),
        "refused_of": len({reason for written in outcome.written for reason in written.refused}),
        "missing": missing,
        "missing_more": sum(written.wanted - written.accepted for written in outcome.written)
        - sum(m["missing"] for m in missing),
        "skipped": [
            {"split": split, "reason": reason, "count": count}
            for split, imported in outcome.imported.items()
            for reason, count in imported.skipped.items()
        ],
        "skipped_where": [imported.remark for imported in outcome.imported.values() if imported.remark],
        "stages": stage_bars(list(outcome.seconds.items())),
    }


def _kinds_of_errors(matrix: Sequence[Sequence[int]]) -> int:
    """Return how many pairs of labels are confused, of a matrix (k, k)."""
    return sum(bool(count) for i, line in enumerate(matrix) for j, count in enumerate(line) if i != j)


def _found(analysis: ErrorAnalysisResult | None, field: str) -> int:
    """Return how many findings of a kind an analysis has, of which its answer may show some."""
    if analysis is None:
        return 0
    part = analysis.shown_in_part.get(field)
    return part.total if part else len(getattr(analysis, field))


def _curve(task: TaskFile, outcome: Outcome) -> Markup:
    best, metric = outcome.best, task.target.metric
    assert best is not None
    test = figure(outcome.test.figures, metric) if outcome.test else None
    points = [
        Point("final" if r is outcome.final else f"round {r.round}", r.rows, r.figure(metric))
        for r in outcome.trainings
    ]
    return learning_curve(points, task.target.value, test, outcome.trainings.index(best))


def _refused(outcome: Outcome, material: Material) -> list[Refused]:
    """Return the reasons for refusing candidates, the most frequent first, each with an example."""
    counts: Counter[str] = Counter()
    for written in outcome.written:
        counts.update(written.refused)
    refusals = [*material.refusals, *(refusal for written in outcome.written for refusal in written.refusals)]
    return [
        Refused(reason, count, next((r.text for r in refusals if r.reason.startswith(reason) and r.text), ""))
        for reason, count in counts.most_common(REFUSALS)
    ]


def _missing(shortfall: Shortfall) -> dict[str, Any]:
    place = f"written to resemble {shortfall.contrast}" if shortfall.contrast else _place(shortfall.cell)
    return {
        "label": shortfall.cell.label,
        "place": place,
        "missing": shortfall.missing,
        "reason": shortfall.reason,
    }


def _sample(row: Example) -> dict[str, Any]:
    """Return a row with what it was written for, in words."""
    made = row.provenance
    place = f"easily confused with {made.contrast}" if made and made.contrast else _place(made.cell if made else None)
    return {"text": row.text, "label": row.labels_name or "", "place": place or row.origin}


def _place(cell: Cell | None) -> str:
    return " / ".join(filter(None, (cell.topic, cell.subtopic, cell.source_type))) if cell else ""
