"""What a principal and a job may take: calls, places in the queue, time, room on the disk, tokens and money."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.lowlevel import checkpoint
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

from classwright_server.at_once import QUICK_AT_ONCE
from classwright_server.backend import Backend
from classwright_server.config.principals import slug_of
from classwright_server.config.settings import Limits, settings_from
from classwright_server.http import rate_limit
from classwright_server.jobs import disk_quota
from classwright_tools.domain.usage import Caps
from classwright_tools.errors import InvalidInput
from classwright_tools.propose_topics import ProposeTopicsRequest
from support.server import (
    ERAS,
    LONG,
    TASK,
    ServerProcess,
    WorkerProcess,
    call,
    call_failing,
    connected,
    finished,
    make_settings,
    rows,
    shared_processes,
    signed_in,
    token_of,
    topics,
    until,
    writes_sentences,
)
from support.tokens import Authority, bearer
from support.writing import HANG, Said, ScriptedEndpoint, Seen

URL = "https://box.example/mcp"


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ERAS)
async def test_who_calls_too_often_is_told_when_to_try_again_and_nobody_else_is(tmp_path: Path, mode: str) -> None:
    with (
        Authority(URL) as authority,
        ServerProcess(tmp_path, *authority.flags(), "--calls-per-minute", "12") as server,
    ):
        async with person(server, authority.token("alice"), mode) as alice:
            told = await refused(alice)
            async with person(server, authority.token("bob"), mode) as bob:
                assert (await call(bob, "list_jobs"))["jobs"] == []
        headers = bearer(authority.token("alice"))
        answers = (httpx.post(server.url, json={}, headers=headers, trust_env=False) for _ in range(40))
        answer = next(answer for answer in answers if answer.status_code == 429)

    assert "Too many requests: 12 a minute are allowed. Try again in 5 s" in told
    assert answer.headers["Retry-After"] == "5"


@asynccontextmanager
async def person(server: ServerProcess, token: str, mode: str) -> AsyncIterator[Client]:
    """Connect with a token."""
    async with (
        create_mcp_http_client(headers=bearer(token)) as http,
        Client(streamable_http_client(server.url, http_client=http), mode=mode) as client,
    ):
        yield client


async def refused(client: Client) -> str:
    """Call until a call is refused, and return the reason; others than the first are sent at once."""
    told = []

    async def ask() -> None:
        try:
            await client.call_tool("list_jobs", {})
        except MCPError as error:
            told.append(str(error))

    await ask()
    async with anyio.create_task_group() as calls:
        for _ in range(40):
            calls.start_soon(ask)
    return told[0]


def test_of_too_many_principals_the_rate_of_the_one_seen_longest_ago_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "MAX_BUCKETS", 2)
    counted = rate_limit.CallRates(None, 5)  # type: ignore[arg-type]  # nothing is passed on
    first = counted._bucket("a")
    for name in ("b", "a", "c"):
        counted._bucket(name)

    assert counted._bucket("a") is first
    assert len(counted._buckets) == 2


@pytest.mark.anyio
async def test_a_storm_of_polls_starves_no_job(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        given = {"task": "support", "split": "train", "rows": rows(24), "wait_seconds": 0}
        job_id = (await call(client, "import_examples", given))["job_id"]
        polls = 0

        async def poll() -> None:
            nonlocal polls
            while True:
                await call(client, "get_job", job_id=job_id, wait_seconds=0)
                await call(client, "list_jobs")
                polls += 2

        async with anyio.create_task_group() as storm:
            for _ in range(50):
                storm.start_soon(poll)
            view = await finished(client, job_id, 60)
            storm.cancel_scope.cancel()

    assert view["status"] == "completed"
    assert polls > 0


@pytest.mark.anyio
async def test_no_more_jobs_of_one_principal_wait_than_are_allowed(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        settings = make_settings(tmp_path, writer_url=endpoint.url, limits=Limits(waiting_jobs=2))
        async with connected(settings) as client:
            told = ""
            with signed_in("alice"):
                for number in range(4 + 2 + 1):  # four run at once, two wait, one is too many
                    result = await client.call_tool("propose_topics", {**TASK, "task": f"t{number}", "wait_seconds": 0})
                    told = result.content[0].text  # type: ignore[union-attr]  # a text
                    if number == 3:
                        while await waiting(client):
                            await anyio.sleep(0.02)
            with signed_in("bob"):
                assert (await call(client, "propose_topics", TASK, wait_seconds=0))["status"] == "queued"
            with signed_in("alice"):
                [latest, *_] = (await call(client, "list_jobs"))["jobs"]
                await call(client, "cancel_job", job_id=latest["job_id"])
                assert (await call(client, "propose_topics", TASK, wait_seconds=0))["status"] == "queued"

    assert "your queue: holds 2 jobs that wait for their turn, which is all that are allowed" in told


async def waiting(client: Client) -> int:
    """How many of the caller's jobs wait."""
    return sum(job["status"] == "queued" for job in (await call(client, "list_jobs"))["jobs"])


