"""The agent at a server that wants a token: what it fetches and is told there; no other server sees the token."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_agents.cli import main
from classwright_agents.errors import ServerError
from classwright_agents.server import connect
from classwright_agents.task_file import ServerEntry
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.review import review_dataset
from support.server import ServerProcess
from support.writing import ScriptedEndpoint, echoed, said_status

TOKEN = "an-operators-token-of-a-test"
WORDS = {
    (401, None): r"asks for a token \(HTTP 401\)\. Name the environment variable that holds it: --token-env",
    (401, "TEST_TOKEN"): r"does not take the token in environment variable 'TEST_TOKEN' \(HTTP 401\)",
    (403, "TEST_TOKEN"): r"does not let this token in: it lacks a scope \(HTTP 403\)",
    (404, None): r"has nothing at this address \(HTTP 404\)\. The address of a Classwright server ends in /mcp",
    (421, None): r"does not answer by the name in its URL \(HTTP 421\)",
    (503, None): r"cannot answer now \(HTTP 503\)",
}


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "token_env"), WORDS)
async def test_what_a_server_refuses_by_its_status_is_told_with_the_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, token_env: str | None
) -> None:
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    with (
        ScriptedEndpoint(lambda _: said_status(status)) as server,
        pytest.raises(ServerError, match=WORDS[status, token_env]) as told,
    ):
        async with connect(ServerEntry(url=server.url, token_env=token_env), tmp_path, tmp_path):
            pass

    assert TOKEN not in str(told.value)


def test_files_of_an_artifact_are_fetched_with_the_servers_token_and_not_without(
    workspace: Workspace,
    task: Task,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = review_dataset(workspace, task)
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    with ServerProcess(workspace.root, "--token-env", "TEST_TOKEN") as server:
        where = ["--server", server.url]
        fetched = main(["fetch", dataset, *where, "--token-env", "TEST_TOKEN", "-o", str(tmp_path / "files")])
        said = capsys.readouterr().out
        codes = [
            main(["fetch", dataset, *where, "-o", str(tmp_path / "none")]),
            main(["fetch", f"{task.slug}-d9", *where, "--token-env", "TEST_TOKEN"]),
            main(["fetch", "no/id", *where]),
            main(["build", str(written_task(tmp_path)), *where, "--runs", str(tmp_path / "runs")]),
        ]
    told = capsys.readouterr().err

    assert fetched == 0
    assert said.endswith(f" MB, in {tmp_path / 'files'}\n")
    stored = workspace.artifact(dataset, "dataset").path
    for path in filter(Path.is_file, stored.rglob("*")):
        assert (tmp_path / "files" / path.relative_to(stored)).read_bytes() == path.read_bytes()
    assert codes == [1, 1, 1, 1]
    assert told.count("asks for a token (HTTP 401)") == 2
    assert "artifact 'no/id': is no id of one" in told
    assert "does not exist" in told
    assert not (tmp_path / "none").exists()


def written_task(folder: Path) -> Path:
    path = folder / "task.yaml"
    path.write_text("task: t\ninstruction: Tell a from b.\nlabels: [{name: a}, {name: b}]\n", encoding="utf-8")
    return path


@pytest.mark.anyio
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_with_the_token_or_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("TEST_TOKEN", "a token of the test")
    with (
        ScriptedEndpoint(echoed) as elsewhere,
        ScriptedEndpoint(lambda _: said_status(status, Location=elsewhere.url)) as named,
    ):
        with pytest.raises(ServerError, match="does not answer"):
            async with connect(ServerEntry(url=named.url, token_env="TEST_TOKEN"), tmp_path, tmp_path):
                pass

        assert named.seen[0].headers["authorization"] == "Bearer a token of the test"
        assert elsewhere.seen == []
