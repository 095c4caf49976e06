"""What the agent's tests share: a small task, figures made by hand, and a server whose tools are scripted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from classwright_agents.answers import TopicsResult
from classwright_agents.figures import Round
from classwright_agents.moves import Stop
from classwright_agents.outcome import Imported, Outcome
from classwright_agents.task_file import LabelEntry, TaskFile
from classwright_tools.contract import (
    Comparison,
    ErrorAnalysisResult,
    Estimate,
    EvaluateResult,
    EvaluationReport,
    ExportModelResult,
    Scores,
    SynthesizeExamplesResult,
    TrainClassifierResult,
    WriterUsage,
)
from classwright_tools.domain.gains import TestedGain

LABELS = ("refund", "delivery", "account")


def small_task(**changes: Any) -> TaskFile:
    """Return a task with three labels."""
    fields: dict[str, Any] = {
        "task": "support",
        "instruction": "Classify a message to a shop's support.",
        "labels": tuple(LabelEntry(name=name) for name in LABELS),
        "target": {"accuracy": 0.95},
    }
    return TaskFile.model_validate(fields | changes)


def around(value: float, half: float = 0.05) -> Estimate:
    """Return an estimate with an interval around it."""
    return Estimate(value=value, low=max(0.0, value - half), high=min(1.0, value + half))


def difference(value: float) -> Estimate:
    """Return a gain or loss with an interval around it."""
    return Estimate(value=value, low=value - 0.05, high=value + 0.05)


def scores(
    accuracy: float, macro_f1: float | None = None, rows: int = 120, half: float = 0.05, **more: Any
) -> dict[str, Any]:
    """Return figures as a tool's result has them; the macro-F1 is the accuracy if none is given."""
    found = around(accuracy, half)
    mean = found if macro_f1 is None else around(macro_f1, half)
    return Scores(rows=rows, accuracy=found, balanced_accuracy=found, macro_f1=mean, **more).model_dump(mode="json")


def compared(accuracy_gain: float, *, significant: bool = False, macro_f1_gain: float | None = None) -> Comparison:
    """Return a comparison with another model; the gain in macro-F1 is that in accuracy if none is given."""
    return Comparison(
        against="support-m1",
        accuracy_gain=difference(accuracy_gain),
        macro_f1_gain=TestedGain(**difference(accuracy_gain if macro_f1_gain is None else macro_f1_gain).model_dump()),
        only_this_right=9,
        only_other_right=3,
        p=0.01 if significant else 0.4,
        significant=significant,
    )


def make_round(
    number: int,
    accuracy: float,
    *,
    gain: float | None = None,
    significant: bool = False,
    macro_f1: float | None = None,
    macro_f1_gain: float | None = None,
    not_covered: tuple[str, ...] = (),
    guessing: float = 0.0,
    **changes: Any,
) -> Round:
    """Return a round with this validation accuracy, and its gain on the best before it, in macro-F1 alike if not given.

    The intervals reach 0.05 to each side.
    """
    gained = None if gain is None else compared(gain, significant=significant, macro_f1_gain=macro_f1_gain)
    mean = accuracy - 0.01 if macro_f1 is None else macro_f1
    found = scores(accuracy, mean, not_covered=not_covered, guessing=guessing)
    fields: dict[str, Any] = {
        "round": number,
        "rows": 100 * (number + 1),
        "written": 100,
        "method": "probe",
        "model": f"support-m{number + 1}",
        "dataset": f"support-d{number + 2}",
        "data": "real",
        "scores": Scores.model_validate(found),
        "seconds": 30.0,
        "compared": gained,
        "best_before": None if number == 0 else accuracy - (gain or 0.0),
    }
    return Round(**(fields | changes))


REMARK = "file 'v.csv': 2 of 122 rows are left out: line 3: no text; line 9: no text"
"""What is told of the file of the finished outcome's rows."""
TOLD: dict[str, Any] = {"summary": "", "next_step": "Go on."}
"""What every result tells."""


def usage(tokens: int = 0) -> dict[str, Any]:
    """Return the usage of a writing step."""
    return {
        "writer": "recorded",
        "requests": 12,
        "completions_reused": 3,
        "tokens_in": tokens,
        "tokens_out": 0,
        "cost": 0.0,
        "estimated_tokens": 0,
    }


def topics(tokens: int = 0) -> dict[str, Any]:
    """Return the result of proposing topics."""
    made = {"task": "support", "task_version": 1, "topic_tree": "support-t1", "cells": 6, "labels": []}
    return TOLD | made | {"usage": usage(tokens)}


