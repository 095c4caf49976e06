"""The report's page: a build's findings, in plain words first, then in figures and charts."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classwright_agents.figures import figure
from classwright_agents.outcome import Outcome
from classwright_agents.report import words
from classwright_agents.report.charts import Point, learning_curve, stage_bars
from classwright_agents.task_file import METRIC_NAMES, TaskFile
from classwright_tools.charts.confusion import confusion_chart
from classwright_tools.charts.label_bars import label_bars
from classwright_tools.charts.style import LIGHT_OR_DARK
from classwright_tools.contract import Cell, EvaluationReport, Example, Refusal, Shortfall

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
    missing = [_missing(m) for written in outcome.written for m in written.missing][:MISSING]
    return {
        "task": task,
        "run": run,
        "version": version("classwright"),
        "credit": task.credit,
        "headline": words.headline(task, outcome),
        "source": words.source(outcome),
        "facts": words.facts(task, outcome),
        "remarks": words.remarks(task, outcome, measured.warnings if measured else ()),
        "validation_words": words.validation_words(outcome),
        "metric": METRIC_NAMES[task.target.metric],
        "gain_words": words.gain_words,
        "terms": words.terms(task, outcome),
        "measured_words": words.measured_words(measured),
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
        "matrix": confusion_chart(measured.labels, measured.confusion_matrix) if measured else None,
        "bars": label_bars(measured.weakest) if measured else None,
        "confusions": measured.confusions[:CONFUSIONS] if measured else (),
        "pairs": analysis.confused_pairs[:PAIRS] if analysis else (),
        "clusters": analysis.clusters[:CLUSTERS] if analysis else (),
        "style": analysis.style if analysis else (),
        "map": base64.b64encode(material.map).decode() if material.map else None,
        "samples": [_sample(row) for row in material.samples],
        "refused": _refused(outcome, material),
        "missing": missing,
        "missing_more": sum(written.wanted - written.accepted for written in outcome.written)
        - sum(m["missing"] for m in missing),
        "skipped": [
            {"split": split, "reason": reason, "count": count}
            for split, imported in outcome.imported.items()
            for reason, count in imported.skipped.items()
        ],
        "stages": stage_bars(list(outcome.seconds.items())),
    }


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
