"""The summary of a run: its figures for programs, in `summary.json`."""

from __future__ import annotations

from typing import Any

from classwright_agents.build import Outcome
from classwright_agents.figures import Round, labels_not_covered, named
from classwright_agents.task_file import Metric


def summary(task: str, outcome: Outcome) -> dict[str, Any]:
    """Return what `summary.json` holds of a finished build."""
    best = outcome.best
    assert best is not None
    assert outcome.stop is not None
    return {
        "task": task,
        "real_training_rows": max(t["real_training_rows"] for t in outcome.trained),
        "rounds": [_round(item) for item in outcome.rounds],
        "final": _round(outcome.final) if outcome.final else None,
        "best": {
            "model": best.model,
            "dataset": best.dataset,
            "round": best.round,
            "method": best.method,
            "validation": {"rows": outcome.validation_figures(best.model)["rows"], **_validation(best)},
            "test": _test(outcome.test),
        },
        "stopped": {"cause": outcome.stop.cause, "reason": outcome.stop.reason},
        "decisions": outcome.decisions,
        "writer": _writer(outcome),
        "embedding": {
            "computed": sum(t["texts_embedded"] for t in outcome.trained),
            "reused": sum(t["texts_reused"] for t in outcome.trained),
        },
        "seconds": {**{k: round(v, 2) for k, v in outcome.seconds.items()}, "all": round(outcome.spent.seconds, 2)},
    }


def in_a_line(told: dict[str, Any], metric: Metric) -> str:
    """Return the result in a summary as a sentence; a target in macro-F1 has that figure first."""
    test = told["best"]["test"]
    figures = test or told["best"]["validation"]
    low, high = figures["ci95"]
    first = f"Macro-F1 {figures['macro_f1']:.3f}, accuracy" if metric == "macro_f1" else "Accuracy"
    kind = "test rows" if test else "validation rows (there were no test rows)"
    bare = f" None of these rows is {named(figures['not_covered'])}." if figures["not_covered"] else ""
    return (
        f"{first} {figures['accuracy']:.3f} ({low:.3f} to {high:.3f}) on {figures['rows']} {figures['data']} {kind}, "
        f"{told['real_training_rows']} real training rows.{bare}"
    )


def _round(item: Round) -> dict[str, Any]:
    return {
        "round": item.round,
        "rows": item.rows,
        "method": item.method,
        "model": item.model,
        "dataset": item.dataset,
        "validation": _validation(item),
        "gain": item.gain
        and {
            "against": item.gain.against,
            "accuracy": item.gain.accuracy.value,
            "macro_f1": item.gain.macro_f1.value,
            "significant": item.gain.significant,
        },
    }


def _validation(item: Round) -> dict[str, Any]:
    """Return the figures on validation rows, or on the training's held-out rows where the task has none."""
    accuracy = item.accuracy
    return {
        "data": item.data,
        "accuracy": accuracy.value,
        "macro_f1": item.macro_f1.value,
        "ci95": [accuracy.low, accuracy.high],
        "not_covered": item.not_covered,
    }


def _test(test: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the figures on the test rows; None for a task without any."""
    if test is None:
        return None
    accuracy, macro_f1 = test["figures"]["accuracy"], test["figures"]["macro_f1"]
    return {
        "data": test["data"],
        "rows": test["figures"]["rows"],
        "accuracy": accuracy["value"],
        "macro_f1": macro_f1["value"],
        "ci95": [accuracy["low"], accuracy["high"]],
        "not_covered": labels_not_covered(test["figures"]),
    }


def _writer(outcome: Outcome) -> dict[str, Any]:
    usages = outcome.usages
    return {
        "name": usages[0]["writer"] if usages else None,
        "requests": sum(u["requests"] for u in usages),
        "completions_reused": sum(u["completions_reused"] for u in usages),
        "tokens": outcome.spent.tokens,
        "dollars": outcome.spent.dollars,
    }