def imported(rows: int = 1, dataset: str | None = "support-d0", skipped: int = 0) -> dict[str, Any]:
    """Return the result of importing rows of one label."""
    return TOLD | {
        "dataset": dataset,
        "read": rows + skipped,
        "imported": rows,
        "splits": {"validation": rows},
        "labels": {"refund": rows},
        "skipped": {"near-duplicate of a test row": skipped} if skipped else {},
    }


def written(round_: int, tokens: int = 0) -> dict[str, Any]:
    """Return the result of a writing step."""
    return TOLD | {
        "dataset": f"support-d{round_ + 2}",
        "wanted": 105,
        "accepted": 100,
        "rows": 100 * (round_ + 1),
        "refused": {"near-duplicate": 4, "too short": 1},
        "refusals": [{"text": "where is it?", "label": "delivery", "reason": "near-duplicate: of another row"}],
        "missing": [
            {
                "cell": {"label": "refund", "topic": "shoes", "subtopic": "too small", "source_type": "email"},
                "contrast": None,
                "missing": 5,
                "reason": "the writer gave fewer texts than asked",
            }
        ],
        "usage": usage(tokens),
    }


def trained(model: str = "support-m1", dataset: str = "support-d1", **more: Any) -> dict[str, Any]:
    """Return the result of a training step; `more` is told of its figures."""
    return TOLD | {
        "model": model,
        "dataset": dataset,
        "method": "probe",
        "training_rows": 100,
        "real_training_rows": 0,
        "validation": {"data": "written"} | scores(0.9, rows=30) | more,
        "temperature": 1.0,
        "threshold": 0.5,
        "texts_embedded": 100,
        "texts_reused": 20,
        "seconds": 1.0,
    }


def measured(
    accuracy: float, rows: int = 467, not_covered: Sequence[str] = (), macro_f1: float | None = None
) -> dict[str, Any]:
    """Return the result of an evaluation, on rows without the labels `not_covered`."""
    more = {"weighted_f1": around(accuracy).model_dump(), "mcc": around(accuracy).model_dump()}
    figures = scores(accuracy, macro_f1, rows, 0.03, not_covered=tuple(not_covered)) | more
    return TOLD | {
        "data": "real",
        "model": "support-m1",
        "dataset": "support-d1",
        "report": "support-r1",
        "left_out": 0,
        "figures": figures | {"log_loss": 0.3, "calibration_error": 0.02},
        "classes": [],
        "confusions": [],
        "comparison": None,
        "texts_per_second": None,
    }


def analysed(model: str = "support-m2", plan: str | None = "support-p1", **found: Any) -> dict[str, Any]:
    """Return the result of an error analysis, which found nothing if `found` does not say what."""
    lists = ("weak_classes", "confused_pairs", "label_issues", "clusters", "cells", "style", "plan_items")
    about = {"data": "real", "cannot_know": "", "model": model, "dataset": "support-d1", "report": "support-r4"}
    return TOLD | about | {"plan": plan, "errors": 3, "rows": 120} | {name: [] for name in lists} | found


def exported() -> dict[str, Any]:
    """Return the result of an export."""
    return TOLD | {"model": "support-m2", "export": "support-x1", "files": []}


def findings() -> dict[str, Any]:
    """Return what an error analysis found, as far as the report shows it."""
    return {
        "confused_pairs": [
            {"label": "refund", "predicted": "delivery", "count": 3, "examples": ["my money and my parcel?"]}
        ],
        "clusters": [{"name": "money, parcel", "errors": 3, "labels": {"refund": 3}, "examples": ["my money?"]}],
        "style": [
            {
                "measure": "share of long texts",
                "label": None,
                "written": {"value": 0.8, "low": 0.7, "high": 0.9},
                "real": {"value": 0.45, "low": 0.4, "high": 0.5},
                "differs": True,
                "reading": "written texts are longer",
            }
        ],
    }


def finished_outcome(**changes: Any) -> Outcome:
    """Return what a build found out, of two rounds if `rounds` gives no others, the last of which is the best.

    Results of tools are given as a server tells them.
    """
    rounds = changes.get("rounds", [make_round(0, 0.78), make_round(1, 0.85, gain=0.07, significant=True)])
    fields: dict[str, Any] = {
        "driver": "coach",
        "rounds": rounds,
        "topics": None,
        "written": [written(0, 5_000), written(1, 2_000)],
        "trained": [trained(r.model) for r in rounds],
        "measured": {r.model: measured(r.scores.accuracy.value, 120) for r in rounds},
        "decisions": ["Validation accuracy 0.780 is below the target.", "All 2 rounds are done."],
        "stop": Stop(cause="max_rounds", reason="2 rounds that the task allows are done."),
        "best": rounds[-1],
        "test": measured(0.87),
        "analysis": analysed(**findings()),
        "export": exported(),
        "imported": {"validation": Imported(rows=120, skipped=Counter({"no text": 2}), remark=REMARK)},
        "seconds": {"topics": 0.5, "write": 4.0, "train": 60.0, "measure": 3.0},
    } | changes
    one = {
        "topics": TopicsResult,
        "test": EvaluateResult,
        "analysis": ErrorAnalysisResult,
        "export": ExportModelResult,
    }
    many = {"written": SynthesizeExamplesResult, "trained": TrainClassifierResult, "lost": WriterUsage}
    for name, model in one.items():
        fields[name] = fields[name] and model.model_validate(fields[name])
    for name, model in many.items():
        fields[name] = [model.model_validate(told) for told in fields.get(name, ())]
    fields["measured"] = {name: EvaluateResult.model_validate(told) for name, told in fields["measured"].items()}
    return Outcome(**fields)


