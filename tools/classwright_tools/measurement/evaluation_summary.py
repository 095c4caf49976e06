"""The summary of an evaluation: how good the model is, whether it is better than another, and what to do next."""

from __future__ import annotations

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import ClassFigures
from classwright_tools.learning.training_data import ENOUGH_REAL
from classwright_tools.measurement.caveats import (
    estimate_in_words,
    macro_f1_name,
    quoted,
    scores_in_words,
    sure_of_rows,
)
from classwright_tools.measurement.changed_answers import changes_in_words
from classwright_tools.measurement.circumstances import Circumstances
from classwright_tools.measurement.comparison_words import in_sentences
from classwright_tools.statistics.share_interval import wilson

GOOD = 0.9
"""In the figure that models are judged by, surely (the interval's lower end): a model may be good enough for work."""
OFTEN_CONFUSED = 0.25  # of a label's rows given one other label: the two may be one, or not well described


def evaluation_summary(report: EvaluationReport) -> list[str]:
    """Return the figures in sentences, and the comparison if there is one."""
    scores, labels = report.figures, len(report.labels)
    beside = "" if scores.micro_f1 else f", {macro_f1_name(scores, labels)} {estimate_in_words(scores.macro_f1)}"
    who = f"By {report.stand_in}" if report.stand_in else report.model
    summary = [report.headline, f"{who}: {scores_in_words(scores, labels)}{beside}."]
    summary += filter(None, [_sure_of_test(report)])
    sizes = [
        f"{size.labels or 'none'}: {estimate_in_words(size.right)} of {counted(size.rows, 'row')}"
        for size in report.figures.by_size
    ]
    if len(sizes) > 1:
        summary.append(f"All labels of a row right, by how many it has: {'; '.join(sizes)}.")
    ranked = report.figures.average_precision
    if ranked:
        summary.append(
            f"Average precision of the mismatches: {ranked.value:.3f} ({ranked.low:.3f} to {ranked.high:.3f})"
            f"{report.figures.guessing_ranked_in_words}."
        )
    if report.comparison:
        summary += in_sentences(report.comparison, report.model)
        summary += changes_in_words(report.label_changes, report.changed_rows, report.model, report.comparison.against)
    return summary


def _sure_of_test(report: EvaluationReport) -> str:
    """Return how many of the test rows the model is sure of and labels right; "" of other rows."""
    kept = next((one for one in report.coverage if one.threshold == report.threshold), None)
    if report.split != "test" or kept is None or not report.threshold:
        return ""
    rows = report.figures.rows
    right = kept.accuracy if kept.kept else None
    return sure_of_rows(wilson(kept.kept, rows), rows, right, whole=report.figures.micro_f1 is not None)


def _look(report: EvaluationReport) -> str:
    """Return how to look at the labels that changed between two models, and to undo that; "" where they did not."""
    told = report.comparison.relabelled if report.comparison else None
    if told is None or told.before is None:
        return ""
    back = f"undo={told.version!r}" if told.version else f"revert_to={told.before!r}"
    where = ""
    if not told.version and report.split != "test":  # what else the edits did is not to be taken back with it
        back = "changes=[{'action': 'relabel', 'rows': {'ids': [...]}, 'label': ...}]"
        where = f", where={{'splits': [{report.split!r}]}}"
    return (
        f"First see whether the labels of the {counted(told.rows, 'changed row')} are right: find_examples("
        f"task={report.task!r}, dataset={report.dataset!r}, compare_to={told.before!r}{where}). If not: "
        f"edit_examples(task={report.task!r}, {back}, reason=...). "
    )


def evaluation_next_step(report: EvaluationReport, around: Circumstances) -> str:
    """Return the call that is usually right after; figures that say too little are no ground to export.

    Where edits since did harm, these come first.
    """
    analyse = f"Call error_analysis with model={report.model!r} to see what to write next."
    if around.changed:
        analyse = around.changed
    look = _look(report)
    if report.split == "validation" and not around.can_choose and report.left_out > report.figures.rows:
        return f"Call evaluate with model={report.model!r} and split='test', if there are test rows."
    bare = ""
    if report.figures.not_covered:
        call = f"import_examples(split={report.split!r})"
        bare = f"Bring in {report.split} rows of {quoted(report.figures.not_covered)} with {call}, and measure again."
    if bare and (report.split == "test" or not report.comparison):
        return f"{look}{bare}"
    if report.split == "test":
        return _after_the_test(report, can_choose=around.can_choose)
    return " ".join(filter(None, (_which_to_keep(report, around, look, analyse), bare)))


