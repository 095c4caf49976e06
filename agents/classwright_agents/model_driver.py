"""The model driver: a language model is shown the figures and decides the next move by a tool call.

What holds whoever decides is checked before it is asked (`limits`), and what a move can say is all it can do (`moves`).
Each reply is in the journal before it is acted on, so that a resumed run asks for none of them again.
"""

from __future__ import annotations

import json
import time
from typing import Any

from pydantic import ValidationError

from classwright_agents.coach import next_move
from classwright_agents.endpoint import Endpoint, Reply, tokens_of
from classwright_agents.figures import kept_round
from classwright_agents.journal import Event, Journal
from classwright_agents.limits import AUTO, goal_of, limit
from classwright_agents.moves import (
    Decision,
    Move,
    Reasoned,
    Situation,
    Stop,
    TrainAgain,
    WriteAgainstErrors,
    WriteMore,
)
from classwright_agents.state import RULES, state
from classwright_agents.task_file import TaskFile
from classwright_tools.contract import WriterUsage, methods_for

# Replies to one decision that may be of no use, and moves in turn that may come to nothing; then the rules decide, as
# an unattended run is to come to its end.
MOST_TRIES = 3
REPLY_TOKENS = 150  # of a call and its reason
STOP = "stop"
MOVES: dict[str, type[Reasoned]] = {
    "write_against_errors": WriteAgainstErrors,
    "write_more": WriteMore,
    "train_again": TrainAgain,
    STOP: Reasoned,
}
STOP_WORDS = "Build no further: the kept model is measured on the test rows, explained and exported."


class ModelDriver:
    """The driver that asks a language model."""

    def __init__(self, task: TaskFile, endpoint: Endpoint, journal: Journal) -> None:
        self._task = task
        self._goal = goal_of(task)
        self._endpoint = endpoint
        self._journal = journal
        self._methods = [method for method in methods_for("text", multi_label=task.multi_label) if method != AUTO]
        self._tools = _tools(task.rows_per_round, self._methods)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._endpoint.model

    def expected(self) -> str:
        """Return what deciding should cost: as many decisions as rounds may follow, of a prompt and a short reply."""
        most = self._task.max_rounds - 1
        tokens = tokens_of([RULES, state(self._task, None), self._tools]) + REPLY_TOKENS
        return f"Up to {most} decisions of {self.name}, each about {tokens:,} tokens." if most else ""

    async def decide(self, situation: Situation) -> Decision:
        """Return the next move: a limit's, or else the model's, or where no reply can be used the rules'.

        Raises:
            ServerError: the endpoint does not answer.
        """
        stop = limit(self._goal, situation.rounds, situation.spent)
        if stop:
            return Decision(stop, stop.reason)
        rules = next_move(self._goal, situation)
        if len(situation.failed) >= MOST_TRIES:
            return Decision(rules, f"{len(situation.failed)} moves in turn came to nothing. {rules.reason}")
        replies: list[Event] = [
            event for event in self._journal.events if event["event"] == "reply" and event["key"] == situation.key
        ]
        problem = ""
        for number in range(MOST_TRIES):
            if number == len(replies):
                replies.append(await self._asked(situation, problem))
            found = self._read(replies[number]["calls"], situation)
            if not isinstance(found, str):
                return _decision(found, _told(found, self.name), replies)
            problem = found
        told = f"{self.name} gave no move in {MOST_TRIES} replies (the last: {problem}). By the rules: {rules.reason}"
        return _decision(rules, told, replies)

    async def _asked(self, situation: Situation, problem: str) -> Event:
        """Return a new reply as the journal holds it; `problem` is what was wrong with the one before it."""
        messages = [{"role": "system", "content": RULES}]
        shown = json.dumps(state(self._task, situation), ensure_ascii=False)
        messages.append({"role": "user", "content": shown})
        if problem:
            again = f"Your last reply could not be used: {problem}. Call exactly one of the tools."
            messages.append({"role": "user", "content": again})
        started = time.monotonic()
        reply: Reply = await self._endpoint.ask(messages, self._tools)
        self._journal.append(
            "reply",
            key=situation.key,
            calls=reply.calls,
            usage=reply.usage.model_dump(),
            seconds=round(time.monotonic() - started, 3),
        )
        return self._journal.events[-1]

    def _read(self, calls: list[tuple[str, Any]], situation: Situation) -> Move | str:
        """Return the move that a reply's calls are, or why they are none."""
        if len(calls) != 1:
            return f"it holds {len(calls)} tool calls, where one is asked for"
        name, arguments = calls[0]
        kind = MOVES.get(name)
        if kind is None:
            return f"there is no tool {name[:80]!r}"
        try:
            given = json.loads(arguments) if isinstance(arguments, str) else arguments
            move = kind.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return f"{name}, {'.'.join(map(str, first['loc'])) or 'arguments'}: {first['msg']}"
        except ValueError:
            return f"the arguments of {name} are not JSON"
        if name == STOP:
            return Stop(cause="decided", reason=move.reason)
        assert isinstance(move, WriteAgainstErrors | WriteMore | TrainAgain)
        return self._misfit(move, situation) or move

    def _misfit(self, move: WriteAgainstErrors | WriteMore | TrainAgain, situation: Situation) -> str:
        """Return why a move cannot be made in this task and situation; empty if it can."""
        if isinstance(move, TrainAgain):
            if move.method not in self._methods:
                return f"method: {move.method!r} is none of {', '.join(self._methods)}"
            kept = kept_round(situation.rounds, self._goal.target.metric)
            on_these = {one.method for one in situation.rounds if one.dataset == kept.dataset}
            same = f"{move.method!r} was trained on the kept rows already: the same would come of it"
            return same if move.method in on_these else ""
        most = self._task.rows_per_round
        if move.rows and move.rows > most:
            return f"rows: {move.rows:,}, where a round may ask for {most:,} at most"
        if isinstance(move, WriteMore):
            unknown = [label for label in move.labels if label not in self._task.label_names]
            return f"labels: {unknown[0][:80]!r} is none of the task's" if unknown else ""
        return ""


def _tools(rows_per_round: int, methods: list[str]) -> list[dict[str, Any]]:
    """Return the moves as tools of the OpenAI form, for a task whose texts these methods train on."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": STOP_WORDS if name == STOP else " ".join((kind.__doc__ or "").split()),
                "parameters": _schema(kind, rows_per_round, methods),
            },
        }
        for name, kind in MOVES.items()
    ]


def _schema(kind: type[Reasoned], rows_per_round: int, methods: list[str]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    for name in ("title", "description"):
        schema.pop(name, None)
    for of_field in schema["properties"].values():
        of_field.pop("title", None)
    if "rows" in schema["properties"]:
        schema["properties"]["rows"] = {
            "type": "integer",
            "minimum": 1,
            "maximum": rows_per_round,
            "description": schema["properties"]["rows"]["description"],
        }
    if "method" in schema["properties"]:
        schema["properties"]["method"]["enum"] = methods
    return schema


def _told(move: Move, name: str) -> str:
    """Return a move of the model as it is told and kept."""
    doing = "Stop" if isinstance(move, Stop) else move.in_words
    return f"{doing}, {name} decides: {move.reason}"


def _decision(move: Move, told: str, replies: list[Event]) -> Decision:
    """Return the decision with what its replies took."""
    usages = [WriterUsage.model_validate(reply["usage"]) for reply in replies]
    return Decision(move, told, tuple(usages), sum(reply["seconds"] for reply in replies))
