"""Jobs in real compute processes: waited for, progressing, crashing, cancelled, in turn, and found again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from dbos import DBOS, WorkflowStatus
from mcp import Client
from mcp_types import CallToolResult
from sqlalchemy.exc import OperationalError

from classwright_server import backend
from classwright_server.jobs.job_table import LIVE
from classwright_server.jobs.pool import ProcessPool
from classwright_server.jobs.records import ProgressRecord
from classwright_tools.workspace.workspace import Workspace
from support.server import (
    ERAS,
    LONG,
    TASK,
    call,
    call_failing,
    compute_processes,
    connected,
    finished,
    is_alive,
    make_settings,
    rows,
    shared_processes,
    topics,
    until,
    writes_sentences,
)
from support.writing import HANG, Said, ScriptedEndpoint, Seen

pytestmark = pytest.mark.anyio


UNKNOWN = "job_" + "0" * 32


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a server without a writer, with a task of two labels."""
    async with connected(make_settings(tmp_path)) as made:
        await call(made, "propose_topics", TASK)
        yield made


def imported(n: int = 4, first: int = 0, **changes: Any) -> dict[str, Any]:
    """The arguments that import `n` rows."""
    return {"task": "support", "split": "train", "rows": rows(n, first), **changes}


async def test_the_road_from_rows_to_an_answer(client: Client) -> None:
    await call(client, "import_examples", imported(24))
    await call(client, "import_examples", imported(12, 100, split="validation"))
    trained = await call(client, "train_classifier", task="support", method="probe", wait_seconds=50)
    measured = await call(client, "evaluate", model="support-m1", wait_seconds=50)
    explained = await call(client, "error_analysis", model="support-m1", wait_seconds=50)
    answered = await call(client, "classify", model="support-m1", texts=["I want my money back at once"])
    texts = [row["text"] for row in rows(150, 500)]
    shortened = await client.call_tool("classify", {"model": "support-m1", "texts": texts, "wait_seconds": 50})
    assert isinstance(shortened, CallToolResult)
    many = shortened.structured_content or {}
    whole = await client.read_resource(shortened.content[-1].uri)  # type: ignore[union-attr]  # the link to the rest

    assert trained["status"] == measured["status"] == explained["status"] == "completed"
    assert trained["result"]["model"] == "support-m1"
    assert measured["result"]["data"] == "real"
    assert answered["result"]["results"][0]["likeliest"][0][0] == "refund"
    assert trained["summary"].startswith("Trained support-m1")
    assert not {"summary", "next_step"} & trained["result"].keys()  # said once
    assert len(json.dumps(many).encode()) < 10_000
    uri = many["uris"]["whole"]
    assert many["shown_in_part"]["results"] == {"shown": len(many["result"]["results"]), "total": 150, "uri": uri}
    assert len(json.loads(whole.contents[0].text)["results"]) == 150  # type: ignore[union-attr]  # it is JSON