def _which_to_keep(report: EvaluationReport, around: Circumstances, look: str, analyse: str) -> str:
    """Return which of two models to keep, where they were compared, and the call that is right after."""
    if report.comparison and report.comparison.shared_labels is not None:
        return f"{look}Which of the two to keep depends on the labels that you want. {analyse}"
    verdict = report.comparison.verdict if report.comparison else None
    labelled_on = report.comparison is not None and report.comparison.labels_given is not None
    if report.comparison and (verdict in ("undecided", "trade") or (verdict == "no gain" and labelled_on)):
        advice = report.comparison.advice(report.model, report.figures.rows)
        return f"{look}{advice} {analyse}{_settled(report, around.last)}"
    if report.comparison and verdict == "loss" and around.edits:
        advice = report.comparison.advice(report.model, report.figures.rows)
        return " ".join(filter(None, (advice, around.other_rows, around.edits)))
    if report.comparison and verdict != "gain":
        return f"{look}{_no_gain(report, report.comparison, around)}{_settled(report, around.last)}"
    return f"{look}{analyse}{_settled(report, around.last)}"


def _settled(report: EvaluationReport, last: str) -> str:
    """Return how the model that goes to work is trained, where models were compared and the rows are mostly right."""
    comparison, figures = report.comparison, report.figures
    low = figures.judged_by[1].low
    if report.split != "validation" or report.data != "real" or not comparison or not last:
        return ""
    if low < GOOD or figures.rows < ENOUGH_REAL:
        return ""
    if comparison.verdict in ("trade", "loss") or comparison.relabelled or figures.not_covered:
        return ""
    return (
        f" Where nothing is left to choose, the model that goes to work learns from the validation rows too: {last}. "
        "Then evaluate it on test rows, if there are any, and call export_model."
    )


def _after_the_test(report: EvaluationReport, *, can_choose: bool) -> str:
    """Return what to do with the final figure, by which nothing is chosen."""
    choose = ""
    if report.comparison and can_choose:
        choose = f" Choose by evaluate(model={report.model!r}, against={report.comparison.against!r}) instead."
    final = f"This is the figure to report: to choose by test rows makes it worthless.{choose}"
    figures = report.figures
    if figures.beats_guessing:
        return f"{final} Call export_model with model={report.model!r} if it is good enough."
    _, found, guessed = figures.judged_by
    if found.value > guessed:
        return (
            f"{final} It is not shown to be better than guessing, as too few rows were measured: bring in more with "
            "import_examples(split='test'), and measure again."
        )
    return f"{final} It is too low to rely on. Bring in more rows of {report.weakest[0].label!r}, and train again."


def rows_wanted(weakest: ClassFigures) -> str:
    """Return which rows the `weakest` label wants: by precision and recall, whichever is the lower."""
    if weakest.recall.value <= weakest.precision.value:
        return f"of {weakest.label!r}, the weakest label"
    return (
        f"that are not {weakest.label!r} and might be taken for it, as it is the weakest label and given too often "
        f"(precision {weakest.precision.value:.2f}, recall {weakest.recall.value:.2f})"
    )


def _no_gain(report: EvaluationReport, comparison: Comparison, around: Circumstances) -> str:
    """Return that the other model and its rows are to be kept, on what evidence, and what may help instead."""
    advice = comparison.advice(report.model, report.figures.rows)
    rows = f" {around.other_rows}" if around.other_rows else ""
    merge = ""
    if len(report.labels) > 2 and report.confusions and report.confusions[0].share >= OFTEN_CONFUSED:
        most = report.confusions[0]
        merge = f", clearer descriptions of {most.label!r} and {most.predicted!r}, or one label in place of both"
    tries = f", {around.untried} (train_classifier)" if around.untried else ""
    if report.figures.micro_f1:
        return (
            f"{advice}{rows} Real training rows {rows_wanted(report.weakest[0])} may help more{tries}. error_analysis "
            f"with model={report.model!r} names what is missed and added, and label issues."
        )
    return (
        f"{advice}{rows} Instead of more such rows try real training rows "
        f"of {report.weakest[0].label!r}, the weakest label (import_examples, or annotate_examples of others)"
        f"{tries}{merge}. error_analysis with model={report.model!r} names "
        "groups of rows that hurt, and label issues."
    )
