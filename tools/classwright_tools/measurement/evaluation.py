"""The evaluation report: everything that was measured, as JSON, as a page, as charts, and row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import ValidationError

from classwright_tools.charts.confusion import confusion_chart
from classwright_tools.charts.label_bars import label_bars
from classwright_tools.charts.reliability import reliability_diagram
from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.evaluation import EvaluationReport, Measured, WrongRow
from classwright_tools.domain.example import Split
from classwright_tools.domain.figures import FiguresAtShares
from classwright_tools.domain.kinds import KINDS, task_of
from classwright_tools.domain.shares import TaskShares
from classwright_tools.errors import DamagedArtifact
from classwright_tools.learning.label_space import Answer
from classwright_tools.learning.model import Model
from classwright_tools.measurement.at_shares import Chosen, at_shares_remarks
from classwright_tools.measurement.caveats import caveats
from classwright_tools.measurement.changed_answers import changed_rows, label_changes
from classwright_tools.measurement.comparison_words import in_sentences
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.in_short import evaluation_in_short
from classwright_tools.measurement.kept_answers import write_answers
from classwright_tools.measurement.measures import measures_of
from classwright_tools.measurement.own_thresholds import (
    all_at_thresholds,
    at_thresholds,
    thresholds_in_words,
    thresholds_to_find,
    to_find_in_words,
)
from classwright_tools.measurement.pages import write_page
from classwright_tools.statistics.at_shares import figures_at_shares, own_shares
from classwright_tools.workspace.in_use import SHARED_LABELS
from classwright_tools.workspace.later_labels import later_names
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Workspace

REPORT = KINDS["report"].document
SUREST_ERRORS = 20


def measure(
    found: Answers,
    *,
    model: str,
    split: Measured,
    threshold: float,
    seed: int,
    comparison: Comparison | None = None,
    left_out: int = 0,
    warnings: tuple[str, ...] = (),
    shares: TaskShares | None = None,
    mismatch: str | None = None,
    chosen: Chosen | None = None,
    texts_per_second: float | None = None,
    thresholds: Mapping[str, float] = MappingProxyType({}),
    theirs: Sequence[Answer | None] = (),
) -> EvaluationReport:
    """Return the report of the answers that `model` gave; `mismatch` is a pair task's label of that name.

    `theirs` are what the model that it is compared with gives to the rows, where that knows the same labels; None of a
    row that is not compared.
    `thresholds` are those of labels that are to be given from there on, and only then. `shares` are those that the
    model's probabilities are at, None where nobody knows others than those of the rows. Test rows choose no threshold
    of a rare label: those that were `chosen` are applied to them.
    """
    measures = measures_of(found, threshold, seed, mismatch)
    at = None
    if not found.several and split != "train":  # a stand-in's thresholds are none of the model's
        at = _at_shares(found, split, shares, mismatch, chosen, seed)
    beside = [answer for answer in theirs if answer is not None]
    told = found.among({row.id for row, answer in zip(found.rows, theirs, strict=False) if answer is not None})
    table = at_thresholds(found, thresholds)
    to_find = thresholds_to_find(found) if found.several and not thresholds and split != "test" else ()
    return EvaluationReport(
        data=found.data,
        task=task_of(model),
        model=model,
        dataset=found.dataset,
        split=split,
        labels=found.labels,
        left_out=left_out,
        warnings=(
            *thresholds_in_words(table, thresholds),
            *filter(None, [all_at_thresholds(found, thresholds, seed)]),
            *to_find_in_words(to_find),
            *at_shares_remarks(at, shares, mismatch, chosen.by if chosen else None),
            *warnings,
            *caveats(measures.figures),
        ),
        figures=measures.figures,
        at_shares=at,
        classes=measures.classes,
        confusion_matrix=tuple(tuple(row) for row in measures.confusion_matrix.tolist()),
        confusions=measures.confusions,
        reliability=measures.reliability,
        coverage=measures.coverage,
        label_thresholds=table or to_find,
        threshold=threshold,
        comparison=comparison,
        label_changes=label_changes(told, beside) if beside else (),
        changed_rows=changed_rows(told, beside, split) if beside else (),
        surest_errors=_surest_errors(found, split),
        texts_per_second=texts_per_second,
    )


def _at_shares(
    found: Answers, split: Measured, shares: TaskShares | None, mismatch: str | None, chosen: Chosen | None, seed: int
) -> FiguresAtShares | None:
    """Return the figures at the `shares`, by default those of the rows; `measure` says what the others are."""
    return figures_at_shares(
        found.true,
        found.proba,
        shares.values if shares else own_shares(found.true, len(found.labels)),
        found.labels,
        found.queries,
        mismatch=found.labels.index(mismatch) if mismatch else None,
        chooses=split != "test",
        chosen=chosen.rare if chosen else None,
        seed=seed,
    )


def _surest_errors(found: Answers, split: Split) -> tuple[WrongRow, ...]:
    """Return the errors that the model was surest of: where labels are often wrong, or classes overlap."""
    predicted = found.predicted
    sure = np.minimum(1.0, found.space.answers(found.proba)[1])
    wrong = sorted(found.wrong.tolist(), key=lambda i: (-sure[i], found.rows[i].id))[:SUREST_ERRORS]
    if split == "test":
        return tuple(WrongRow(example=found.rows[i].id, probability=sure[i]) for i in wrong)
    return tuple(
        WrongRow(
            example=found.rows[i].id,
            text=found.rows[i].shown,
            label=found.in_words(found.true[i]),
            predicted=found.in_words(predicted[i]),
            probability=sure[i],
        )
        for i in wrong
    )


def write_report(folder: Path, report: EvaluationReport, found: Answers) -> None:
    """Write report.json, report.html with its charts inside, the charts, and the answers row by row."""
    (folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    charts = {
        "confusion": confusion_chart(report.labels, report.confusion_matrix, report.classes),
        "labels": label_bars(report.weakest),
        "reliability": reliability_diagram(report.reliability, of_labels=found.several),
    }
    compared = in_sentences(report.comparison, report.model) if report.comparison else ()
    write_page(
        "evaluation.html", folder, charts, report=report, in_short=evaluation_in_short(report), compared=compared
    )
    write_answers(folder, found, with_labels=report.split != "test")


def listed_facts(report: EvaluationReport, uses: int, *, chooses: bool) -> dict[str, Any]:
    """Return the small figures that lists of reports show; the test rows were used `uses` times by then.

    Of a comparison that `chooses` no model, as its rows tell nothing, there is no verdict.
    """
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
    if report.comparison and chooses:
        facts |= {"against": report.comparison.against, "verdict": report.comparison.verdict}
        facts |= (
            {} if report.comparison.shared_labels is None else {SHARED_LABELS: len(report.comparison.shared_labels)}
        )
    return facts | ({"test_use": uses} if uses else {})


def chosen_thresholds(workspace: Workspace, model: Model, dataset: str) -> Chosen | None:
    """Return the rare label's thresholds that the newest report of `model` on validation rows chose, or its training.

    The label is called as it is beside `dataset`, as those of `model` are. None where neither chose any, or where
    labels were merged or divided in between: their probabilities are others.

    Raises:
        DamagedArtifact: the report does not read back, or the edits of a dataset do not.
    """
    id_, report = newest_report(workspace, model.card.task, model.id, "validation") or ("", None)
    rare = report.at_shares.rare if report and report.at_shares else None
    if not report or not rare:
        return Chosen(f"its training gave ({model.id})", model.card.rare) if model.card.rare else None
    names = later_names(workspace, report.labels, report.dataset, dataset)
    if names != model.labels:
        return None
    by = f"validation rows gave ({id_})"
    return Chosen(by, rare.model_copy(update={"label": names[report.labels.index(rare.label)]}))


def newest_report(workspace: Workspace, task: str, model: str, split: Split) -> tuple[str, EvaluationReport] | None:
    """Return the newest report of `model` on rows of `split`, and its id, or None if it was never measured on any.

    Raises:
        DamagedArtifact: the report does not read back.
    """
    wanted = {"about": "evaluation", "model": model, "split": split}
    for made in workspace.artifacts(task, "report"):
        if wanted.items() <= made.facts.items():
            try:
                return made.id, EvaluationReport.model_validate_json(read_own(made.path / REPORT))
            except (OSError, ValidationError) as error:
                reason = "its report.json cannot be read back"
                raise DamagedArtifact(f"report {made.id!r}", reason, "Call evaluate again.") from error
    return None
