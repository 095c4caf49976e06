"""Sentences of an error analysis beside its findings: the next step, and what its plan does not reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classwright_tools.domain.excerpt import SHORT, counted, listed, shortened
from classwright_tools.domain.task import Task
from classwright_tools.measurement.error_report import ErrorReport
from classwright_tools.measurement.untried import untried
from classwright_tools.workspace.ended_labels import ended_labels, labels_lacking, rows_to_keep
from classwright_tools.workspace.in_use import chooses
from classwright_tools.workspace.workspace import Workspace

WEAK_F1 = 0.7  # of a label that is named to be labelled next
LABELS_LISTED, PAIRS_LISTED = 5, 3
ENOUGH_TEXTS = 200  # unlabelled ones, to pick from: benchmarks/README.md, "The loop", has what labels for 300 are worth


def labels_gained_nothing(workspace: Workspace, task: str) -> str:
    """Return, as a clause, the newest comparison of a model that learnt more annotated rows, if it found no gain.

    Rows that something else brought between the two datasets leave it open what helped: then there is none.
    """
    models = {made.id: made.facts.get("dataset") for made in workspace.artifacts(task, "model")}
    by = {made.id: (made.facts.get("made_by"), made.parent) for made in workspace.artifacts(task, "dataset")}
    for report in workspace.artifacts(task, "report"):
        facts = report.facts
        if not chooses(facts):
            continue
        learnt, before = (models.get(facts[name]) for name in ("model", "against"))
        tools = set()
        while learnt and learnt != before:
            tool, learnt = by.get(learnt, (None, None))
            tools.add(tool)
        if learnt and tools == {"annotate_examples"}:
            if facts["verdict"] not in ("loss", "no gain"):
                return ""
            return f"{facts['model']}, with more labels, {_found(facts['verdict'])} {facts['against']} ({report.id})"
    return ""


def _found(verdict: str) -> str:
    return "is worse than" if verdict == "loss" else "does not gain on"


def keep_the_other(
    workspace: Workspace, model: str, comparison: Mapping[str, Any], report: ErrorReport, texts: int
) -> str:
    """Return that another model is to be kept, if the `comparison` of `model` with it found no gain; and what helps."""
    if comparison.get("verdict") not in ("loss", "no gain"):
        return ""
    against, loss = comparison["against"], _found(comparison["verdict"])
    task = workspace.task(report.task)
    others, pairs = untried(workspace, task, report.dataset), task.kind == "pair"
    instead = "more rows like those" if pairs else "texts by another plan"
    helps = f"Real training rows{f', or {others}' if others else ''}, may help more than {instead}."
    models = {made.id: made.facts for made in workspace.artifacts(report.task, "model")}
    rows = models.get(against, {}).get("dataset")
    if rows and ended_labels(workspace, rows):
        return f"{model} {loss} {against} ({comparison['id']}): keep {against}. {rows_to_keep(workspace, rows)} {helps}"
    if rows and texts >= ENOUGH_TEXTS and not pairs and not labels_gained_nothing(workspace, report.task):
        helps = (
            f"Labels for some of the {texts:,} unlabelled texts are worth more than texts by another plan: "
            f"annotate_examples(task={report.task!r}, dataset={rows!r})."
        )
    lacking = labels_lacking(workspace, rows) if rows else ""
    return f"{model} {loss} {against} ({comparison['id']}): keep {against} and its rows.{lacking} {helps}"


def analysis_next_step(
    report: ErrorReport, plan: str | None, task: Task, *, texts: int, labels_gained_nothing: str
) -> str:
    """Return the call that is usually right after; labels for `texts` go before a plan, and pairs have none.

    That labels gained nothing in this task says a clause, which is empty where no comparison found it so.
    """
    pairs = task if task.kind == "pair" else None
    if plan and labels_gained_nothing:
        return (
            f"Call synthesize_examples with plan={plan!r}, then train_classifier on the new dataset. Labels for more "
            f"unlabelled texts are not advised as they were given: {labels_gained_nothing}. See first that they mean "
            "what those of the validation rows mean."
        )
    if plan and texts >= ENOUGH_TEXTS:
        return (
            f"Call annotate_examples with task={report.task!r} and dataset={report.dataset!r}: labels for some of its "
            f"{texts:,} unlabelled texts are worth more than a round of written ones. Or call synthesize_examples with "
            f"plan={plan!r}{_topics_first(report)}. Then train_classifier on the new dataset."
            f"{_label_next(report, task)}"
        )
    if plan:
        return (
            f"Call synthesize_examples with plan={plan!r}{_topics_first(report)}, then train_classifier on the new "
            "dataset."
        )
    if pairs:
        return (
            f"There are no plans for pairs: {_for_pairs(report, pairs)} All rows of whose label {report.model} is in "
            f"doubt: find_examples(task={report.task!r}, dataset={report.dataset!r}, doubt='disagrees', "
            f"model={report.model!r})."
        )
    if report.cannot_know:
        call = "import_examples(split='validation')"
        if texts:
            call += f" or annotate_examples(task={report.task!r}, dataset={report.dataset!r}, split='validation')"
        return (
            f"There is no plan to follow. Bring in real validation rows of each label with {call}: errors of others "
            "cannot be seen."
        )
    return f"There is no plan to follow. Call export_model with model={report.model!r}, or look at the report."


def _for_pairs(report: ErrorReport, task: Task) -> str:
    """Return what brings the pairs that a model lacks: those that it errs on more, matches or mismatches."""
    written = f"call synthesize_examples with task={report.task!r}, which writes mismatches"
    if task.mismatch is None:
        return f"name the mismatch, {task.naming_mismatch}, then {written}."
    if task.mismatch not in report.labels:
        return f"{written}."
    place, matrix = report.labels.index(task.mismatch), report.confusion_matrix
    missed = sum(matrix[place]) - matrix[place][place]
    hidden = sum(row[place] for row in matrix) - matrix[place][place]
    found = f"{counted(missed, 'mismatch was', 'mismatches were')} missed and {hidden:,} that fit were called one: "
    if missed >= hidden:
        return f"{found}{written}; `guidance` says what is to be wrong."
    return (
        f"{found}bring in real pairs that fit, by import_examples, or unlabelled ones such as purchases for "
        "train_classifier(unlabelled_as=...)."
    )


def _topics_first(report: ErrorReport) -> str:
    """Return the call that comes before the plan, where labels in it have no topics and others do; else ""."""
    bare = dict.fromkeys(repr(one.label) for one in report.plan_items if not (one.cells or one.contrast))
    if not bare or not any(one.cells for one in report.plan_items):
        return ""
    have = "has" if len(bare) == 1 else "have"
    return (
        f" (first propose_topics(task={report.task!r}, topics=[...]) for {listed(bare, LABELS_LISTED)}, which {have} "
        "none: texts vary by them)"
    )


def _label_next(report: ErrorReport, task: Task) -> str:
    """Return which label lacks rows most, and the call that brings unlabelled texts which may be of it."""
    weakest = next((one for one in report.classes if one.f1.value < WEAK_F1), None)
    label = next((one for one in task.labels if weakest and one.name == weakest.label), None)
    if weakest is None or label is None:
        return ""
    sought = shortened(label.description, SHORT) or label.name
    like = f"where={{'splits': ['unlabelled']}}, like={{'text': {sought!r}}}"
    return (
        f" Of one label: {label.name!r} is found worst (F1 {weakest.f1.value:.2f}), and find_examples(task="
        f"{report.task!r}, dataset={report.dataset!r}, {like}) brings the unlabelled texts nearest to what it means."
    )


def in_sets(report: ErrorReport) -> str:
    """Return what the errors are where rows may have several labels."""
    if not report.several:
        return ""
    missed, added = (sum(getattr(one, name) for one in report.label_errors) for name in ("missed", "added"))
    often = listed((f"{pair.label} + {pair.other}" for pair in report.together), 2)
    said = f"{counted(missed, 'label was', 'labels were')} missed and {added} added."
    return said + (f" Given together too often: {often}." if often else "")


def left_out(report: ErrorReport) -> str:
    """Return the sentence about the confused pairs, or the kinds of error, that the plan does not reach."""
    if not report.pairs_left_out:
        return ""
    one, many = ("kind of error", "kinds of error") if report.several else ("confused pair", "confused pairs")
    get = "gets" if report.pairs_left_out == 1 else "get"
    return (
        f"{counted(report.pairs_left_out, one, many)} with {counted(report.errors_left_out, 'error')} {get} no texts: "
        f"allow for more with `rows`.{_passed_over(report)}"
    )


def _passed_over(report: ErrorReport) -> str:
    """Return which pairs label shares put behind others, and how to write for them; "" if they do not."""
    if not report.passed_over:
        return ""
    pairs = counted(len(report.passed_over), "of them comes", "of them come")
    named = listed((f"{one!r} and {other!r}" for one, other in report.passed_over), PAIRS_LISTED)
    labels = dict.fromkeys(label for pair in report.passed_over[:PAIRS_LISTED] for label in pair)
    return (
        f" {pairs} behind others since errors are weighed by the label shares that {report.model} decides for: "
        f"{named}. To write for such labels all the same: synthesize_examples(task={report.task!r}, "
        f"labels={[*labels]}). Where rare labels matter as much as others, as for macro-F1: "
        "propose_topics(expected_shares=...) with equal ones, and train again."
    )
