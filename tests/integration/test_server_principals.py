"""One workspace for each principal: what is another's is answered exactly like what does not exist."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from sqlalchemy.schema import DropSchema

from classwright_server.config.principals import SLUG_CHARS, slug_of
from classwright_server.config.workspaces import MAX_OPEN, Workspaces
from classwright_tools.catalogue import catalogue
from classwright_tools.domain.example import make_example
from classwright_tools.domain.kinds import KINDS, ids_of
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.postgres import ON_BOTH
from support.server import (
    ERAS,
    LABELS,
    TASK,
    call,
    call_failing,
    connected,
    make_server,
    make_settings,
    rows,
    signed_in,
    token_of,
)
from support.writing import HANG, ScriptedEndpoint

UNKNOWN_JOB = "job_" + "0" * 32
FILLERS: dict[str, Any] = {
    "task": "support",
    "split": "train",
    "rows": [{"text": "x", "label": "refund"}],
    "texts": ["a text"],
    "finish": True,
    "model": "support-m1",
    "assignment": "support-a1",
    "reason": "it is so",
}
ALONG: dict[tuple[str, str], dict[str, Any]] = {
    ("find_examples", "model"): {"doubt": "disagrees"},
    ("prepare_review", "model"): {"dataset": "support-d1"},
    ("edit_examples", "dataset"): {"changes": [{"action": "add_label", "label": "other"}]},
}
"""What an argument goes along with."""


def furnish(workspace: Workspace, run_key: str) -> None:
    """Give a workspace a task and an artifact of every kind."""
    names = tuple(Label(**label) for label in LABELS)
    workspace.save_task(Task(slug="support", instruction="Classify a message.", labels=names))
    examples = [make_example(row["text"], row["label"]) for row in rows(4)]
    save_dataset(workspace, "support", {"train": examples}, parent=None, run_key=run_key, made_by="import_examples")
    for kind in KINDS:
        if kind != "dataset":
            workspace.publish(kind, "support", _write_files, run_key=run_key)
    workspace.engine.dispose()


def _write_files(folder: Path) -> None:
    for name in ("report.json", "report.html", "confusion.svg"):
        (folder / name).write_text("{}")


@pytest.fixture
def server(tmp_path: Path) -> MCPServer[Any]:
    """A server where Alice has a task with an artifact of every kind, and Bob the same task with nothing in it."""
    made = make_settings(tmp_path)
    workspaces = Workspaces(made.tool_settings)
    furnish(workspaces.of(slug_of(token_of("alice"))), "r")
    workspaces.close()
    return make_server(made)


def artifact_arguments() -> list[tuple[str, str, str]]:
    """Every tool with every argument of it that names an artifact, and the letter of the kind."""
    return [
        (tool.name, argument, KINDS[kind].letter)
        for tool in catalogue().values()
        for argument, kind in ids_of(tool.request).items()
    ]


def call_naming(tool: str, argument: str, id_: str) -> dict[str, Any]:
    """The least arguments of `tool` that name the artifact `id_`."""
    schema = catalogue()[tool].request.model_json_schema()
    wanted = {("classify", "model"): {"texts"}, ("submit_examples", "assignment"): {"finish"}}.get(
        (tool, argument), set()
    )
    needed = set(schema.get("required", ())) | wanted | ({"task"} if tool == "find_examples" else set())
    arguments = {name: value for name, value in FILLERS.items() if name in needed}
    return {
        **arguments,
        **ALONG.get((tool, argument), {}),
        argument: id_,
        **({} if tool == "submit_examples" else {"wait_seconds": 0}),
    }


async def answer_to(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """Whatever a tool says, as text."""
    result = await client.call_tool(tool, arguments)
    return str(result.content[0].text)  # type: ignore[union-attr]  # the first is text


@pytest.mark.anyio
async def test_an_artifact_of_another_in_any_argument_is_answered_like_an_unknown_one(server: MCPServer[Any]) -> None:
    async with Client(server) as client:
        with signed_in("bob"):
            await call(client, "propose_topics", TASK)
        for tool, argument, letter in artifact_arguments():
            own, none = (f"support-{letter}{number}" for number in (1, 77))
            with signed_in("bob"):
                of_another = await answer_to(client, tool, call_naming(tool, argument, own))
                of_nobody = await answer_to(client, tool, call_naming(tool, argument, none))
            with signed_in("alice"):
                to_its_owner = await answer_to(client, tool, call_naming(tool, argument, own))

            assert of_another == of_nobody.replace(none, own), (tool, argument)
            assert "does not exist" in of_another, (tool, argument, of_another)
            assert f"{own!r}: does not exist" not in to_its_owner, (tool, argument)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ERAS)
async def test_every_resource_of_another_is_answered_like_an_unknown_one(server: MCPServer[Any], mode: str) -> None:
    async with Client(server, mode=mode) as client:
        templates = (await client.list_resource_templates()).resource_templates
        uris = [uri for template in templates for uri in _uris(template.uri_template)]
        for uri in uris:
            with signed_in("alice"):
                await client.read_resource(uri)
            with signed_in("bob"):
                told = [await _refusal(client, uri), await _refusal(client, uri.replace("support", "nowhere"))]
            assert told[0] == told[1].replace("nowhere", "support"), uri
            assert "does not exist" in told[0]
        with signed_in("bob"):
            [tasks] = (await client.read_resource("classwright://tasks")).contents

    assert len(uris) >= len(KINDS) + 6
    assert json.loads(tasks.text)["tasks"] == []  # type: ignore[union-attr]  # it is JSON


def _uris(template: str) -> list[str]:
    """What a template stands for in Alice's workspace; a job's result has a test of its own."""
    folders = {kind.folder: kind.letter for kind in KINDS.values()}
    if "{job_id}" in template or template.startswith("ui://"):  # the review page is the same for all
        return []
    if "{kind}" in template:
        kinds = folders.items()
        return [f"classwright://support/{kind}/support-{letter}1" for kind, letter in kinds]
    letter = next((letter for folder, letter in folders.items() if f"/{folder}/" in template), "d")
    values = {"task": "support", "artifact": f"support-{letter}1", "split": "train", "chart": "confusion"}
    values |= {"name": "card.json", "part": "0"}
    uri = template.partition("{?")[0]
    for name, value in values.items():
        uri = uri.replace(f"{{{name}}}", value)
    return [uri]


async def _refusal(client: Client, uri: str) -> str:
    with pytest.raises(MCPError) as raised:
        await client.read_resource(uri)
    return str(raised.value)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ERAS)
async def test_a_job_of_another_is_answered_like_an_unknown_one_and_goes_on(tmp_path: Path, mode: str) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url), mode) as client:
            with signed_in("alice"):
                job_id = (await call(client, "propose_topics", TASK, wait_seconds=0))["job_id"]
            for stranger in ("bob", None):
                with signed_in(stranger):
                    told = [await _refusals_of_job(client, id_) for id_ in (job_id, UNKNOWN_JOB)]
                    assert told[0] == [text.replace(UNKNOWN_JOB, job_id) for text in told[1]]
                    assert (await call(client, "list_jobs"))["jobs"] == []
            with signed_in("alice"):
                seen = await call(client, "get_job", job_id=job_id, wait_seconds=0)
                listed = (await call(client, "list_jobs"))["jobs"]
                cancelled = await call(client, "cancel_job", job_id=job_id)

    assert seen["status"] in ("queued", "running")
    assert [job["job_id"] for job in listed] == [job_id]
    assert cancelled["status"] == "cancelled"


async def _refusals_of_job(client: Client, job_id: str) -> list[str]:
    """What everything that takes a job's id says to somebody whose job it is not."""
    tools = [await call_failing(client, tool, job_id=job_id) for tool in ("get_job", "cancel_job")]
    return [*tools, await _refusal(client, f"classwright://jobs/{job_id}/result")]