@pytest.mark.parametrize("mode", ERAS)
async def test_a_call_that_does_not_wait_gets_a_job_that_get_job_finds(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        await call(client, "propose_topics", TASK)
        started = await call(client, "import_examples", imported(), wait_seconds=0)
        view = await finished(client, started["job_id"])

    assert started["status"] == "queued"
    assert started["result"] is None
    assert started["job_id"] in started["next_step"]
    assert len(started["job_id"].removeprefix("job_")) == 32  # 128 bits in hexadecimal
    assert (view["status"], view["progress"], view["result"]["imported"]) == ("completed", 1.0, 4)


async def test_an_unknown_job_is_not_found(client: Client) -> None:
    for tool in ("get_job", "cancel_job"):
        text = await call_failing(client, tool, job_id=UNKNOWN)
        assert f"job {UNKNOWN!r}: does not exist" in text
        assert "list_jobs" in text


async def test_an_unknown_id_is_told_at_once_with_the_nearest_and_makes_no_job(client: Client) -> None:
    await call(client, "import_examples", imported())
    dataset = await call_failing(client, "train_classifier", task="support", dataset="support-d9", wait_seconds=0)
    task = await call_failing(client, "train_classifier", task="suport", wait_seconds=0)
    kind = await call_failing(client, "evaluate", model="support-d1", wait_seconds=0)

    assert "dataset 'support-d9': does not exist. Did you mean 'support-d1'?" in dataset
    assert "task 'suport': does not exist. Did you mean 'support'?" in task
    assert "model: is the id of a dataset, not of a model" in kind
    assert len((await call(client, "list_jobs"))["jobs"]) == 1


async def test_a_job_that_fails_says_why_to_the_call_that_waits_and_to_get_job(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await call_failing(client, "train_classifier", task="support")
    monkeypatch.setattr(ProgressRecord, "store", lambda *_: None)  # the list is told by how it ended
    job = await call(client, "train_classifier", task="support", wait_seconds=0)
    view = await finished(client, job["job_id"])
    listed = (await call(client, "list_jobs"))["jobs"]

    assert {one["status"] for one in listed} == {"failed"}
    assert "task 'support': has no dataset yet" in text
    assert (view["status"], view["result"], view["error"]) == ("failed", None, text)


@pytest.mark.parametrize("mode", ERAS)
async def test_a_waiting_call_hears_of_progress_at_once_and_ever_further(tmp_path: Path, mode: str) -> None:
    """At once means before the workspace is opened, which takes a second or two of the first call."""
    heard: list[float] = []
    had_opened: list[bool] = []

    third = anyio.Event()

    async def on_progress(progress: float, _total: float | None, _message: str | None) -> None:
        heard.append(progress)
        had_opened.append((tmp_path / "jobs.sqlite").exists())
        if len(heard) == 3:
            third.set()

    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url), mode) as client:
            arguments = {**TASK, "wait_seconds": LONG}
            began = anyio.current_time()
            async with anyio.create_task_group() as group:
                group.start_soon(partial(client.call_tool, "propose_topics", arguments, progress_callback=on_progress))
                with anyio.fail_after(120):
                    await third.wait()  # at once, when the job is stored, and two seconds later
                    await anyio.to_thread.run_sync(endpoint.arrived.wait)
                told, waited = len(heard), anyio.current_time() - began
                [job] = (await call(client, "list_jobs"))["jobs"]
                group.cancel_scope.cancel()

    assert job["status"] == "running"
    assert had_opened[0] is False
    assert told <= 2 + waited / backend.REPORT_EVERY_SECONDS
    assert heard == sorted(set(heard))