@pytest.mark.anyio
async def test_a_job_that_runs_for_longer_than_is_allowed_fails_and_says_so(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        settings = make_settings(tmp_path, writer_url=endpoint.url, limits=Limits(job_hours=0.001))
        async with connected(settings) as client:
            told = await call_failing(client, "propose_topics", **TASK, wait_seconds=50)

    assert "ran for longer than the 0.001 h that are allowed" in told
    assert "--job-hours" in told


@pytest.mark.anyio
async def test_a_full_share_of_the_disk_takes_no_job_and_the_operators_own_is_not_counted(tmp_path: Path) -> None:
    made = make_settings(tmp_path)
    small = made.tool_settings.model_copy(update={"workspace_gb": 0.001})
    async with connected(made.model_copy(update={"tool_settings": small})) as client:
        with signed_in("alice"):
            await call(client, "propose_topics", TASK)
            await call(client, "import_examples", task="support", split="train", rows=rows(6), wait_seconds=LONG)
            (tmp_path / "principals" / str(slug_of(token_of("alice"))) / "large").write_bytes(bytes(2**21))
            told = await call_failing(client, "propose_topics", **TASK)
            about = {"dataset": "support-d1", "person": "ann-1"}
            of_all = {**about, "id": "decision-on-all", "action": "flag", "rows": 6}
            decided = [
                await call_failing(client, tool, **given)
                for tool, given in (("review_decide", about), ("review_decide_all", of_all))
            ]
        await call(client, "propose_topics", TASK)
    async with connected(made.model_copy(update={"tool_settings": small, "jobs": ()})) as client:
        with signed_in("alice"):  # what only reads is taken all the same, also as a job
            reading = await call(
                client, "find_examples", task="support", dataset="support-d1", groups=2, wait_seconds=0
            )

    assert "your workspace: holds" in told
    assert "and 1.0 MiB are allowed" in told
    assert f"`classwright remove TASK --principal {slug_of(token_of('alice'))}`" in told
    assert reading["status"] == "queued"
    assert all("your workspace: holds" in one for one in decided)


@pytest.mark.anyio
async def test_a_disk_that_is_nearly_full_takes_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_quota, "MIN_FREE_BYTES", 2**60)
    async with connected(make_settings(tmp_path)) as client:
        told = await call_failing(client, "propose_topics", **TASK)

    assert "the server's disk: has less than 1073741824.0 GiB free" in told


def writes_dearly(seen: Seen) -> Said:
    """Write what is wanted, for 5,000 tokens an answer."""
    answer = json.loads(writes_sentences(seen).body)
    return Said(body=json.dumps({**answer, "usage": {"prompt_tokens": 4_000, "completion_tokens": 1_000}}).encode())