@pytest.mark.anyio
async def test_one_compute_process_works_in_the_workspace_of_whoever_asks(tmp_path: Path) -> None:
    people = ("alice", "bob", None)
    read = []
    async with connected(make_settings(tmp_path)) as client:
        for number, name in enumerate(people):
            with signed_in(name):
                await call(client, "propose_topics", TASK)
                given = {"task": "support", "split": "train", "rows": rows(2, 10 * number), "wait_seconds": 50}
                assert (await call(client, "import_examples", given))["result"]["dataset"] == "support-d1"
                [page] = (await client.read_resource("classwright://support/datasets/support-d1/train")).contents
                read.append([row["text"] for row in json.loads(page.text)["rows"]])  # type: ignore[union-attr]  # JSON

    assert read == [[row["text"] for row in rows(2, 10 * number)] for number in range(len(people))]
    assert (tmp_path / "principals" / str(slug_of(token_of("bob"))) / "support" / "support-d1").is_dir()


@settings(max_examples=30)
@given(st.text(), st.text())
def test_a_principals_name_is_a_safe_folder_and_always_the_same(issuer: str, subject: str) -> None:
    slug = slug_of(token_of(subject, claims={"iss": issuer}))

    assert slug is not None
    assert len(slug) == SLUG_CHARS
    assert set(slug) <= set("0123456789abcdef")
    assert slug == slug_of(token_of(subject, claims={"iss": issuer}, client_id="other" if subject else "app"))


