"""`classwright remove`: a task goes with all that is held of it, in one go or after a kill; what is another's stays."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

from classwright_server.cli import main
from classwright_server.config.settings import ServerSettings
from classwright_server.config.workspaces import Workspaces
from classwright_server.jobs.launch import JOBS_FILE
from classwright_server.mcp.long_answers import keep_answer
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import NotFound
from classwright_tools.workspace.index import INDEX_FILE
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.completions.store import CompletionStore
from support.postgres import PostgresServer
from support.server import LONG, TASK, call, call_failing, connected, make_settings, on_store, rows, signed_in, topics
from support.writing import HANG, ScriptedEndpoint

pytestmark = pytest.mark.anyio

WORD = "Quixotrampoline"
OTHERS_WORD = "Zephyrhammock"


def holding(folder: Path, word: str) -> list[str]:
    """The files in `folder` that hold `word`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if word.encode() in path.read_bytes()]


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of all files in `folder`."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def furnish(client: Client, workspace: Workspace, task: str, word: str) -> None:
    """Give a task rows, a dataset, a job, a writer's answer, a long answer and a computed file, with `word` in all."""
    await call(client, "propose_topics", {**TASK, "task": task, "instruction": f"Tell {word} apart.", **topics(1)})
    given = [{**row, "text": f"{row['text']} {word}"} for row in rows(4)]
    await call(client, "import_examples", task=task, split="train", rows=given, wait_seconds=LONG)
    names = tuple(Label(name=name) for name in ("a", "b"))
    request = WritingRequest(kind="labels", task=task, instruction=word, labels=names, languages=("en",), count=1)
    CompletionStore(workspace.engine).put(task, request, Completion(items=(word,)))
    keep_answer(workspace.root, f"job_{len(task):032x}", {"dataset": f"{task}-d1", "text": word})
    half = workspace.root / "long-answers" / f".job_{len(task):032x}"  # as a kill leaves it
    half.write_text(f'{{"dataset": "{task}-d1", "text": "{word}')
    review = workspace.cache / "review"
    review.mkdir(parents=True, exist_ok=True)
    (review / f"{task}-d1.alone.npz").write_text(word)


def remove(settings: ServerSettings, *words: str) -> tuple[int, str]:
    """Run the command, and return its exit code and what it said."""
    tools, said = settings.tool_settings, io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(["remove", "--workspace", str(tools.workspace), *on_store(tools.index_url), *words])
    return code, said.getvalue()


