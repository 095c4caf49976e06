"""Findings of an error analysis: the parts of a report, each by its own measure, and the plan that follows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from classwright_tools.context import ToolContext
from classwright_tools.curation.rows_language import languages_of_rows
from classwright_tools.domain.analysis import CellFinding, GroupEffect, LabelIssue
from classwright_tools.domain.augmentation import LEAST_ROWS
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import Split
from classwright_tools.domain.topic_tree import Cell, TopicTree
from classwright_tools.learning.model import Model
from classwright_tools.learning.reading_languages import unread_remark
from classwright_tools.measurement.bulk_edits import doubted_edits
from classwright_tools.measurement.caveats import against_guessing, not_counted, quoted, settled_by_person
from classwright_tools.measurement.cells import held_rows, missing_cells, redundant_cells, wanted_rows
from classwright_tools.measurement.clusters import error_clusters
from classwright_tools.measurement.confused_pairs import confused_pairs
from classwright_tools.measurement.error_report import ErrorReport
from classwright_tools.measurement.evidence import Evidence
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.label_errors import given_together, label_errors
from classwright_tools.measurement.label_issues import contradicting
from classwright_tools.measurement.label_shares import shifts_for_model
from classwright_tools.measurement.long_rows import cut_remarks
from classwright_tools.measurement.measures import measures_of
from classwright_tools.measurement.next_training import scarce_labels
from classwright_tools.measurement.regeneration import Planned, plan_items
from classwright_tools.measurement.row_groups import contrasts_help, group_effects
from classwright_tools.measurement.set_plans import plan_sets
from classwright_tools.measurement.style import style_gaps
from classwright_tools.workspace.datasets import read_card, read_edits

_SUGGESTED = (
    "What is suggested in the place of a doubtful label is the word of a simple classifier (probe) that has not seen "
    "the row; the model, whose answers to validation rows the review page shows, may answer otherwise."
)


class _Cells(NamedTuple):
    """The cells of the topic tree by how many rows each has, how many it should have, and those that have fewer."""

    held: Mapping[Cell, int]
    wanted: int
    missing: tuple[CellFinding, ...]


def find_errors(context: ToolContext, model: Model, evidence: Evidence, rows: int) -> ErrorReport:
    """Return all findings about the errors of `model` in `evidence`, and a plan of `rows` texts or fewer."""
    found, task = evidence.errors_in, model.card.task
    cells = _cells(context, task, evidence)
    context.progress(0.55, "Looking for labels that are wrong")
    issues, remarks = _label_issues(context, evidence)
    groups: tuple[GroupEffect, ...] = ()
    if evidence.real and model.card.kind == "text":
        groups = group_effects(
            evidence.train,
            evidence.real,
            evidence.embed,
            lambda done: context.progress(0.57 + 0.03 * done, "Looking for rows that hurt"),
        )
    opinion = evidence.second_opinion
    edits = doubted_edits(context.workspace, opinion.answers, evidence.embed) if opinion else ()
    context.progress(0.6, "Planning what to write")
    planned = _planned(context, model, evidence, rows, cells, {issue.example for issue in issues}, groups)
    planned = _without(planned, {label for edit in edits for label in (*edit.was, *edit.to)})
    context.progress(0.65, "Grouping the errors")
    measures = measures_of(found, model.threshold, context.seed, model.card.mismatch)
    languages = context.workspace.task(task).languages
    figures = measures.figures
    classes = sorted((one for one in measures.classes if one.support), key=lambda one: (one.f1.value, one.label))
    return ErrorReport(
        data=found.data,
        held_out=evidence.real is None,
        cannot_know=evidence.cannot_know,
        warnings=(*_warnings(context, model, evidence, against_guessing(figures)), *filter(None, remarks)),
        task=task,
        model=model.id,
        dataset=found.dataset,
        labels=found.labels,
        rows=len(found.rows),
        errors=len(found.wrong),
        accuracy=figures.accuracy,
        micro_f1=figures.micro_f1,
        classes=tuple(classes),
        confusion_matrix=tuple(tuple(line) for line in measures.confusion_matrix.tolist()),
        label_errors=label_errors(found) if found.several else (),
        together=given_together(found) if found.several else (),
        confused_pairs=confused_pairs(found),
        doubted_edits=edits,
        label_issues=issues,
        clusters=error_clusters(found, model.embed if evidence.real else evidence.embed, context.seed, languages),
        cells=(*cells.missing, *redundant_cells(evidence.train, evidence.embed, context.seed)),
        style=style_gaps(evidence.written_rows, evidence.real_rows, languages),
        groups=groups,
        plan_items=planned.items,
        pairs_left_out=planned.pairs_left_out,
        errors_left_out=planned.errors_left_out,
        passed_over=planned.passed_over,
    )


def _cells(context: ToolContext, task: str, evidence: Evidence) -> _Cells:
    newest = context.workspace.latest("topics", task)
    tree = context.workspace.document(newest.id, "topics", TopicTree) if newest else None
    held = held_rows(evidence.train, tree) if tree else {}
    wanted = wanted_rows(held)
    return _Cells(held, wanted, missing_cells(held, wanted))


def _label_issues(context: ToolContext, evidence: Evidence) -> tuple[tuple[LabelIssue, ...], tuple[str, ...]]:
    """Return the labels that are doubted and that no person decided, and what is to be said of the others."""
    opinion = evidence.second_opinion
    doubted = opinion.issues(evidence.validation) if opinion else ()
    settled = Decided(read_edits(context.workspace, evidence.errors_in.dataset)).by_person
    issues = tuple(issue for issue in doubted if issue.example not in settled)
    settled_too = settled_by_person(len(doubted) - len(issues))
    return issues, (
        _not_doubted(opinion.answers if opinion else None),
        settled_too,
        _suggested(opinion.answers) if opinion and issues else "",
    )


def _suggested(second: Answers) -> str:
    """Return how far the opinion that doubts labels and suggests others is to be trusted."""
    if second.several:
        return _SUGGESTED
    return (
        f"{_SUGGESTED} It is right on {1 - second.is_wrong.mean():.0%} of the labelled rows; at 85% about half of such "
        "doubts are right, at 70% a fifth or less: read each row."
    )


def _planned(
    context: ToolContext,
    model: Model,
    evidence: Evidence,
    rows: int,
    cells: _Cells,
    doubted: Collection[str],
    groups: Sequence[GroupEffect],
) -> Planned:
    """Return what to write against the errors; rows whose ids are `doubted` are no models for texts."""
    if model.card.kind == "pair":  # what is written for pairs is queries for items, which no plan holds
        return Planned()
    found = evidence.errors_in
    learnt = read_card(context.workspace, found.dataset).rows_to_learn(found.labels)
    scarce = {found.labels.index(name): learnt[name] for name in scarce_labels(learnt)}
    if found.several:
        return plan_sets(
            found,
            rows,
            scarce=scarce,
            held=cells.held,
            doubted=doubted,
            embed=evidence.embed,
            languages=context.workspace.task(model.card.task).languages,
            with_contrasts=contrasts_help(groups),
            seed=context.seed,
        )
    return plan_items(
        found,
        evidence.sources,
        rows,
        scarce=scarce,
        thin=cells.missing,
        wanted=cells.wanted,
        held=cells.held,
        doubted=doubted,
        embed=evidence.embed,
        languages=context.workspace.task(model.card.task).languages,
        with_contrasts=contrasts_help(groups),
        shares=model.card.shares.values if model.card.shares else None,
        seed=context.seed,
    )


def _without(planned: Planned, labels: Collection[str]) -> Planned:
    """Return the plan without texts for `labels`, or against them: of which label these are is to be seen first."""
    return replace(planned, items=tuple(one for one in planned.items if not {one.label, one.contrast} & {*labels}))


def _warnings(context: ToolContext, model: Model, evidence: Evidence, guessed: str) -> tuple[str, ...]:
    """Return what a reader must know of the rows that the errors were found on, among it what `guessed` says."""
    found = evidence.errors_in
    split: Split = "validation" if evidence.real else "train"
    counted = len(evidence.real.rows) if evidence.real else 0
    wrong = found.is_wrong if found.queries is None else None  # pairs of one query are right or wrong together
    contents = [row.content for row in found.rows]
    spoken = languages_of_rows(context.workspace.task(model.card.task), contents, len(contents))
    remarks = (
        spoken.remark,
        not_counted(evidence.left_out, counted + evidence.left_out, "validation", model.id),
        guessed,
        *cut_remarks(model.encoder, contents, f"{split} rows", wrong),
        shifts_for_model(context.workspace, model.card.dataset, found.dataset, split),
        unread_remark(model.encoder, spoken.languages, context.workspace.encoders),
    )
    return tuple(filter(None, remarks))


def _not_doubted(second: Answers | None) -> str:
    """Return the sentence on the labels that a second opinion hardly tells apart, so that it doubts no row of them."""
    if second is None:
        return ""
    told = contradicting(second)
    hardly = [label for label, is_told in zip(second.labels, told, strict=True) if not is_told]
    if not hardly:
        return ""
    rows = f"No row of {quoted(hardly)}" if told.any() else "No label"
    return (
        f"{rows} is called doubtful: a simple classifier (probe), trained without the rows that it is asked about, "
        "hardly tells such rows from others, or they are fewer than "
        f"{LEAST_ROWS}, so that its word against a label says little."
    )