@pytest.mark.anyio
async def test_a_job_spends_no_more_than_the_operator_allows(tmp_path: Path) -> None:
    with ScriptedEndpoint(writes_dearly) as endpoint:
        made = make_settings(tmp_path, writer_url=endpoint.url)
        capped = made.tool_settings.model_copy(update={"caps": Caps(max_tokens=20_000)})
        async with connected(made.model_copy(update={"tool_settings": capped})) as client:
            await call(client, "propose_topics", {**TASK, **topics(30)}, wait_seconds=50)
            job = await call(
                client, "synthesize_examples", task="support", rows=100, max_tokens=2_000_000, wait_seconds=0
            )
            job = await finished(client, job["job_id"])

    assert job["status"] == "completed"
    assert 0 < job["result"]["accepted"] < 100
    assert "of 20000 tokens are spent" in str(job["result"]["missing"])


@pytest.mark.anyio
async def test_calls_that_are_given_up_never_have_more_under_way_than_is_allowed(tmp_path: Path) -> None:
    """A quick tool's order ends with its call, and until then its place is taken; others answer meanwhile."""
    backend = Backend(make_settings(tmp_path), shared_processes())
    request = ProposeTopicsRequest.model_validate(TASK)
    async with backend.running(), anyio.create_task_group() as watching:
        at_work = (await backend.runtime()).pool._busy
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, len(at_work))
                await anyio.sleep(0.01)

        watching.start_soon(watch)
        for _ in range(2):
            async with anyio.create_task_group() as calls:
                for _ in range(20):
                    calls.start_soon(backend.run_now, "propose_topics", request, checkpoint)
                await until(lambda: len(at_work) >= QUICK_AT_ONCE)
                assert await backend.newest_jobs(1, 0) == []
                calls.cancel_scope.cancel()
            assert not at_work
        outcome = await backend.run_now("propose_topics", request, checkpoint)
        watching.cancel_scope.cancel()

    assert most == QUICK_AT_ONCE
    assert outcome.error is None


@pytest.mark.anyio
async def test_the_limits_of_a_job_are_those_of_the_worker_that_runs_it(tmp_path: Path) -> None:
    with ScriptedEndpoint(writes_dearly) as endpoint:
        writer = ("--writer-url", endpoint.url, "--writer-model", "scripted")
        settings = make_settings(tmp_path, writer_url=endpoint.url, jobs=())
        with WorkerProcess(tmp_path, *writer, "--job-tokens", "20000", "--job-hours", "1"):
            async with connected(settings) as client:
                await call(client, "propose_topics", {**TASK, **topics(30)}, wait_seconds=50)
                job = await call(client, "synthesize_examples", task="support", rows=100, wait_seconds=0)
                job = await finished(client, job["job_id"])

    assert "of 20000 tokens are spent" in str(job["result"]["missing"])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"calls_per_minute": "0"}, "--calls-per-minute='0': is not a whole number above zero"),
        ({"waiting_jobs": "1.5"}, "--waiting-jobs='1.5': is not a whole number"),
        ({"job_hours": "-1"}, "--job-hours='-1': is below zero"),
        ({"workspace_gb": "much"}, "--workspace-gb='much': is not a number"),
        ({"job_tokens": "0"}, "--job-tokens='0': is not a whole number above zero"),
        ({"job_tokens": "0.5"}, "--job-tokens='0.5': is not a whole number above zero"),
        ({"job_tokens": "inf"}, "--job-tokens='inf': is not a number up to 1,000,000,000,000,000"),
        ({"waiting_jobs": "1e20"}, "--waiting-jobs='1e20': is not a number up to"),
        ({"job_cost": "1"}, "--job-cost: needs the writer's prices"),
    ],
)
def test_limits_that_cannot_be_used_are_told(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        settings_from(flags, {})


def test_limits_are_read_from_flags_and_variables() -> None:
    settings = settings_from({"job_tokens": "5000"}, {"CLASSWRIGHT_WAITING_JOBS": "7", "CLASSWRIGHT_JOB_HOURS": "0.5"})

    assert settings.limits == Limits(waiting_jobs=7, job_hours=0.5)
    assert settings.tool_settings.caps == Caps(max_tokens=5_000)
