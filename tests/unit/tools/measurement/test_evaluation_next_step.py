"""The step after an evaluation: what is told of the model to keep, and of figures that say too little."""

from __future__ import annotations

from typing import Any

import pytest

from classwright_tools.measurement.caveats import against_guessing
from classwright_tools.measurement.circumstances import Circumstances
from classwright_tools.measurement.evaluation_summary import evaluation_next_step
from classwright_tools.measurement.rows_since import RowsLost
from support.agent import around, compared, evaluation_report, measured

AROUND = Circumstances(
    RowsLost("", "", ""),
    other_rows="",
    edits="See what was edited since.",
    changed="",
    untried="",
    last="train_classifier(task='support')",
    can_choose=True,
)


@pytest.mark.parametrize(
    ("gain", "told"), [(-0.2, "Worse than before: keep support-m1."), (0.01, "Undecided: keep support-m2")]
)
def test_a_label_without_rows_does_not_hide_which_model_to_keep(gain: float, told: str) -> None:
    report = evaluation_report(
        split="validation",
        comparison=compared(gain, significant=gain < 0),
        figures=measured(0.95, 120, not_covered=["account"])["figures"],
    )

    step = evaluation_next_step(report, AROUND)

    assert step.startswith(told)
    assert step.endswith(
        "Bring in validation rows of 'account' with import_examples(split='validation'), and measure again."
    )
    assert "export_model" not in step
    assert ("See what was edited since." in step) == (gain < 0)


def scores(**more: Any) -> dict[str, Any]:
    return measured(0.75, 20)["figures"] | more


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (scores(guessing=0.73), "as too few rows were measured: bring in more with import_examples(split='test')"),
        (scores(guessing=0.8), "It is too low to rely on."),
        (scores(guessing=0.95, average_precision=around(0.9), guessing_ranked=0.05), "Call export_model"),
        (scores(guessing=0.6, average_precision=around(0.1), guessing_ranked=0.4), "It is too low to rely on."),
    ],
)
def test_after_a_test_too_few_rows_and_too_low_a_figure_are_told_apart(figures: dict[str, Any], told: str) -> None:
    report = evaluation_report(figures=figures)

    assert told in evaluation_next_step(report, AROUND)
    assert (against_guessing(report.figures) == "") == report.figures.beats_guessing


def test_pairs_are_judged_by_how_mismatches_are_ranked_and_not_by_the_accuracy() -> None:
    ranked = scores(guessing=0.95, average_precision=around(0.1), guessing_ranked=0.2)

    assert against_guessing(evaluation_report(figures=ranked).figures) == (
        "The average precision of the mismatches is no better than guessing: to rank these rows at random reaches "
        "0.200."
    )
