"""Steps: calls of tools that are written down, so that a resumed run repeats none that is finished."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import anyio
from pydantic import BaseModel

from classwright_agents.answers import Job, Jobs, WholeResult, read_as
from classwright_agents.errors import AgentError, RunError, ServerError, ToolError
from classwright_agents.journal import Journal
from classwright_agents.server import Server
from classwright_tools.contract import CostEstimate, WriterUsage

# Long enough that asking costs nothing, short enough that the screen moves.
WAIT_SECONDS = 2
# A network that fails is given about half a minute before the run stops; the job goes on meanwhile.
RETRY_SECONDS = (1, 3, 10, 20)
CANCEL_SECONDS = 10
MAX_LOGGED_CHARS = 20_000
# What is left of the budget: a run may be resumed with a larger one.
LIMITS = ("max_tokens", "max_cost")
R = TypeVar("R", bound=BaseModel)


def accept(result: BaseModel) -> None:
    """Raise nothing: any result is of use."""


class Watcher(Protocol):
    """The receiver of the progress of the job under way."""

    def progress(self, fraction: float | None, message: str) -> None:
        """Take the job's progress from 0 to 1 (None if unknown) and its message."""
        ...


@dataclass(frozen=True)
class Step(Generic[R]):
    """A finished step: the tool's result, and how long it took."""

    result: R
    seconds: float


