"""The summary of a run: its figures for programs, in `summary.json`."""

from __future__ import annotations

from typing import Any

from classwright_agents.figures import Round, chosen_by, named
from classwright_agents.outcome import Outcome
from classwright_agents.report.words import SURE_OF_NONE
from classwright_agents.task_file import Metric
from classwright_tools.contract import EvaluateResult, Scores, WriterUsage


def summary(task: str, outcome: Outcome, sure: int | None = None) -> dict[str, Any]:
    """Return what `summary.json` holds of a finished build.

    `sure` is how many of the rows that it was measured on last the best model is sure of; None where
    neither validation nor test rows were given.
    """
    best = outcome.best
    assert best is not None
    assert outcome.stop is not None
    return {
        "task": task,
        "real_training_rows": outcome.real_training_rows,
        "rounds": [_round(item) for item in outcome.rounds],
        "final": _round(outcome.final) if outcome.final else None,
        "best": {
            "model": best.model,
            "dataset": best.dataset,
            "round": best.round,
            "method": best.method,
            "sure_of_rows": sure,
            "validation": {"rows": best.scores.rows, **_scores(best.data, best.scores)},
            "test": _test(outcome.test),
        },
        "stopped": {"cause": outcome.stop.cause, "reason": outcome.stop.reason},
        "decisions": outcome.decisions,
        "driver": {"name": outcome.driver, **_used(outcome.deciding)},
        "writer": _writer(outcome),
        "expected": outcome.expected.model_dump(exclude_none=True) if outcome.expected else None,
        "embedding": {
            "computed": sum(trained.texts_embedded for trained in outcome.trained),
            "reused": sum(trained.texts_reused for trained in outcome.trained),
        },
        "seconds": {**{k: round(v, 2) for k, v in outcome.seconds.items()}, "all": round(outcome.spent.seconds, 2)},
    }


def in_a_line(facts: dict[str, Any], metric: Metric) -> str:
    """Return the result in a summary as a sentence; a target in macro-F1 has that figure first."""
    test = facts["best"]["test"]
    figures = test or facts["best"]["validation"]
    low, high = figures["ci95"]
    first = f"Macro-F1 {figures['macro_f1']:.3f}, accuracy" if metric == "macro_f1" else "Accuracy"
    kind = "test rows" if test else f"{chosen_by(figures['data'])} rows (there were no test rows)"
    limit = f" {facts['writer']['limit']}" if facts["writer"]["limit"] else ""
    bare = f" None of these rows is {named(figures['not_covered'])}." if figures["not_covered"] else ""
    sure = f" {SURE_OF_NONE}" if facts["best"]["sure_of_rows"] == 0 else ""
    return (
        f"{first} {figures['accuracy']:.3f} ({low:.3f} to {high:.3f}) on {figures['rows']} {figures['data']} {kind}, "
        f"{facts['real_training_rows']} real training rows.{bare}{sure}{limit}"
    )


def _round(item: Round) -> dict[str, Any]:
    return {
        "round": item.round,
        "rows": item.rows,
        "method": item.method,
        "model": item.model,
        "dataset": item.dataset,
        "validation": _scores(item.data, item.scores),
        "gain": item.compared
        and {
            "against": item.compared.against,
            "accuracy": item.compared.accuracy_gain.value,
            "macro_f1": item.compared.macro_f1_gain.value,
            "verdict": item.compared.verdict,
        },
    }


def _scores(data: str, scores: Scores) -> dict[str, Any]:
    return {
        "data": data,
        "accuracy": scores.accuracy.value,
        "macro_f1": scores.macro_f1.value,
        "ci95": [scores.accuracy.low, scores.accuracy.high],
        "not_covered": scores.not_covered,
    }


def _test(test: EvaluateResult | None) -> dict[str, Any] | None:
    """Return the figures on the test rows; None for a task without any."""
    return {"rows": test.figures.rows, **_scores(test.data, test.figures)} if test else None


def _writer(outcome: Outcome) -> dict[str, Any]:
    usages = outcome.usages
    return {
        "name": usages[0].writer if usages else None,
        "limit": outcome.writer_limit,
        "completions_reused": sum(usage.completions_reused for usage in usages),
        **_used(usages),
    }


def _used(usages: list[WriterUsage]) -> dict[str, Any]:
    return {
        "requests": sum(usage.requests for usage in usages),
        "tokens": sum(usage.tokens_in + usage.tokens_out for usage in usages),
        "dollars": sum(usage.cost for usage in usages),
    }
