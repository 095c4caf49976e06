"""The summary of a finished build and the line that it ends with, from figures made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from classwright_agents.report.words import cost_words
from classwright_agents.summary import in_a_line, summary
from classwright_agents.task_file import Metric
from support.agent import finished_outcome, measured, topics, usage


def test_the_summary_tells_the_validation_figure_of_the_best_model_without_test_rows_too() -> None:
    best = summary("support", finished_outcome(test=None))["best"]

    assert best["test"] is None
    assert best["validation"] == {
        "rows": 120,
        "data": "real",
        "accuracy": 0.85,
        "macro_f1": pytest.approx(0.84),
        "ci95": pytest.approx([0.80, 0.90]),
        "not_covered": (),
    }


def test_the_summary_holds_what_programs_read() -> None:
    told = summary("support", finished_outcome())

    assert told["task"] == "support"
    assert told["real_training_rows"] == 0
    assert [(r["round"], r["rows"], r["method"]) for r in told["rounds"]] == [(0, 100, "probe"), (1, 200, "probe")]
    assert set(told["rounds"][0]["validation"]) >= {"accuracy", "macro_f1"}
    assert told["best"]["model"] == "support-m2"
    assert told["best"]["test"]["ci95"] == pytest.approx([0.84, 0.90])
    assert told["writer"] == {
        "name": "recorded",
        "requests": 24,
        "completions_reused": 6,
        "tokens": 7_000,
        "dollars": 0.0,
        "limit": "",
    }
    assert told["seconds"]["all"] == pytest.approx(67.5)


@pytest.mark.parametrize(
    ("metric", "test", "said"),
    [
        (
            "accuracy",
            measured(0.87),
            "Accuracy 0.870 (0.840 to 0.900) on 467 real test rows, 0 real training rows.",
        ),
        ("macro_f1", measured(0.87), "Macro-F1 0.870, accuracy 0.870 (0.840 to 0.900) on 467 real test rows"),
        (
            "accuracy",
            None,
            "Accuracy 0.850 (0.800 to 0.900) on 120 real validation rows (there were no test rows), 0 real",
        ),
    ],
)
def test_the_result_is_said_by_the_targets_metric_with_and_without_test_rows(
    metric: Metric, test: dict[str, Any] | None, said: str
) -> None:
    assert in_a_line(summary("support", finished_outcome(test=test)), metric).startswith(said)


def test_what_the_topics_took_is_counted_with_the_texts() -> None:
    outcome = finished_outcome(topics=topics() | {"usage": usage(1_500) | {"cost": 0.25}})

    assert (outcome.spent.tokens, outcome.spent.dollars) == (8_500, 0.25)
    assert "36 completions for 8,500 tokens, $0.25, 9 of them" in cost_words(outcome)
    told = summary("support", outcome)["writer"]
    assert (told["requests"], told["tokens"], told["dollars"]) == (36, 8_500, 0.25)