def evaluation_report(labels: Sequence[str] = LABELS, **changes: Any) -> EvaluationReport:
    """Return the report of an evaluation on three labels."""
    values = (0.91, 0.93, 0.99)
    fields: dict[str, Any] = {
        "data": "real",
        "task": "support",
        "model": "support-m2",
        "dataset": "support-d1",
        "split": "test",
        "labels": labels,
        "warnings": ["These test rows were used before."],
        "figures": measured(0.95, 120)["figures"],
        "confusion_matrix": [[36, 3, 1], [2, 38, 0], [0, 0, 40]],
        "classes": [
            {"label": name, "support": 40} | dict.fromkeys(("precision", "recall", "f1"), around(value).model_dump())
            for name, value in zip(labels, values, strict=False)
        ],
        "confusions": [{"label": labels[0], "predicted": labels[1], "count": 3, "share": 0.075}],
        "reliability": [],
        "coverage": [],
        "threshold": 0.5,
        "comparison": None,
        "surest_errors": [],
        "texts_per_second": None,
    }
    return EvaluationReport.model_validate(fields | changes)


class ScriptedServer:
    """A real MCP server whose jobs finish after a number of looks; it counts what it was asked."""

    def __init__(self, looks: int = 2, queued: int = 0) -> None:
        """Jobs wait for the first `queued` looks."""
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.polls = 0
        self._looks_left: dict[str, int] = {}
        self._looks = looks
        self._queued = queued
        self.mcp = MCPServer("scripted")
        self.mcp.add_tool(self.train_classifier)
        self.mcp.add_tool(self.classify)
        self.mcp.add_tool(self.get_job)
        self.mcp.add_tool(self.cancel_job)
        self.mcp.add_tool(self.list_jobs)

    def train_classifier(self, task: str, wait_seconds: int = 20) -> dict[str, Any]:  # noqa: ARG002  # as the real tools have it
        """Start a job."""
        if task == "unknown":
            raise ToolError("task 'unknown': does not exist. Call propose_topics first.")
        job_id = f"job_{len(self._looks_left)}"
        self.started.append(job_id)
        self._looks_left[job_id] = self._looks
        return self._view(job_id)

    def classify(self, texts: list[str]) -> dict[str, Any]:
        """Answer at once."""
        self.started.append("classify")
        return {"results": [text.upper() for text in texts]}

    def get_job(self, job_id: str, wait_seconds: int = 20) -> dict[str, Any]:  # noqa: ARG002  # as the real tools have it
        """Look at a job, which brings it nearer to its end."""
        if job_id not in self._looks_left:
            raise ToolError(f"job {job_id!r}: does not exist. Call list_jobs.")
        self.polls += 1
        self._looks_left[job_id] -= 1
        return self._view(job_id)

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Note that a job was cancelled."""
        self.cancelled.append(job_id)
        return self._view(job_id)

    def list_jobs(self) -> dict[str, Any]:
        """Return the jobs, newest first."""
        return {"jobs": [{"job_id": job_id, "tool": "train_classifier"} for job_id in reversed(self._looks_left)]}

    def _view(self, job_id: str) -> dict[str, Any]:
        done = self._looks_left[job_id] <= 0
        waits = self._looks_left[job_id] > self._looks - self._queued
        status = "cancelled" if job_id in self.cancelled else "completed" if done else "queued" if waits else "running"
        return {
            "job_id": job_id,
            "tool": "train_classifier",
            "status": status,
            "progress": 1.0 if done else 0.5,
            "message": "in the queue" if waits else "training",
            "result": {"model": f"model of {job_id}", "usage": usage(500)} if done else None,
            "error": None,
            "usage": usage(700) if status == "cancelled" else {},
            "shown_in_part": {},
            "summary": "",
            "next_step": "",
        }