def test_whoever_differs_in_issuer_subject_or_client_is_another() -> None:
    tokens = [
        token_of("alice"),
        token_of("bob"),
        token_of("alice", claims={"iss": "https://other.example"}),
        token_of(None, client_id="alice"),
        token_of(None, client_id="bob"),
    ]

    assert len({slug_of(token) for token in tokens}) == len(tokens)
    assert slug_of(AccessToken(token="t", client_id="operator", scopes=[])) is None


@ON_BOTH
def test_on_one_database_each_has_an_index_of_their_own(tmp_path: Path, index_url: str | None) -> None:
    tool_settings = make_settings(tmp_path).tool_settings.model_copy(update={"index_url": index_url})
    owners = (None, slug_of(token_of("alice")), slug_of(token_of("bob")))
    for owner in owners * 2:
        workspaces = Workspaces(tool_settings)
        furnish(workspaces.of(owner), str(owner))
        workspaces.close()

    workspaces = Workspaces(tool_settings)
    made = [[artifact.id for artifact in workspaces.of(owner).artifacts("support", "dataset")] for owner in owners]
    workspaces.close()
    assert made == [["support-d1"]] * 3


@ON_BOTH
def test_a_principal_of_whom_all_was_deleted_begins_anew_while_the_server_runs(
    tmp_path: Path, index_url: str | None
) -> None:
    tool_settings = make_settings(tmp_path).tool_settings.model_copy(update={"index_url": index_url})
    workspaces, owner = Workspaces(tool_settings), slug_of(token_of("alice"))
    furnish(workspaces.of(owner), "first")
    if index_url:
        with sa.create_engine(index_url).begin() as connection:
            connection.execute(DropSchema(f"principal_{owner}", cascade=True))
    shutil.rmtree(tmp_path / "principals" / str(owner))

    assert workspaces.of(owner).tasks() == []
    furnish(workspaces.of(owner), "second")
    assert workspaces.of(owner).tasks() == ["support"]
    workspaces.close()


def test_no_more_workspaces_stay_open_than_are_used(tmp_path: Path) -> None:
    workspaces = Workspaces(make_settings(tmp_path).tool_settings)
    owners = [f"{number:032x}" for number in range(MAX_OPEN + 5)]
    first = workspaces.of(owners[0])
    for owner in owners:
        workspaces.of(owner).tasks()

    assert workspaces.of(owners[-1]) is workspaces.of(owners[-1])
    assert workspaces.of(owners[0]) is not first
    workspaces.close()
