"""Small calls of `classify`: answered at once by a process that keeps the model, and a job where that would not do."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from classwright_server import at_once, runtime
from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.jobs import disk_quota
from classwright_server.jobs.forking import CAN_FORK
from classwright_server.jobs.warm import WarmProcesses
from support.server import (
    LONG,
    TASK,
    call,
    call_failing,
    compute_processes,
    connected,
    finished,
    make_settings,
    rows,
    shared_processes,
    signed_in,
)

pytestmark = pytest.mark.anyio
TEXT = "I want my money back at once"


async def trained(client: Client, swapped: bool = False) -> None:
    """Make the model `support-m1`; `swapped` is one that takes each label for the other."""
    names = {"refund": "delivery", "delivery": "refund"} if swapped else {}
    given = [{**row, "label": names.get(row["label"], row["label"])} for row in rows(24)]
    await call(client, "propose_topics", TASK)
    await call(client, "import_examples", task="support", split="train", rows=given, wait_seconds=LONG)
    await call(client, "train_classifier", task="support", method="probe", wait_seconds=LONG)


async def classified(client: Client, *texts: str, **more: Any) -> dict[str, Any]:
    """Classify texts by the model."""
    return await call(client, "classify", model="support-m1", texts=texts or (TEXT,), **more)


async def job_ids(client: Client) -> list[str]:
    """The jobs of whoever asks."""
    return [job["job_id"] for job in (await call(client, "list_jobs"))["jobs"]]


def likeliest(view: dict[str, Any]) -> str:
    """The likeliest label of the first text."""
    return str(view["result"]["results"][0]["likeliest"][0][0])


async def test_a_small_call_is_answered_at_once_and_leaves_no_job(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await trained(client)
        before = await job_ids(client)
        view = await classified(client, wait_seconds=0)
        many = await classified(client, *(row["text"] for row in rows(150, 500)))
        unknown = await call_failing(client, "classify", model="suport-m1", texts=[TEXT])
        missing = await call(client, "classify", model="support-m1", texts=[TEXT, None, " "])
        after = await job_ids(client)

    assert (view["status"], view["job_id"], view["progress"]) == ("completed", "", 1.0)
    assert likeliest(view) == "refund"
    assert many["shown_in_part"]["results"]["total"] == 150  # `call` has read the whole
    assert many["job_id"] == ""
    assert "Did you mean 'support-m1'?" in unknown
    assert "2 texts have no answer: texts[1] is empty; texts[2] is empty." in missing["summary"]
    assert missing["result"]["results"][0] == view["result"]["results"][0]
    assert after == before


async def test_the_table_of_a_dataset_reads_over_the_wire_as_it_is_on_the_disk(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await trained(client)
        await call(client, "import_examples", task="support", split="unlabelled", rows=rows(30, 500), wait_seconds=LONG)
        asked = {"model": "support-m1", "dataset": "support-d2", "wait_seconds": LONG}
        view = await call(client, "classify", asked)
        [content] = (await client.read_resource(view["uris"]["answers"])).contents

    table = content.text  # type: ignore[union-attr]  # it is CSV
    own = [row for row in csv.DictReader(io.StringIO(table, newline="")) if row["decided_by"] == "model"]
    assert {row["sure"] for row in own} <= {"true", "false"}
    assert len(own) == view["shown_in_part"]["results"]["total"] == 30
    assert view["shown_in_part"]["results"]["uri"] == view["uris"]["answers"]
    with next(tmp_path.glob("support/support-r*/answers.csv")).open(encoding="utf-8", newline="") as file:
        assert file.read() == table


async def test_the_same_process_answers_again_and_says_when_the_model_was_damaged_or_removed(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path), shares=False) as client:
        await trained(client)
        await classified(client)
        first = compute_processes(os.getpid(), "short")
        await classified(client)
        again = compute_processes(os.getpid(), "short")
        head = tmp_path / "support" / "support-m1" / "head.safetensors"
        content = head.read_bytes()
        head.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        damaged = await call_failing(client, "classify", model="support-m1", texts=[TEXT])
        head.unlink()
        removed = await call_failing(client, "classify", model="support-m1", texts=[TEXT])
        head.write_bytes(content)
        mended = await classified(client)

    assert first == again
    assert len(first) == (2 if CAN_FORK else 1)  # rows are imported without torch, so by another than what is forked
    assert "'head.safetensors' has changed since it was written" in damaged
    assert "'head.safetensors' is missing" in removed
    assert likeliest(mended) == "refund"


async def test_a_process_that_keeps_models_of_several_answers_each_with_their_own(tmp_path: Path) -> None:
    """Both have a model of the same id, and one process answers in turn."""
    async with connected(make_settings(tmp_path)) as client:
        for name, swapped in (("alice", False), ("bob", True)):
            with signed_in(name):
                await trained(client, swapped)
        told = []
        for name in ("alice", "bob", "alice", "bob"):
            with signed_in(name):
                told.append(likeliest(await classified(client)))
        with signed_in("carol"):
            stranger = await call_failing(client, "classify", model="support-m1", texts=[TEXT])

    assert told == ["refund", "delivery", "refund", "delivery"]
    assert "does not exist" in stranger


async def test_a_call_of_much_work_is_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await trained(client)
        monkeypatch.setattr(runtime, "AT_ONCE_BYTES", len(TEXT))
        small = await classified(client)
        large = await classified(client, TEXT, TEXT, wait_seconds=LONG)

    assert small["job_id"] == ""
    assert large["job_id"]
    assert likeliest(large) == likeliest(small)


async def test_where_there_is_no_room_texts_are_answered_and_a_dataset_whose_answers_are_stored_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [{"text": row["text"]} for row in rows(4, 700)]
    async with connected(make_settings(tmp_path)) as client:
        await trained(client)
        view = await call(client, "import_examples", task="support", split="unlabelled", rows=own, wait_seconds=LONG)
        whole = {"model": "support-m1", "dataset": view["result"]["dataset"]}
        at_once = await call(client, "classify", **whole)
        monkeypatch.setattr(disk_quota, "MIN_FREE_BYTES", 2**60)
        told = await call_failing(client, "classify", **whole)
        texts = await classified(client)

    assert (at_once["job_id"], at_once["result"]["report"]) == ("", "support-r1")
    assert "the server's disk: has less than" in told
    assert likeliest(texts) == "refund"
    assert not (tmp_path / "support" / "support-r2").exists()


async def test_a_server_that_runs_no_short_jobs_leaves_the_work_to_those_that_do(tmp_path: Path) -> None:
    tool_settings = ToolSettings(workspace=tmp_path)
    async with connected(make_settings(tmp_path)) as client:
        await trained(client)
    async with connected(ServerSettings(tool_settings=tool_settings, jobs=())) as client:
        waiting = await classified(client, wait_seconds=0)
    async with connected(make_settings(tmp_path)) as client:
        done = await finished(client, waiting["job_id"])

    assert waiting["status"] == "queued"
    assert likeliest(done) == "refund"


async def test_a_call_whose_turn_does_not_come_is_a_job_and_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call starts a process, which takes longer than the others are let wait."""
    async with connected(make_settings(tmp_path)) as client:
        await trained(client)
    monkeypatch.setattr(at_once, "TURN_SECONDS", 0.05)
    shared_processes()._end(lambda _process: True)
    async with connected(make_settings(tmp_path)) as client:
        views: list[dict[str, Any]] = []

        async def ask() -> None:
            views.append(await classified(client, wait_seconds=LONG))

        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(ask)

    assert [likeliest(view) for view in views] == ["refund"] * 3
    assert sorted(bool(view["job_id"]) for view in views) == [False, True, True]


async def test_a_warm_process_is_lent_for_what_it_keeps_and_kept_longer_than_one_that_keeps_nothing() -> None:
    warm = WarmProcesses(idle_seconds=0.0, keeping_seconds=600.0)
    warm._closed.set()  # what the reaper does is called here
    warm._reaper.join()
    warm._closed.clear()
    environment = dict(os.environ)
    alice, other = warm.take("short", environment, "alice m1"), warm.take("short", environment)
    for process in (other, alice):
        warm.give_back(process)
    try:
        assert warm.take("short", environment, "alice m1") is alice
        warm.give_back(alice)
        assert warm.take("short", environment) is other
        warm.give_back(other)
        warm._end(warm._is_expired)
        assert (alice.is_alive(), other.is_alive()) == (True, False)
    finally:
        warm.close()