async def test_a_task_goes_with_its_texts_and_another_stays_bit_by_bit(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    workspace = Workspace(tmp_path)
    async with connected(settings) as client:
        await furnish(client, workspace, "support", WORD)
        await furnish(client, workspace, "other", OTHERS_WORD)
        before = contents(tmp_path / "other")
        held = holding(tmp_path, WORD)

        code, told = remove(settings, "support", "--yes")  # while the server runs
        unknown = await call_failing(client, "find_examples", task="other", dataset="support-d1")
        found = await call(client, "find_examples", task="other", dataset="other-d1", wait_seconds=LONG)
        jobs = [job["task"] for job in (await call(client, "list_jobs"))["jobs"]]
    with pytest.raises(NotFound, match="task 'support': is not there any more"):
        workspace.publish("report", "support", lambda _: None, run_key="late")
    workspace.engine.dispose()

    assert {f"{INDEX_FILE}-wal", f"{JOBS_FILE}-wal", "support-d1.alone.npz"} <= set(held)
    assert code == 0, told
    assert "1 dataset, 1 topic tree, 1 stored answer of a writer, 1 finished job with its request and answer" in told
    assert "Not reached: files that were exported" in told
    assert holding(tmp_path, WORD) == []
    assert holding(tmp_path, "support-d1") == []
    assert "dataset 'support-d1': does not exist." in unknown
    assert contents(tmp_path / "other") == before
    assert found["result"]["total"] == 4
    assert set(jobs) == {"other"}
    assert "other-d1.alone.npz" in holding(tmp_path, OTHERS_WORD)


KILLED = """
import os, sys
from classwright_server.cli import main
from classwright_server.jobs.removal import TaskJobs
from classwright_tools.workspace import removal

def end(*_):
    os._exit(9)

part, name = (TaskJobs, sys.argv[1][5:]) if sys.argv[1].startswith("jobs.") else (removal, sys.argv[1])
setattr(part, name, end)
sys.exit(main(sys.argv[2:]))
"""


async def test_a_removal_that_is_killed_goes_on_with_the_same_command(tmp_path: Path) -> None:
    settings, workspace = make_settings(tmp_path), Workspace(tmp_path)
    async with connected(settings) as client:
        await furnish(client, workspace, "support", WORD)
    workspace.engine.dispose()
    (tmp_path / ".removed-support").mkdir()
    (tmp_path / "support").rename(tmp_path / ".removed-support" / "half")  # killed before the index forgot the task
    command = ["remove", "support", "--yes", "--workspace", str(tmp_path)]
    for step in ("jobs.forget_finished", "forget_computed", "jobs.compact", "end_removal"):
        killed = subprocess.run([sys.executable, "-c", KILLED, step, *command], capture_output=True)
        assert killed.returncode == 9, killed.stderr
        assert (tmp_path / ".removed-support").is_dir()

    code, told = remove(settings, "support", "--yes")

    assert code == 0, told
    assert "This ends a removal that was begun" in told
    assert holding(tmp_path, WORD) == []
    assert not (tmp_path / ".removed-support").exists()
    code, told = remove(settings, "support", "--yes")
    assert code == 2
    assert "task 'support': does not exist" in told


async def test_jobs_that_wait_or_run_are_named_and_nothing_goes(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        settings = make_settings(tmp_path, writer_url=endpoint.url)
        async with connected(settings) as client:
            job = (await call(client, "propose_topics", TASK, wait_seconds=0))["job_id"]
            while not (tmp_path / "index.sqlite").exists() or "support" not in Workspace(tmp_path).tasks():
                await call(client, "get_job", job_id=job, wait_seconds=1)
            code, told = remove(settings, "support", "--yes")
            await call(client, "cancel_job", job_id=job)
            again, _ = remove(settings, "support", "--yes")

    assert code == 2
    assert f"task 'support': has 1 job that waits or runs: {job}. Let a server end them, or a client cancel" in told
    assert again == 0


async def test_in_postgresql_no_table_keeps_a_text(own_postgres: PostgresServer, tmp_path: Path) -> None:
    """A principal's, in a schema of their own; what the operator has of the same name stays."""
    url = own_postgres.new_database()
    settings = make_settings(tmp_path, index_url=url)
    async with connected(settings) as client:
        with signed_in("ann"):
            await call(client, "propose_topics", TASK)
            slug = next((tmp_path / "principals").iterdir()).name
            anns = Workspaces(settings.tool_settings).of(slug)
            await furnish(client, anns, "support", WORD)
            anns.engine.dispose()
        operators = Workspace(tmp_path, url)
        await furnish(client, operators, "support", OTHERS_WORD)
    before = own_postgres.tables_with(WORD)

    anns_rows = ["export", "support-d1", str(tmp_path / "anns"), "--principal", slug]
    exported = main([*anns_rows, "--workspace", str(tmp_path), "--index-url", url])
    has_word = [path for path in (tmp_path / "anns").iterdir() if WORD in path.read_text()]
    shutil.rmtree(tmp_path / "anns")
    code, told = remove(settings, "support", "--principal", slug, "--yes")

    assert (exported, code) == (0, 0), told
    assert has_word
    assert before
    assert own_postgres.tables_with(WORD) == []
    assert "write-ahead log" in told
    assert "cache/HOST/embeddings-*" in told
    assert holding(tmp_path, WORD) == []
    assert operators.tasks() == ["support"]
    assert own_postgres.tables_with(OTHERS_WORD)
    operators.engine.dispose()
    assert main(["export", "support-d1", str(tmp_path / "out"), "--workspace", str(tmp_path), "--index-url", url]) == 0


def test_what_cannot_be_asked_or_found_is_told(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)

    def told(*words: str) -> str:
        code, said = remove(settings, *words)
        assert code == 2
        return said

    assert "has no index in it. Name its folder with --workspace" in told("support", "--yes")
    for command in ("export a-d1 out", "push a-d1 a/b", "classify a-m1 in -o out.csv"):
        assert main([*command.split(), "--workspace", str(tmp_path / "typo")]) == 2
    assert list(tmp_path.iterdir()) == []
    workspace = Workspace(tmp_path)
    workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=(Label(name="a"), Label(name="b"))))
    assert "Did you mean 'support'?" in told("suport")
    assert "asks first, and nobody is there to answer. Add --yes." in told("support")
    assert "principal 'nobody': does not exist" in told("support", "--principal", "nobody", "--yes")
    assert workspace.tasks() == ["support"]
    workspace.engine.dispose()
    (tmp_path / "principals" / "ann" / "theirs").mkdir(parents=True)
    of_one = "task 'theirs': is none of the operator's, but of 1 principal: ann. Name whose with --principal."
    assert of_one in told("theirs", "--yes")
