"""The server is killed (SIGKILL) at random moments of a writing and of a training job; what it began is finished.

Each kill hits both jobs at once. CLASSWRIGHT_KILLS sets how many kills there are.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from classwright_tools.domain.cards import ModelCard
from classwright_tools.workspace.datasets import read_card, read_rows
from classwright_tools.workspace.workspace import Artifact, Workspace
from support.server import TASK, ServerProcess, call, finished, rows, topics, writes_sentences
from support.writing import Said, ScriptedEndpoint, Seen

KILLS = int(os.environ.get("CLASSWRIGHT_KILLS", "3"))
CELLS_A_LABEL = 20
ROWS = 80
ANSWER_SECONDS = 0.02
"""How long the endpoint takes for an answer, so that a kill meets some under way."""


def takes_its_time(seen: Seen) -> Said:
    """Answer like a small model."""
    time.sleep(ANSWER_SECONDS)
    return writes_sentences(seen)


async def start_both(client: Client, number: int) -> dict[str, str]:
    """Start a writing job on a task of its own and a training job with a seed of its own; return their ids."""
    task = f"shop{number}"
    words = {**TASK, "task": task, **topics(CELLS_A_LABEL, f"case {number}")}
    await call(client, "propose_topics", words, wait_seconds=50)
    jobs = {
        "write": await call(client, "synthesize_examples", task=task, rows=ROWS, wait_seconds=0),
        "train": await call(client, "train_classifier", task="support", method="probe", seed=number, wait_seconds=0),
    }
    return {name: job["job_id"] for name, job in jobs.items()}


def stored_situations(workspace: Path) -> set[str]:
    """The situations whose completions are in the store, read as they lie on the disk."""
    with closing(sqlite3.connect(workspace / "index.sqlite")) as connection:
        requests = [json.loads(request) for (request,) in connection.execute("SELECT request FROM completions")]
    return {request["cell"]["subtopic"] for request in requests if request["kind"] == "examples"}


def check_artifacts(root: Path) -> None:
    """Every artifact of the index is whole on the disk, and every folder on the disk is in the index."""
    workspace = Workspace(root)
    for task in workspace.tasks():
        artifacts = workspace.artifacts(task)
        folders = {path.name for path in (root / task).iterdir() if path.is_dir() and not path.name.startswith(".")}
        assert folders == {artifact.id for artifact in artifacts}
        for artifact in artifacts:
            check_whole(workspace, artifact)
    workspace.engine.dispose()


def check_whole(workspace: Workspace, artifact: Artifact) -> None:
    """The files of an artifact are those that its card tells."""
    if artifact.kind == "dataset":
        assert len(read_rows(workspace, artifact.id, "train")) == read_card(workspace, artifact.id).rows("train")
    elif artifact.kind == "model":
        card = ModelCard.model_validate_json((artifact.path / "card.json").read_bytes())
        assert card.files
        for name, digest in card.files.items():
            assert hashlib.sha256((artifact.path / name).read_bytes()).hexdigest() == digest
    else:
        assert json.loads((artifact.path / "document.json").read_bytes())


@pytest.mark.anyio
@pytest.mark.timeout(1800)
async def test_killed_jobs_finish_without_asking_twice_or_leaving_halves(tmp_path: Path) -> None:
    moments = random.Random(20)
    with ScriptedEndpoint(takes_its_time) as endpoint:
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted")

        async def undisturbed_seconds(client: Client) -> float:
            """How long both jobs take on warm processes."""
            for number in (0, 1):
                started = time.monotonic()
                jobs = await start_both(client, number)
                for job_id in jobs.values():
                    assert (await finished(client, job_id))["status"] == "completed"
            return time.monotonic() - started

        async def killed_and_finished(server: ServerProcess, number: int, seconds: float) -> ServerProcess:
            """Kill the server at a random moment of two new jobs, let the next one finish them, and return that."""
            async with Client(server.url) as client:
                jobs = await start_both(client, number)
                await anyio.sleep(moments.uniform(0, seconds))
                server.kill()
            asked_before = list(endpoint.chats)
            stored = stored_situations(tmp_path)
            follower = ServerProcess(tmp_path, *flags).__enter__()
            async with Client(follower.url) as client:
                views = {name: await finished(client, job_id) for name, job_id in jobs.items()}
            check_views(views, number)
            paid = {seen.prompt for seen in asked_before if seen.situation in stored}
            asked_again = {seen.prompt for seen in endpoint.chats[len(asked_before) :]}
            assert not paid & asked_again
            check_artifacts(tmp_path)
            return follower

        server = ServerProcess(tmp_path, *flags).__enter__()
        try:
            async with Client(server.url) as client:
                await call(client, "propose_topics", {**TASK, **topics(1)}, wait_seconds=50)
                await call(client, "import_examples", task="support", split="train", rows=rows(24), wait_seconds=50)
                seconds = await undisturbed_seconds(client)
            for number in range(2, 2 + KILLS):
                server = await killed_and_finished(server, number, seconds)
        finally:
            server.__exit__()

    workspace = Workspace(tmp_path)
    assert len(workspace.artifacts("support", "model")) == KILLS + 2  # one a training job, however often it ran
    assert all(len(workspace.artifacts(f"shop{number}", "dataset")) == 1 for number in range(KILLS + 2))


def check_views(views: dict[str, dict[str, Any]], number: int) -> None:
    """Both jobs are completed, with all their rows and their model."""
    assert {name: view["status"] for name, view in views.items()} == {"write": "completed", "train": "completed"}
    assert views["write"]["result"]["accepted"] == ROWS
    assert views["write"]["result"]["dataset"] == f"shop{number}-d1"
    assert views["train"]["result"]["model"].startswith("support-m")
