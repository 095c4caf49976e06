"""What the agent's tests share: a small task, figures made by hand, and a server whose tools are scripted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from classwright_agents.build import Outcome
from classwright_agents.coach import Stop
from classwright_agents.figures import Estimate, Gain, Round
from classwright_agents.task_file import LabelEntry, TaskFile

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
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))


def difference(value: float) -> Estimate:
    """Return a gain or loss with an interval around it."""
    return Estimate(value, value - 0.05, value + 0.05)


def estimate(value: float, half: float = 0.05) -> dict[str, float]:
    """Return an estimate as a tool's result has it."""
    made = around(value, half)
    return {"value": made.value, "low": made.low, "high": made.high}


def make_round(
    number: int,
    accuracy: float,
    *,
    gain: float | None = None,
    significant: bool = False,
    macro_f1_gain: float | None = None,
) -> Round:
    """Return a round with this validation accuracy, and its gain on the best before it, in macro-F1 alike if not given.

    The intervals reach 0.05 to each side.
    """
    gained = None
    if gain is not None:
        gained = Gain(
            "support-m1",
            difference(gain),
            difference(gain if macro_f1_gain is None else macro_f1_gain),
            0.01 if significant else 0.4,
            significant,
        )
    return Round(
        round=number,
        rows=100 * (number + 1),
        written=100,
        method="probe",
        model=f"support-m{number + 1}",
        dataset=f"support-d{number + 2}",
        data="real",
        accuracy=around(accuracy),
        macro_f1=around(accuracy - 0.01),
        seconds=30.0,
        gain=gained,
        best_before=None if number == 0 else accuracy - (gain or 0.0),
    )


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


def written(round_: int, tokens: int = 0) -> dict[str, Any]:
    """Return the result of a writing step."""
    return {
        "round": round_,
        "dataset": f"support-d{round_ + 2}",
        "wanted": 105,
        "accepted": 100,
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


def trained(model: str = "support-m1") -> dict[str, Any]:
    """Return the result of a training step."""
    return {
        "model": model,
        "real_training_rows": 0,
        "texts_embedded": 100,
        "texts_reused": 20,
        "validation": {
            "data": "written",
            "rows": 30,
            "accuracy": estimate(0.9),
            "macro_f1": estimate(0.9),
            "not_covered": [],
        },
    }


def measured(accuracy: float, split: str, rows: int = 467, not_covered: Sequence[str] = ()) -> dict[str, Any]:
    """Return the result of an evaluation, on rows without the labels `not_covered`."""
    return {
        "data": "real",
        "report": "support-r1",
        "figures": {
            "rows": rows,
            "accuracy": estimate(accuracy, 0.03),
            "macro_f1": estimate(accuracy, 0.03),
            "not_covered": list(not_covered),
        },
        "comparison": None,
        "split": split,
    }


def finished_outcome(**changes: Any) -> Outcome:
    """Return what a build found out, of two rounds if `rounds` gives no others, the last of which is the best."""
    rounds = changes.get("rounds", [make_round(0, 0.78), make_round(1, 0.85, gain=0.07, significant=True)])
    fields: dict[str, Any] = {
        "rounds": rounds,
        "written": [written(0, 5_000), written(1, 2_000)],
        "trained": [trained(r.model) for r in rounds],
        "measured": {r.model: measured(r.accuracy.value, "validation", 120) for r in rounds},
        "decisions": ["Validation accuracy 0.780 is below the target.", "All 2 rounds are done."],
        "stop": Stop("max_rounds", "All 2 rounds that the task allows are done."),
        "best": rounds[-1],
        "test": measured(0.87, "test"),
        "analysis": {"report": "support-r4", "model": "support-m2", **analysis()},
        "export": {"export": "support-x1"},
        "imported": {"validation": {"imported": 120, "skipped": {"no text": 2}, "examples": []}},
        "seconds": {"topics": 0.5, "write": 4.0, "train": 60.0, "measure": 3.0},
    }
    return Outcome(**(fields | changes))


def analysis() -> dict[str, Any]:
    """Return the lists of an error analysis that the report shows."""
    return {
        "confused_pairs": [
            {"label": "refund", "predicted": "delivery", "count": 3, "examples": ["my money and my parcel?"]}
        ],
        "clusters": [{"name": "money, parcel", "errors": 3, "labels": {"refund": 3}, "examples": ["my money?"]}],
        "style": [
            {
                "measure": "mean words",
                "written": {"value": 80.0, "low": 70.0, "high": 90.0},
                "real": {"value": 45.0, "low": 40.0, "high": 50.0},
                "differs": True,
                "reading": "written texts are longer",
            }
        ],
    }


def evaluation_report() -> dict[str, Any]:
    """Return the `report.json` of an evaluation on three labels."""

    def figures(name: str, value: float) -> dict[str, Any]:
        return {
            "label": name,
            "precision": estimate(value),
            "recall": estimate(value),
            "f1": estimate(value),
            "support": 40,
        }

    return {
        "data": "real",
        "split": "test",
        "warnings": ["These test rows were used before."],
        "labels": list(LABELS),
        "figures": {"rows": 120},
        "confusion_matrix": [[36, 3, 1], [2, 38, 0], [0, 0, 40]],
        "classes": [figures(name, value) for name, value in zip(LABELS, (0.91, 0.93, 0.99), strict=True)],
        "confusions": [{"label": "refund", "predicted": "delivery", "count": 3, "share": 0.075}],
    }


class ScriptedServer:
    """A real MCP server whose jobs finish after a number of looks; it counts what it was asked."""

    def __init__(self, looks: int = 2) -> None:
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.polls = 0
        self._looks_left: dict[str, int] = {}
        self._looks = looks
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
        status = "cancelled" if job_id in self.cancelled else "completed" if done else "running"
        return {
            "job_id": job_id,
            "tool": "train_classifier",
            "status": status,
            "progress": 1.0 if done else 0.5,
            "message": "training",
            "result": {"model": f"model of {job_id}", "usage": usage(500)} if done else None,
            "error": None,
            "usage": usage(700) if status == "cancelled" else {},
            "shown_in_part": {},
            "summary": "",
            "next_step": "",
        }
