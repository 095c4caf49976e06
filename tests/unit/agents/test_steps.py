"""Steps: called once, remembered, taken up by their job after a kill. The server is a real one with scripted tools."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from pydantic import BaseModel

from classwright_agents.errors import RunError, ToolError
from classwright_agents.journal import Journal, read_events
from classwright_agents.server import LOG, Server
from classwright_agents.steps import Steps
from classwright_tools.contract import WriterUsage
from support.agent import ScriptedServer, usage


class Trained(BaseModel):
    """The result of a scripted training."""

    model: str


class Labelled(BaseModel):
    """The result of a scripted classification."""

    results: list[str]


class Watched:
    """Keeps the progress that it is told."""

    def __init__(self, on_progress: Callable[[], None] | None = None) -> None:
        self.seen: list[tuple[float | None, str]] = []
        self._on_progress = on_progress

    def progress(self, fraction: float | None, message: str) -> None:
        """Keep it."""
        self.seen.append((fraction, message))
        if self._on_progress:
            self._on_progress()


@asynccontextmanager
async def steps(
    scripted: ScriptedServer, folder: Path, watched: Watched | None = None, *, own: bool = True
) -> AsyncIterator[Steps]:
    journal = Journal(folder)
    try:
        async with Client(scripted.mcp) as client:
            yield Steps(journal, Server(client, log=folder / LOG if own else None), watched or Watched())
    finally:
        journal.close()


def write_down_a_training(folder: Path) -> None:
    """Leave a journal in `folder` whose first step is a training that has its job, and no result yet."""
    journal = Journal(folder)
    journal.append("call", step=1, tool="train_classifier", arguments={"task": "support"})
    journal.append("job", step=1, job_id="job_0")
    journal.close()


def test_a_job_is_waited_for_and_its_progress_is_told(tmp_path: Path) -> None:
    scripted, watched = ScriptedServer(looks=3), Watched()

    async def go() -> None:
        async with steps(scripted, tmp_path, watched) as run:
            step = await run.run("train_classifier", {"task": "support"}, Trained)
            assert step.result.model == "model of job_0"
            assert step.seconds >= 0

    anyio.run(go)
    assert watched.seen == [(0.5, "training")] * 3


@pytest.mark.parametrize(("queued", "told"), [(1, []), (2, ["in the queue"])])
def test_a_job_that_begins_at_once_is_not_said_to_wait(tmp_path: Path, queued: int, told: list[str]) -> None:
    scripted, watched = ScriptedServer(looks=3, queued=queued), Watched()

    async def go() -> None:
        async with steps(scripted, tmp_path, watched) as run:
            await run.run("train_classifier", {"task": "support"}, Trained)

    anyio.run(go)
    assert [message for _, message in watched.seen if message != "training"] == told


def test_a_tool_without_a_job_answers_at_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with steps(ScriptedServer(), tmp_path) as run:
            assert (await run.run("classify", {"texts": ["a"]}, Labelled)).result.results == ["A"]

    anyio.run(go)


def test_a_finished_step_is_not_repeated(tmp_path: Path) -> None:
    scripted = ScriptedServer()

    async def go() -> float:
        async with steps(scripted, tmp_path) as run:
            await run.run("classify", {"texts": ["a"]}, Labelled)
            await run.run("train_classifier", {"task": "support"}, Trained)
            return run.seconds

    assert anyio.run(go) == anyio.run(go)
    assert scripted.started == ["classify", "job_0"]


def test_a_running_job_is_taken_up_by_its_id(tmp_path: Path) -> None:
    scripted = ScriptedServer()
    scripted.train_classifier("support")
    write_down_a_training(tmp_path)

    async def go() -> None:
        async with steps(scripted, tmp_path) as run:
            assert (await run.run("train_classifier", {"task": "support"}, Trained)).result.model == "model of job_0"

    anyio.run(go)
    assert scripted.started == ["job_0"]


@pytest.mark.parametrize(("own", "started"), [(True, ["job_0"]), (False, ["job_0", "job_1"])])
def test_a_job_whose_id_was_lost_is_found_on_an_own_server_only(
    tmp_path: Path, *, own: bool, started: list[str]
) -> None:
    scripted = ScriptedServer()
    scripted.train_classifier("support")  # the agent was killed before it could write down the id
    journal = Journal(tmp_path)
    journal.append("call", step=1, tool="train_classifier", arguments={"task": "support"})
    journal.close()

    async def go() -> None:
        async with steps(scripted, tmp_path, own=own) as run:
            await run.run("train_classifier", {"task": "support"}, Trained)

    anyio.run(go)
    assert scripted.started == started


@pytest.mark.parametrize("state", ["cancelled", "forgotten"])
def test_a_job_that_was_cancelled_or_is_gone_is_started_anew(tmp_path: Path, state: str) -> None:
    scripted = ScriptedServer()
    if state == "cancelled":
        scripted.train_classifier("support")
        scripted.cancel_job("job_0")
    journal = Journal(tmp_path)
    journal.append("call", step=1, tool="train_classifier", arguments={"task": "support"})
    journal.append("job", step=1, job_id="job_0" if state == "cancelled" else "job_gone")
    journal.close()

    async def go() -> None:
        async with steps(scripted, tmp_path) as run:
            await run.run("train_classifier", {"task": "support"}, Trained)

    anyio.run(go)
    assert scripted.started[-1] == ("job_1" if state == "cancelled" else "job_0")


@pytest.mark.parametrize("written_down", [True, False])
def test_what_a_cancelled_job_spent_is_counted_with_its_step_once_in_every_later_attempt(
    tmp_path: Path, *, written_down: bool
) -> None:
    scripted = ScriptedServer(looks=1)
    scripted.train_classifier("support")
    scripted.cancel_job("job_0")
    write_down_a_training(tmp_path)
    if written_down:  # by an attempt that was killed before it called again
        journal = Journal(tmp_path)
        journal.append("spent", step=1, job_id="job_0", usage=usage(700))
        journal.close()

    async def go() -> list[list[WriterUsage]]:
        async with steps(scripted, tmp_path) as run:
            first = await run.lost()
            await run.run("train_classifier", {"task": "support"}, Trained)
            return [first, await run.lost()]

    assert anyio.run(go) == anyio.run(go) == [[WriterUsage(**usage(700))]] * 2


def test_a_cancelled_job_that_the_journal_does_not_know_is_counted_too(tmp_path: Path) -> None:
    scripted = ScriptedServer(looks=1)
    scripted.train_classifier("support")  # the agent was killed before it could write down the id
    scripted.cancel_job("job_0")
    journal = Journal(tmp_path)
    journal.append("call", step=1, tool="train_classifier", arguments={"task": "support"})
    journal.close()

    async def go() -> list[WriterUsage]:
        async with steps(scripted, tmp_path) as run:
            lost = await run.lost()
            await run.run("train_classifier", {"task": "support"}, Trained)
            return lost

    assert anyio.run(go) == anyio.run(go) == [WriterUsage(**usage(700))]


def test_what_a_job_spent_that_fails_while_it_is_waited_for_is_counted_at_once(tmp_path: Path) -> None:
    scripted = ScriptedServer()
    scripted.cancelled.append("job_0")

    async def go() -> list[WriterUsage]:
        async with steps(scripted, tmp_path) as run:
            with pytest.raises(ToolError):
                await run.run("train_classifier", {"task": "support"}, Trained)
            return await run.lost()

    assert anyio.run(go) == [WriterUsage(**usage(700))]


def test_what_a_result_of_no_use_took_is_counted(tmp_path: Path) -> None:
    async def go() -> list[WriterUsage]:
        scripted = ScriptedServer(looks=1)
        for _ in range(2):
            async with steps(scripted, tmp_path) as run:
                with pytest.raises(ToolError):
                    await run.run("train_classifier", {"task": "support"}, Trained, refuse)
        async with steps(scripted, tmp_path) as run:
            return await run.lost()

    assert anyio.run(go) == [WriterUsage(**usage(500))] * 2


def test_another_call_than_the_journal_tells_is_refused(tmp_path: Path) -> None:
    async def go() -> None:
        async with steps(ScriptedServer(), tmp_path) as run:
            await run.run("train_classifier", {"task": "support"}, Trained)
        async with steps(ScriptedServer(), tmp_path) as run:
            with pytest.raises(RunError, match="other arguments"):
                await run.run("train_classifier", {"task": "shop"}, Trained)

    anyio.run(go)


@pytest.mark.parametrize("own", [True, False])
def test_a_call_that_was_refused_may_be_another_when_the_run_goes_on(tmp_path: Path, *, own: bool) -> None:
    scripted = ScriptedServer()

    async def go() -> None:
        async with steps(scripted, tmp_path, own=own) as run:
            with pytest.raises(ToolError, match="does not exist"):
                await run.run("train_classifier", {"task": "unknown"}, Trained)
        for _ in range(2):  # the second finds what the first did
            async with steps(scripted, tmp_path, own=own) as run:
                assert (
                    await run.run("train_classifier", {"task": "support"}, Trained)
                ).result.model == "model of job_0"

    anyio.run(go)
    assert scripted.started == ["job_0"]


@pytest.mark.parametrize("state", ["failed", "working"])
def test_a_call_whose_job_still_works_may_not_be_another_and_one_whose_job_failed_may(
    tmp_path: Path, state: str
) -> None:
    scripted = ScriptedServer()
    scripted.train_classifier("support")
    if state == "failed":
        scripted.cancel_job("job_0")
    write_down_a_training(tmp_path)

    async def go() -> None:
        async with steps(scripted, tmp_path) as run:
            if state == "working":
                with pytest.raises(RunError, match="other arguments"):
                    await run.run("train_classifier", {"task": "shop"}, Trained)
            else:
                assert (await run.run("train_classifier", {"task": "shop"}, Trained)).result.model == "model of job_1"

    anyio.run(go)
    assert len(scripted.started) == (1 if state == "working" else 2)


def test_a_larger_budget_is_no_other_call(tmp_path: Path) -> None:
    async def go() -> None:
        for limit in (1_000, 2_000):
            async with steps(ScriptedServer(), tmp_path) as run:
                await run.run("classify", {"texts": ["a"], "max_tokens": limit}, Labelled)

    anyio.run(go)


def test_a_refusal_is_told_in_the_tools_own_words_and_not_remembered(tmp_path: Path) -> None:
    async def go() -> None:
        async with steps(ScriptedServer(), tmp_path) as run:
            with pytest.raises(ToolError, match=r"task 'unknown': does not exist\. Call propose_topics first\."):
                await run.run("train_classifier", {"task": "unknown"}, Trained)

    anyio.run(go)
    anyio.run(go)


def refuse(result: BaseModel) -> None:
    raise ToolError("The server", "has no language model to write with", "Start it with one.")


@pytest.mark.parametrize(
    ("tool", "arguments", "model", "started"),
    [
        ("classify", {"texts": ["a"]}, Labelled, ["classify", "classify"]),
        ("train_classifier", {"task": "support"}, Trained, ["job_0", "job_1"]),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_a_result_that_is_of_no_use_is_not_remembered_and_asked_for_anew(
    tmp_path: Path, tool: str, arguments: dict[str, Any], model: type[BaseModel], started: list[str], *, own: bool
) -> None:
    scripted = ScriptedServer()

    async def go(*, useful: bool) -> None:
        async with steps(scripted, tmp_path, own=own) as run:
            if useful:
                await run.run(tool, arguments, model)
            else:
                with pytest.raises(ToolError, match="no language model"):
                    await run.run(tool, arguments, model, refuse)

    anyio.run(lambda: go(useful=False))
    assert not [event for event in read_events(tmp_path) if event["event"] == "result"]
    anyio.run(lambda: go(useful=True))
    anyio.run(lambda: go(useful=True))
    assert scripted.started == started


def test_a_job_after_one_of_no_use_is_taken_up_by_its_id(tmp_path: Path) -> None:
    scripted = ScriptedServer()

    async def go() -> None:
        async with steps(scripted, tmp_path) as run:
            with pytest.raises(ToolError):
                await run.run("train_classifier", {"task": "support"}, Trained, refuse)
        scripted.train_classifier("support")  # by an attempt that was killed before it could write down the id
        async with steps(scripted, tmp_path) as run:
            assert (await run.run("train_classifier", {"task": "support"}, Trained)).result.model == "model of job_1"

    anyio.run(go)
    assert scripted.started == ["job_0", "job_1"]


def test_a_server_without_the_tool_is_told(tmp_path: Path) -> None:
    async def go() -> None:
        async with steps(ScriptedServer(), tmp_path) as run:
            with pytest.raises(ToolError, match="not offered"):
                await run.run("evaluate", {"model": "m"}, Trained)

    anyio.run(go)


@pytest.mark.parametrize(("own", "cancelled"), [(True, ["job_0"]), (False, [])])
def test_stopping_cancels_the_job_of_an_own_server_and_leaves_a_remote_one(
    tmp_path: Path, *, own: bool, cancelled: list[str]
) -> None:
    scripted = ScriptedServer(looks=1_000_000)

    async def go() -> None:
        main = asyncio.current_task()
        assert main is not None
        interrupted = Watched(on_progress=main.cancel)  # what asyncio does on Ctrl-C
        async with steps(scripted, tmp_path, interrupted, own=own) as run:
            await run.run("train_classifier", {"task": "support"}, Trained)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(go())
    assert scripted.cancelled == cancelled


def test_long_arguments_are_kept_as_a_digest(tmp_path: Path) -> None:
    texts = ["a long text of a real customer"] * 2_000

    async def go() -> None:
        async with steps(ScriptedServer(), tmp_path) as run:
            await run.run("classify", {"texts": texts[:1]}, Labelled)
            await run.run("classify", {"texts": texts}, Labelled)

    anyio.run(go)
    journal = Journal(tmp_path)
    kept = journal.find("call", step=2)
    assert kept is not None
    assert kept["arguments"]["texts"]["items"] == 2_000
