"""A tool of the operator's own, added when the server starts: the example of docs/extending, called by a client."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_tools.catalogue import catalogue
from classwright_tools.errors import InvalidInput
from support.paths import ROOT
from support.server import LONG, TASK, call, call_failing, connected, finished, rows

EXTENDING = ROOT / "docs" / "extending"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """The settings of a server that serves `count_examples` too."""
    monkeypatch.syspath_prepend(EXTENDING)  # for the server
    monkeypatch.setenv("PYTHONPATH", str(EXTENDING))  # for its compute processes
    return ServerSettings(tool_settings=ToolSettings(workspace=tmp_path, tools=("count_examples",)))


@pytest.mark.anyio
async def test_a_tool_of_ones_own_is_listed_answers_with_links_and_tells_what_is_wrong(
    settings: ServerSettings,
) -> None:
    async with connected(settings) as client:
        [listed] = [tool for tool in (await client.list_tools()).tools if tool.name == "count_examples"]
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=rows(6), wait_seconds=LONG)
        counted = await call(client, "count_examples", dataset="support-d1", wait_seconds=LONG)
        empty = await call_failing(client, "count_examples", dataset="support-d1", split="test", wait_seconds=LONG)
        unknown = await call_failing(client, "count_examples", dataset="support-d7")
        other_kind = await call_failing(client, "count_examples", dataset="support-m1")

    assert listed.input_schema["required"] == ["dataset"]
    assert counted["result"]["labels"] == {"refund": 3, "delivery": 3}
    assert counted["uris"] == {"dataset": "classwright://support/datasets/support-d1"}
    assert empty == "split 'test' of 'support-d1': is empty. Import rows, or name another split."
    assert "Did you mean 'support-d1'?" in unknown
    assert "dataset: is the id of a model, not of a dataset" in other_kind


@pytest.mark.anyio
async def test_a_job_of_a_tool_that_another_server_was_not_given_says_so(settings: ServerSettings) -> None:
    without = ServerSettings(tool_settings=settings.tool_settings.model_copy(update={"tools": ()}))
    async with connected(without) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=rows(6), wait_seconds=LONG)
    async with connected(settings.model_copy(update={"jobs": ()})) as client:
        job = await call(client, "count_examples", dataset="support-d1", wait_seconds=0)
    async with connected(without) as client:
        done = await finished(client, job["job_id"])

    assert "tool 'count_examples': is not served by the process that took the job" in done["error"]
    assert "--tool" in done["error"]


@pytest.mark.anyio
async def test_a_tool_of_ones_own_that_fails_or_returns_something_else_is_told_as_what_is_wrong(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (EXTENDING / "count_examples.py").read_text()
    for name, line in (("raising", 'raise ValueError("no such counter")'), ("careless", 'return {"rows": 1}')):
        code = whole.replace("def count_examples(", f"def {name}(").replace("run=count_examples", f"run={name}")
        code = code.replace("    context.progress(0.0", f"    {line}\n    context.progress(0.0")
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    own = settings.tool_settings.model_copy(update={"tools": ("raising", "careless")})
    async with connected(settings.model_copy(update={"tool_settings": own})) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=rows(6), wait_seconds=LONG)
        raised = await call_failing(client, "raising", dataset="support-d1", wait_seconds=LONG)
        careless = await call_failing(client, "careless", dataset="support-d1", wait_seconds=LONG)

    told = "raising: tool 'raising' (raising), an extension, raised ValueError: no such counter (incident "
    assert raised.startswith(told)
    assert careless.startswith("tool 'careless' (careless): returned a dict, and its result is declared to be a Count")


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("no_such_module", "cannot be imported"),
        ("json", "has no TOOL"),
        ("half_a_tool", r"cannot be imported .SyntaxError: .*Correct it, or take its --tool out"),
        ("classwright_tools.classify", "is there already"),
    ],
)
def test_a_module_that_brings_no_tool_of_its_own_is_named_with_the_repair(
    module: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_a_tool.py").write_text("TOOL = (")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidInput, match=told):
        catalogue([module])