class Steps:
    """The steps of a run, in their order; they are the same in every attempt at the run."""

    def __init__(self, journal: Journal, server: Server, watcher: Watcher) -> None:
        self._journal = journal
        self._server = server
        self._watcher = watcher
        self._number = 0
        self.seconds = 0.0

    async def run(
        self, tool: str, arguments: dict[str, Any], model: type[R], check: Callable[[R], None] = accept
    ) -> Step[R]:
        """Return the result of calling `tool` as a `model`, from the journal if the step is finished already.

        `check` raises an `AgentError` for a result that the build cannot go on from. Such a result is not written
        down: an attempt after it calls the tool anew, as the server may have been given what it lacked.

        Raises:
            AgentError: from `check`.
            ToolError: the tool refused or its job failed.
            ServerError: the server went away, or answered something else than a `model`.
            RunError: the journal holds another call here, with its result or a job that is not lost: the task file was
                changed in what is done already. A call that came to nothing may be another one when it is made anew.
        """
        self._number += 1
        number = self._number
        logged = _logged(arguments)
        started = time.monotonic()
        call = self._journal.find("call", step=number)
        done = self._journal.find("result", step=number)
        job = await self._taken_up(number, call["tool"]) if call and not done else None
        is_same = call is not None and _compared(call["tool"], call["arguments"]) == _compared(tool, logged)
        if call and not is_same and (done or job):
            raise RunError(
                f"Step {number}",
                f"was {call['tool']} with other arguments when this run made it",
                "Undo the change in the task file or in the rows, or start a new run.",
            )
        if done is None:
            if not is_same:
                self._journal.append("call", step=number, tool=tool, arguments=logged)
            self._refuse_again(number)
            try:
                result = await self._result(number, tool, arguments, job)
            except ToolError as error:
                self._journal.append("refused", step=number, error=[error.subject, error.reason, error.repair])
                raise
            try:
                check(read_as(model, result, f"Tool {tool!r}"))
            except AgentError:
                self._spent(number, self._job_id(number), _usage_in(result))
                self._journal.append("job", step=number, job_id=None)
                raise
            seconds = round(time.monotonic() - started, 3)
            self._journal.append("result", step=number, seconds=seconds, result=result)
            done = self._journal.events[-1]
        self.seconds += done["seconds"]
        return Step(read_as(model, done["result"], f"Tool {tool!r}"), done["seconds"])

    async def estimate(self, tool: str, arguments: dict[str, Any]) -> CostEstimate | None:
        """Return what calling `tool` should take; None where the server does not tell, or the next step is finished.

        Raises:
            ToolError: the tool refused.
            ServerError: the server went away.
        """
        if self._journal.find("result", step=self._number + 1):
            return None
        return await self._server.estimate(tool, arguments)

    async def lost(self) -> list[WriterUsage]:
        """Return the usage of each attempt that came to nothing, at the steps so far and the one to come.

        Raises:
            ServerError: the server went away.
        """
        number = self._number + 1
        call = self._journal.find("call", step=number)
        if call and not self._journal.find("result", step=number):
            await self._taken_up(number, call["tool"])  # which writes down what it spent
        return [
            read_as(WriterUsage, event["usage"], f"Step {number}")
            for event in self._journal.events
            if event["event"] == "spent" and event["step"] <= number
        ]

    def _refuse_again(self, number: int) -> None:
        """Raise the refusal of a step that the run went on after, as it would otherwise go another way."""
        refused = self._journal.find("refused", step=number)
        if refused and self._journal.find("call", step=number + 1):
            raise ToolError(*refused["error"])

    async def _result(self, number: int, tool: str, arguments: dict[str, Any], job: Job | None) -> dict[str, Any]:
        """Return what the call comes to, by the `job` that an earlier attempt started if there is one."""
        if job is None:
            answer = await self._server.start(tool, arguments)
            if "job_id" not in answer:
                return answer
            job = _job(answer)
        if self._job_id(number) != job.job_id:
            self._journal.append("job", step=number, job_id=job.job_id)
        return await self._finished(number, tool, job)

    def _job_id(self, number: int) -> str | None:
        event = self._journal.find("job", step=number)
        return event["job_id"] if event else None

    async def _unheard_of(self, tool: str) -> str | None:
        """Return the job that an earlier attempt started but was killed before it could write down its id.

        Only on an own server, whose workspace is this run's alone: elsewhere it could be another run's job.
        """
        if not self._server.own:
            return None
        known = {event["job_id"] for event in self._journal.events if event["event"] == "job"}
        listed = read_as(Jobs, await self._server.call("list_jobs", {}), "Tool 'list_jobs'")
        return next((job.job_id for job in listed.jobs if job.tool == tool and job.job_id not in known), None)

    async def _taken_up(self, number: int, tool: str) -> Job | None:
        """Return the job that an earlier attempt started by calling `tool`, or None if a call is to be made anew."""
        job_id = self._job_id(number) or await self._unheard_of(tool)
        if job_id is None:
            return None
        try:
            job = _job(await self._server.call("get_job", {"job_id": job_id, "wait_seconds": 0}))
        except ToolError:
            return None
        if job.is_working or job.status == "completed":
            return job
        self._spent(number, job_id, job.spent)
        return None

    def _spent(self, number: int, job_id: str | None, usage: WriterUsage | None) -> None:
        """Write down what a job spent that the step goes on without, once, however often it is looked at."""
        known = job_id and self._journal.find("spent", job_id=job_id)
        if usage and not known:
            self._journal.append("spent", step=number, job_id=job_id, usage=usage.model_dump())

    async def _finished(self, number: int, tool: str, job: Job) -> dict[str, Any]:
        """Wait for a job and return its result."""
        job_id, waits = job.job_id, False
        while job.is_working:
            if job.status != "queued" or waits:  # one that has just been queued mostly begins at once
                self._watcher.progress(job.progress or None, job.message)
            waits = job.status == "queued"
            try:
                job = _job(await self._polled(job_id))
            except anyio.get_cancelled_exc_class():
                await self._leave(job_id)
                raise
        if job.status != "completed":
            self._spent(number, job_id, job.spent)
            raise ToolError(f"Tool {tool!r}", job.error or job.message or f"its job was {job.status}", "")
        whole = f"classwright://jobs/{job_id}/result"
        if any(part.uri == whole for part in job.shown_in_part.values()):  # the answer was shortened
            return read_as(WholeResult, await self._server.read(whole), f"The result of {tool!r}").root
        return job.whole

    async def _polled(self, job_id: str) -> dict[str, Any]:
        """Return the job's state after a short wait; a remote server is asked again when the network fails."""
        for pause in RETRY_SECONDS:
            try:
                return await self._server.call("get_job", {"job_id": job_id, "wait_seconds": WAIT_SECONDS})
            except ServerError:
                if self._server.own:
                    raise
                self._watcher.progress(None, "the server does not answer, asking again")
                await anyio.sleep(pause)
        return await self._server.call("get_job", {"job_id": job_id, "wait_seconds": WAIT_SECONDS})

    async def _leave(self, job_id: str) -> None:
        """Cancel the job of an own server, which ends with this process; on a remote one it goes on."""
        if self._server.own:
            with anyio.move_on_after(CANCEL_SECONDS, shield=True), contextlib.suppress(ServerError, ToolError):
                await self._server.call("cancel_job", {"job_id": job_id})


def _job(answer: dict[str, Any]) -> Job:
    return read_as(Job, answer, "The job")


def _usage_in(result: dict[str, Any]) -> WriterUsage | None:
    """Return what the writer was asked for by a result that is of no use; None if that cannot be read either."""
    with contextlib.suppress(ServerError):
        return read_as(WriterUsage, result.get("usage"), "The usage")
    return None


def _compared(tool: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return what makes a call the same as another."""
    return tool, {name: value for name, value in arguments.items() if name not in LIMITS}


def _logged(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return `arguments` as the journal gives them back, tuples as lists: a long one by its length and digest."""
    kept: dict[str, Any] = {}
    for name, value in arguments.items():
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        if len(text) > MAX_LOGGED_CHARS:
            kept[name] = {"items": len(value), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        else:
            kept[name] = json.loads(text)
    return kept