async def test_a_quick_tool_that_takes_long_goes_on_telling_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    often = threading.Event()

    async def on_progress(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(str(message))
        if len(heard) > 2:
            often.set()

    def takes_long(*order: Any) -> Any:
        often.wait(60)
        return run(*order)

    run = ProcessPool.run
    monkeypatch.setattr(ProcessPool, "run", takes_long)
    monkeypatch.setattr(backend, "REPORT_EVERY_SECONDS", 0.01)
    async with connected(make_settings(tmp_path)) as client:
        await client.call_tool("propose_topics", TASK, progress_callback=on_progress)

    assert often.is_set()
    assert set(heard) == {"propose_topics: under way"}


async def test_a_crash_of_the_process_is_a_failed_job_and_the_server_lives_on(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            job = await call(client, "propose_topics", TASK, wait_seconds=0)
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
            [process] = compute_processes(os.getpid())
            os.kill(process, signal.SIGSEGV)
            crashed = await finished(client, job["job_id"])
            job = await call(client, "propose_topics", TASK, wait_seconds=0)
            await until(lambda: bool(compute_processes(os.getpid())))
            os.kill(compute_processes(os.getpid())[0], signal.SIGKILL)
            killed = await finished(client, job["job_id"])

    assert (crashed["status"], killed["status"]) == ("failed", "failed")
    assert "SIGSEGV" in crashed["error"]
    assert "memory ran out" in killed["error"]


async def test_cancelling_ends_the_requests_to_the_model(tmp_path: Path) -> None:
    def takes_its_time(seen: Seen) -> Said:
        time.sleep(0.05)
        return writes_sentences(seen)

    with ScriptedEndpoint(takes_its_time) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            await call(client, "propose_topics", {**TASK, **topics(200)}, wait_seconds=50)
            job = await call(client, "synthesize_examples", task="support", rows=2000, wait_seconds=0)
            await until(lambda: len(endpoint.chats) > 20)
            [process] = (pid for pid in compute_processes(os.getpid()))
            view = await call(client, "cancel_job", job_id=job["job_id"])
            gone = not is_alive(process)
            await until(lambda: not endpoint.connections)  # those that had been sent are answered to nobody
            asked = len(endpoint.chats)
            await call(client, "import_examples", imported(), wait_seconds=50)
            again = await call(client, "cancel_job", job_id=job["job_id"])

    assert view["status"] == again["status"] == "cancelled"
    assert gone
    assert len(endpoint.chats) == asked < 300


async def test_a_job_that_was_cancelled_tells_what_it_spent(tmp_path: Path) -> None:
    def answers_five(seen: Seen) -> Said:
        return writes_sentences(seen) if seen.number < 5 else HANG

    def spent(view: dict[str, Any]) -> tuple[int, int]:
        return view["usage"].get("requests", 0), view["usage"].get("tokens_in", 0) + view["usage"].get("tokens_out", 0)

    with ScriptedEndpoint(answers_five) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            await call(client, "propose_topics", {**TASK, **topics(20)}, wait_seconds=50)
            job = await call(client, "synthesize_examples", task="support", rows=40, wait_seconds=0)
            seen = await call(client, "get_job", job_id=job["job_id"], wait_seconds=0)
            while spent(seen)[0] < 5:
                seen = await call(client, "get_job", job_id=job["job_id"], wait_seconds=1)
            cancelled = await call(client, "cancel_job", job_id=job["job_id"])
            later = await call(client, "get_job", job_id=job["job_id"])

    assert cancelled["status"] == "cancelled"
    assert spent(seen) == spent(cancelled) == spent(later) == (5, 5 * 120)
    assert cancelled["usage"]["writer"] == "scripted"


@pytest.mark.skipif(sys.platform != "linux", reason="reads which libraries a process has mapped from /proc")
async def test_cancelling_ends_the_training_process_and_frees_its_memory(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", imported(400), wait_seconds=50)
        importing = [one.pid for one in shared_processes()._idle if one.lane == "short"]
        job = await call(client, "train_classifier", task="support", method="contrastive", wait_seconds=0)
        await until(lambda: any(holds_torch(pid) for pid in compute_processes(os.getpid(), "long")))
        [training] = compute_processes(os.getpid(), "long")
        view = await call(client, "cancel_job", job_id=job["job_id"])
        await until(lambda: not psutil.pid_exists(training))

        assert view["status"] == "cancelled"
        assert importing
        assert all(map(is_alive, importing))  # only the job's own process ended
        assert (await finished(client, job["job_id"]))["status"] == "cancelled"


def holds_torch(pid: int) -> bool:
    """Whether a process has loaded torch, and so much memory."""
    try:
        return any("libtorch" in one.path for one in psutil.Process(pid).memory_maps())
    except psutil.Error:
        return False


async def test_a_job_that_waits_for_its_turn_can_be_cancelled(client: Client) -> None:
    jobs = [await call(client, "train_classifier", task="support", wait_seconds=0) for _ in range(3)]
    view = await call(client, "cancel_job", job_id=jobs[2]["job_id"])
    others = [await finished(client, job["job_id"]) for job in jobs[:2]]

    assert view["status"] == "cancelled"
    assert {other["status"] for other in others} == {"failed"}  # there is nothing to train on
    assert (await call(client, "get_job", job_id=jobs[2]["job_id"]))["status"] == "cancelled"


async def test_a_job_that_had_made_something_when_it_was_cancelled_names_it(client: Client, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    jobs = [await call(client, "train_classifier", task="support", wait_seconds=0) for _ in range(3)]
    made = workspace.publish("model", "support", lambda _folder: None, run_key=jobs[2]["job_id"]).id
    view = await call(client, "cancel_job", job_id=jobs[2]["job_id"])
    await call(client, "cancel_job", job_id=jobs[1]["job_id"])

    assert view["status"] == "cancelled"
    for told in (view, await call(client, "get_job", job_id=jobs[2]["job_id"])):
        assert told["summary"] == "train_classifier was cancelled, but had made support-m1 by then."
        assert told["message"] == "cancelled, but had made support-m1 by then"
        assert repr(made) in told["next_step"]


async def test_a_finished_job_stays_as_it_is_when_it_is_cancelled(client: Client) -> None:
    job = await call(client, "import_examples", imported(), wait_seconds=50)
    view = await call(client, "cancel_job", job_id=job["job_id"])

    assert view["status"] == "completed"
    assert view["result"] == job["result"]


async def test_computing_jobs_run_one_at_a_time(client: Client) -> None:
    jobs = [await call(client, "train_classifier", task="support", wait_seconds=0) for _ in range(4)]
    waiting = {job["job_id"] for job in jobs}
    while waiting:
        states = (await call(client, "list_jobs"))["jobs"]
        assert sum(state["status"] == "running" for state in states) <= 1
        waiting &= {state["job_id"] for state in states if state["status"] in ("queued", "running")}


async def test_writing_jobs_run_beside_each_other(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            for name in ("one", "two"):
                await call(client, "propose_topics", {**TASK, "task": name}, wait_seconds=0)
            await until(lambda: len(compute_processes(os.getpid())) == 2)
            states = (await call(client, "list_jobs"))["jobs"]

    assert [state["status"] for state in states] == ["running", "running"]


async def test_the_list_of_jobs_comes_in_pages_the_newest_first(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [(await call(client, "import_examples", imported(2, 10 * n), wait_seconds=50))["job_id"] for n in range(5)]
    list_workflows = DBOS.list_workflows
    monkeypatch.setattr(  # an outcome may be megabytes, pictures among them
        DBOS, "list_workflows", lambda **given: list_workflows(**given) if given["load_output"] is False else 1 / 0
    )
    first = await call(client, "list_jobs", limit=2)
    second = await call(client, "list_jobs", limit=2, cursor=first["next_cursor"])
    last = await call(client, "list_jobs", limit=2, cursor=second["next_cursor"])

    listed = [job["job_id"] for page in (first, second, last) for job in page["jobs"]]
    assert listed == ids[::-1]
    assert last["next_cursor"] is None
    assert {(job["tool"], job["task"]) for job in first["jobs"]} == {("import_examples", "support")}
    assert {(job["status"], job["progress"]) for job in first["jobs"]} == {("completed", 1.0)}


async def test_a_client_that_leaves_does_not_stop_its_job(tmp_path: Path) -> None:
    """The call is given up on by the client; the server is told so, and the job goes on."""
    with ScriptedEndpoint(writes_sentences) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            await call(client, "propose_topics", {**TASK, **topics(30)}, wait_seconds=50)
            with anyio.move_on_after(1):
                await client.call_tool("synthesize_examples", {"task": "support", "rows": 120, "wait_seconds": 50})
            [job] = [job for job in (await call(client, "list_jobs"))["jobs"] if job["tool"] == "synthesize_examples"]
            view = await finished(client, job["job_id"])

    assert view["status"] == "completed"
    assert view["result"]["accepted"] == 120


async def test_a_look_at_a_job_reads_neither_its_request_nor_before_its_end_an_outcome(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may be megabytes, and a call that waits looks twenty times a second."""
    looks: list[dict[str, Any]] = []
    list_workflows = DBOS.list_workflows

    def seen(**given: Any) -> list[WorkflowStatus]:
        found = list_workflows(**given)
        looks.append({**given, "ended": bool(found) and found[0].status not in LIVE})
        return found

    def whole(job_id: str) -> None:
        raise AssertionError(job_id)

    monkeypatch.setattr(DBOS, "list_workflows", seen)
    monkeypatch.setattr(DBOS, "get_workflow_status", whole)
    job = await call(client, "import_examples", imported(), wait_seconds=LONG)

    looks = [look for look in looks if look.get("workflow_ids") == [job["job_id"]]]
    assert job["status"] == "completed"
    assert {look["load_input"] for look in looks} == {False}
    assert [look["ended"] for look in looks if look["load_output"]].count(False) == 0
    assert len([look for look in looks if not look["load_output"]]) > 1


async def test_a_workspace_whose_jobs_could_not_be_opened_is_opened_once_they_are_repaired(tmp_path: Path) -> None:
    damaged = tmp_path / "jobs.sqlite"
    with contextlib.closing(sqlite3.connect(damaged)) as connection:
        connection.execute("CREATE TABLE workflow_status (not_as_it_should_be TEXT)")
    with pytest.raises(OperationalError, match="workflow_status already exists"):
        backend.Runtime(make_settings(tmp_path))
    for file in tmp_path.glob("jobs.sqlite*"):
        file.unlink()

    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        assert (await call(client, "import_examples", imported(), wait_seconds=50))["status"] == "completed"
