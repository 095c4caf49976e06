"""A report in a few sentences, for who decides about a classifier and knows no figures of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classwright_tools.domain.comparison import Comparison, Verdict
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import Data
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.figures import ClassFigures, Estimate
from classwright_tools.measurement.caveats import FEW_ROWS

if TYPE_CHECKING:
    from classwright_tools.measurement.error_report import ErrorReport

WEAKEST = 3
WIDE = 0.2
"""An interval of more than twenty points says little."""
_TEXTS: dict[Data, str] = {
    "real": "real texts",
    "annotated": "real texts, of which a model labelled some or all,",
    "written": "written texts",
    "mixed": "real and other texts",
}
_VERDICTS: dict[Verdict, str] = {
    "gain": "It is better than {} by more than chance in {}",
    "loss": "It is worse than {} by more than chance in {}",
    "trade": "Which is better, it or {}, is for a person to decide",
    "undecided": "Whether it is better than {} these rows do not tell",
    "no gain": "Nothing shows that it is better than {}",
}


def evaluation_in_short(report: EvaluationReport) -> str:
    """Return what an evaluation says."""
    figures = report.figures
    sets = figures.guessing_sets
    whole = "" if sets is None else ", with all their labels and no other"
    kept = next((row for row in report.coverage if row.threshold == report.threshold and 0 < row.share < 1), None)
    guessed = figures.guessing if sets is None else sets
    return _joined(
        f"Of {_base(figures.rows)} {_TEXTS[report.data]} {report.stand_in or 'the model'} labels "
        f"{_among(figures.accuracy, figures.rows)} right{whole}; to give all the most frequent "
        f"{'label' if sets is None else 'set of labels'} would be right for {guessed * _base(figures.rows):.0f}.",
        _few(figures.accuracy, figures.rows),
        f"Where it is unsure, {_whole(1 - kept.share)} in 100, it can leave the text to a person: of "
        f"{_base(kept.kept)} that it then answers itself it labels {_among(kept.accuracy, kept.kept)} right."
        if kept
        else "",
        _weakest(report.weakest),
        _compared(report.comparison) if report.comparison else "",
    )


def _compared(found: Comparison) -> str:
    """Return which of two models is better, and in which figures: that may be one of a single label."""
    measure, gain = found.measure
    gains = {measure: gain, **found.others}
    beyond = [name for name, gain in gains.items() if found.sign_of(gain)]
    return f"{_VERDICTS[found.verdict].format(found.against, listed(beyond, len(beyond)))}."


def errors_in_short(report: ErrorReport) -> str:
    """Return what an error analysis says, and what can be done."""
    right = report.accuracy
    wrong = Estimate(value=1 - right.value, low=1 - right.high, high=1 - right.low)
    pair = next(iter(report.confused_pairs), None)
    texts = sum(item.count for item in report.plan_items)
    label = next(iter(report.label_errors), None)
    return _joined(
        f"Of {_base(report.rows)} {_TEXTS[report.data]} {_among(wrong, report.rows)} are "
        f"{'not given exactly their labels' if report.several else 'labelled wrong'}.",
        _few(right, report.rows),
        f"The label with the most errors, {label.label}, is missed in {label.missed} of "
        f"{counted(label.rows, 'row that has', 'rows that have')} it, and added to {counted(label.added, 'other')}."
        if label
        else "",
        f"The most frequent error: {pair.label} is taken for {pair.predicted} ({pair.count} of {report.errors} errors)."
        if pair and not report.several
        else "",
        _weakest(report.classes),
        report.doubted,
        f"A plan for {counted(texts, 'text')} against these errors is at the end." if texts else "",
    )


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _whole(share: float) -> str:
    return f"{100 * share:.0f}"


def _base(rows: int) -> int:
    """Return of how many texts a share of so many rows is told: a hundred, or as many as there are if they are few."""
    return rows if rows < FEW_ROWS else 100


def _among(share: Estimate, rows: int) -> str:
    """Return of how many among these a share is, with its interval."""
    interval = f"{_whole(share.low)} to {_whole(share.high)}"
    if rows < FEW_ROWS:
        return f"{share.value * rows:.0f} ({interval} in 100)"
    return f"about {_whole(share.value)} ({interval})"


def _few(share: Estimate, rows: int) -> str:
    wide = share.high - share.low > WIDE
    return f"With {counted(rows, 'row')} this cannot be said more exactly: more rows would tell." if wide else ""


def _weakest(classes: Sequence[ClassFigures]) -> str:
    """Return which labels fare worst, of `classes` from the lowest F1 on; of few labels it is not most of them."""
    most = min(WEAKEST, len(classes) // 2)
    weak = [figures.label for figures in classes[:most] if figures.f1.value < 1]
    return f"It does worst with {', '.join(weak)}." if weak else ""
