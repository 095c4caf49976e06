"""A build against a real server whose tools are scripted, and the run folder's journal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.server.mcpserver import MCPServer

from classwright_agents.build import Build
from classwright_agents.coach import Coach
from classwright_agents.errors import AgentError
from classwright_agents.journal import Journal
from classwright_agents.limits import goal_of
from classwright_agents.moves import Driver
from classwright_agents.outcome import Outcome
from classwright_agents.server import Server
from classwright_agents.steps import Steps
from classwright_agents.task_file import TaskFile
from classwright_agents.view import PlainView
from support.agent import analysed, around, exported, imported, measured, topics, trained, usage, written

MISSING = {"cell": {"label": "refund"}, "missing": 100, "reason": "the writer refused"}


class ScriptedTools:
    """A server whose tools answer at once: 1,500 tokens for the topics, 2,000 a writing, always the same figures.

    Of the rows in a call it imports `imported`, and finds the others too like one that it has.
    """

    def __init__(self, accepted: int = 100, imported: int = 1, not_covered: tuple[str, ...] = ()) -> None:
        self.not_covered = not_covered
        self.accepted = accepted
        self.imported = imported
        self.writings: list[dict[str, Any]] = []
        self.models = 0
        self.besides: dict[str, Any] = {}
        """What a writing answers besides."""
        self.mcp = MCPServer("scripted")
        tools = (self.propose_topics, self.synthesize_examples, self.train_classifier, self.error_analysis)
        for tool in (*tools, self.export_model, self.import_examples, self.evaluate):
            self.mcp.add_tool(tool)

    def propose_topics(
        self,
        task: str,  # noqa: ARG002  # as the real tools have it, here and below
        instruction: str,  # noqa: ARG002
        labels: list[dict[str, Any]],  # noqa: ARG002
        languages: list[str],  # noqa: ARG002
        topics_per_label: int = 4,  # noqa: ARG002
        subtopics_per_topic: int = 2,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return a tree."""
        return topics(1_500)

    def synthesize_examples(
        self,
        task: str,  # noqa: ARG002
        topic_tree: str | None = None,
        plan: str | None = None,
        dataset: str | None = None,
        new_dataset: bool = False,
        max_tokens: int | None = None,
        rows: int | None = None,
        labels: tuple[str, ...] = (),
        guidance: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Note what is asked for, and return a dataset."""
        self.writings.append(
            {
                "from": topic_tree or plan,
                "dataset": dataset,
                "new_dataset": new_dataset,
                "max_tokens": max_tokens,
                "rows": rows,
                "labels": labels,
                "guidance": guidance,
            }
        )
        return written(0) | {
            "dataset": f"support-d{len(self.writings)}" if self.accepted else None,
            "wanted": 100,
            "accepted": self.accepted,
            "refused": {},
            "missing": [] if self.accepted else [MISSING],
            "usage": usage(2_000),
            "assignment": None,
            "next_step": "Correct the task's instruction.",
            **self.besides,
        }

    def train_classifier(self, task: str, dataset: str, method: str) -> dict[str, Any]:  # noqa: ARG002
        """Return a model that is right about the frequent labels alone."""
        self.models += 1
        return trained(f"support-m{self.models}", dataset, macro_f1=around(0.5).model_dump())

    def error_analysis(self, model: str, dataset: str, rows: int) -> dict[str, Any]:  # noqa: ARG002
        """Return a plan."""
        return analysed(model)

    def import_examples(
        self,
        task: str,  # noqa: ARG002
        split: str,  # noqa: ARG002
        rows: list[dict[str, Any]],
        new_dataset: bool = False,  # noqa: ARG002
        dataset: str | None = None,
    ) -> dict[str, Any]:
        """Skip all rows but the first ones."""
        return imported(self.imported, dataset or "support-d0", len(rows) - self.imported)

    def evaluate(self, model: str, dataset: str, split: str, against: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Return the figures of training."""
        return measured(0.9, 30, self.not_covered, macro_f1=0.5)

    def export_model(self, model: str) -> dict[str, Any]:  # noqa: ARG002
        """Return an export."""
        return exported()


def built(
    scripted: ScriptedTools,
    folder: Path,
    task: TaskFile,
    out: io.StringIO | None = None,
    driver: Callable[[TaskFile, Journal], Driver] = lambda task, _: Coach(goal_of(task)),
) -> Outcome:
    """Build `task` in the run folder `folder`, by the coach or another `driver`."""

    async def go() -> Outcome | AgentError:
        journal, view = Journal(folder), PlainView("accuracy", out or io.StringIO())
        async with Client(scripted.mcp) as client:
            steps = Steps(journal, Server(client, log=None), view)
            try:
                return await Build(task, driver(task, journal), steps, journal, view).run()
            except AgentError as error:  # raised here it would come out in a group
                return error
            finally:
                journal.close()

    came = anyio.run(go)
    if isinstance(came, AgentError):
        raise came
    return came
