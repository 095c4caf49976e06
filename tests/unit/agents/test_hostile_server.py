"""The agent against servers that lie: what they answer is checked, counted, made inert, or refused in a sentence."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

from classwright_agents.answers import Job, Rows, TopicsResult, read_as
from classwright_agents.artifacts import fetch_all, fetch_sample
from classwright_agents.build import Build
from classwright_agents.coach import Coach
from classwright_agents.errors import AgentError, RunError, ServerError
from classwright_agents.journal import Journal
from classwright_agents.limits import goal_of
from classwright_agents.report.card import card
from classwright_agents.report.page import Material
from classwright_agents.server import Server
from classwright_agents.steps import Steps
from classwright_agents.view import PlainView
from classwright_tools.contract import (
    ErrorAnalysisResult,
    EvaluateResult,
    EvaluationReport,
    ExportModelResult,
    ImportExamplesResult,
    SynthesizeExamplesResult,
    TrainClassifierResult,
)
from support.agent import (
    analysed,
    evaluation_report,
    exported,
    finished_outcome,
    imported,
    measured,
    small_task,
    topics,
    trained,
    written,
)

TOOLS = ("propose_topics", "import_examples", "synthesize_examples", "train_classifier", "evaluate", "error_analysis")


class Liar:
    """A real MCP server that answers every tool with `answer`, and lists one file of an artifact."""

    def __init__(self, answer: Any = None, name: str = "model.bin", body: bytes = b"words", **listed: Any) -> None:
        self.parts = 0
        self._answer, self._body = answer, body
        told = {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "parts": 1, **listed}
        self._files = json.dumps({"files": [told]})
        self.mcp = MCPServer("liar")
        for tool in TOOLS:
            self.mcp.add_tool(self._tool, name=tool, structured_output=False)
        self.mcp.resource("classwright://{task}/artifacts/{artifact}/files")(self._list)
        self.mcp.resource("classwright://{task}/artifacts/{artifact}/files/{name}/{part}")(self._part)
        self.mcp.resource("classwright://{task}/datasets/{dataset}/{split}{?offset,limit}")(self._rows)

    def _tool(self) -> Any:
        return self._answer

    def _list(self, task: str, artifact: str) -> str:  # noqa: ARG002  # the URI's
        return self._files

    def _part(self, task: str, artifact: str, name: str, part: str) -> bytes:  # noqa: ARG002  # the URI's
        self.parts += 1
        return self._body

    def _rows(self, task: str, dataset: str, split: str, offset: int = 0, limit: int = 1) -> str:  # noqa: ARG002  # the URI's
        return json.dumps(self._answer)


def raised(mcp: MCPServer[Any], do: Callable[[Server], Awaitable[Any]]) -> AgentError | None:
    """What the agent says when it does something with a server."""

    async def go() -> AgentError | None:
        async with Client(mcp) as client:
            try:
                await do(Server(client, log=None))
            except AgentError as error:
                return error
            return None

    return anyio.run(go)


def fetched(liar: Liar, folder: Path) -> AgentError | None:
    return raised(liar.mcp, lambda server: fetch_all(server, "support", "support-x1", folder))


@pytest.mark.parametrize("name", ["../x", "/x", "a\x00b", "n" * 300, "a/" + "n" * 300, "", "..", "a\\b", "C:x", "a\nb"])
def test_a_file_name_that_is_none_is_refused_before_anything_is_fetched(name: str, tmp_path: Path) -> None:
    liar = Liar(name=name)

    error = fetched(liar, tmp_path / "model")

    assert isinstance(error, ServerError)
    assert "unsafe name" in str(error)
    assert liar.parts == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "listed", "most_parts"),
    [
        (b"words", {"parts": 10**9}, 2),
        (b"", {"parts": 10**9, "bytes": 10**6}, 1),
        (b"words", {"parts": 10**9, "bytes": 12}, 3),
        (b"words", {"bytes": 3}, 1),
        (b"words", {"bytes": 5_000}, 1),
        (b"words", {"sha256": "0" * 64}, 1),
        (b"words", {"bytes": 9 * 2**30}, 0),
        (b"words", {"bytes": -1}, 0),
        (b"words", {"bytes": "many"}, 0),
    ],
)
def test_a_file_has_the_bytes_that_are_listed_and_no_more(
    body: bytes, listed: dict[str, Any], most_parts: int, tmp_path: Path
) -> None:
    liar = Liar(body=body, **listed)

    assert isinstance(fetched(liar, tmp_path), ServerError)
    assert liar.parts <= most_parts
    assert list(tmp_path.iterdir()) == []


def test_files_that_the_disk_has_no_room_for_are_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 3))  # type: ignore[attr-defined]
    liar = Liar()

    error = fetched(liar, tmp_path)

    assert isinstance(error, RunError)
    assert "the disk has no room" in str(error)
    assert liar.parts == 0


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
GOOD: dict[type[BaseModel], dict[str, Any]] = {
    TopicsResult: topics(),
    ImportExamplesResult: imported(),
    SynthesizeExamplesResult: written(0),
    TrainClassifierResult: trained(),
    EvaluateResult: measured(0.9),
    ErrorAnalysisResult: analysed(),
    ExportModelResult: exported(),
    EvaluationReport: evaluation_report().model_dump(mode="json"),
}


@given(st.data())
@settings(max_examples=300)
def test_an_answer_with_anything_in_the_place_of_a_field_is_taken_or_refused(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(list(GOOD)))
    answer = GOOD[model] | {data.draw(st.sampled_from(sorted(GOOD[model]))): data.draw(nonsense)}
    try:
        read_as(model, answer, "It")
    except ServerError as error:
        assert "It: is not what a Classwright server answers" in str(error)  # noqa: PT017  # either is right


@given(st.sampled_from([*GOOD, Job, Rows]), nonsense | st.binary(max_size=40))
@settings(max_examples=300)
def test_anything_at_all_is_refused_as_an_answer(model: type[Any], answer: Any) -> None:
    with pytest.raises(ServerError, match="is not what a Classwright server answers"):
        read_as(model, answer, "It")


def test_every_good_answer_is_taken_whole() -> None:
    for model, answer in GOOD.items():
        assert read_as(model, answer, "It") == model.model_validate(answer)


def test_what_a_newer_server_adds_is_left_aside_at_every_depth() -> None:
    for model, answer in GOOD.items():
        assert read_as(model, newer(answer), "It") == read_as(model, answer, "It")


def newer(answer: Any) -> Any:
    """The answer with a field more in every object of it that has fields of a name."""
    if isinstance(answer, list):
        return [newer(item) for item in answer]
    if isinstance(answer, dict) and not COUNTED.issuperset(answer):
        return {name: newer(value) for name, value in answer.items()} | {"added_since": [1]}
    return answer


COUNTED = {"refund", "near-duplicate", "too short", "validation"}
"""The keys of counts by label, by reason and by split."""


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_figure_that_is_no_finite_number_is_refused(number: str) -> None:
    told = json.dumps(trained()).replace('"temperature": 1.0', f'"temperature": {number}')

    for answer in (told.encode(), json.loads(told)):
        with pytest.raises(ServerError, match="is not what a Classwright server answers"):
            read_as(TrainClassifierResult, answer, "It")


@pytest.mark.parametrize(
    "matrix", [[], [[1, 2, 3]] * 2, [[1, 2]] * 3, [[1, 2, 3], [4, 5, 6], [7, 8]], [[1, -1, 0]] * 3]
)
def test_a_confusion_matrix_that_cannot_be_drawn_is_refused(matrix: list[list[int]]) -> None:
    report = evaluation_report().model_dump(mode="json") | {"confusion_matrix": matrix}

    with pytest.raises(ServerError, match="is not what a Classwright server answers"):
        read_as(EvaluationReport, report, "It")


@pytest.mark.parametrize("id_", ["../../jobs", "support-m1/../x", "support-m1?x", "", "support-m1\n", 3, None])
def test_an_id_that_could_lead_elsewhere_is_none(id_: Any) -> None:
    with pytest.raises(ServerError, match="model"):
        read_as(TrainClassifierResult, trained() | {"model": id_}, "It")


@pytest.mark.parametrize("answer", ["words", "[]", '{"job_id": 3}', '{"job_id": "../x", "status": "running"}'])
def test_a_build_on_a_server_of_another_kind_ends_in_a_sentence(answer: str, tmp_path: Path) -> None:
    liar = Liar(json.loads(answer) if answer != "words" else answer)
    task, journal, view = small_task(), Journal(tmp_path), PlainView("accuracy", io.StringIO())
    coach = Coach(goal_of(task))
    try:
        error = raised(liar.mcp, lambda server: Build(task, coach, Steps(journal, server, view), journal, view).run())
    finally:
        journal.close()

    assert isinstance(error, AgentError)
    assert "\n" not in str(error)


@pytest.mark.parametrize("answer", [{}, {"total": "many", "rows": []}, {"total": 3, "rows": [{"text": 3}]}, [], "x"])
def test_rows_that_are_none_are_refused(answer: Any) -> None:
    error = raised(Liar(answer).mcp, lambda server: fetch_sample(server, "support", "support-d1", 3))

    assert isinstance(error, ServerError)


NASTY = "![x](http://evil.example/a.png) [y](javascript:alert(1)) <img src=x> `code` | www.evil.example _em_"


def test_nothing_of_the_servers_is_a_link_or_an_image_in_the_card() -> None:
    outcome = finished_outcome()
    task = small_task(instruction=NASTY, credit=NASTY)

    text = card(task, outcome, Material(measured=evaluation_report(warnings=[NASTY])))

    assert "!\\[x\\](" in text
    assert "![" not in text
    assert "](http" not in text.replace("\\](", "")
    assert "http://" not in text
    assert "www." not in text
    assert "<img" not in text
