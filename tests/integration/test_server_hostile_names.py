"""Names that lead elsewhere, in every place of every resource and in every argument that names something."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.hostile import LEADING_ELSEWHERE
from support.server import LABELS, connected, make_settings, rows

pytestmark = pytest.mark.anyio

SECRET = "a secret that lies outside"
# One resource of each template, with a place for each of its names.
TEMPLATES: dict[str, dict[str, str]] = {
    "classwright://jobs/{job_id}/result": {"job_id": "job_00"},
    "classwright://{task}": {"task": "support"},
    "classwright://{task}/artifacts/{artifact}/files": {"task": "support", "artifact": "support-d1"},
    "classwright://{task}/artifacts/{artifact}/files/{name}": {
        "task": "support",
        "artifact": "support-d1",
        "name": "card.json",
    },
    "classwright://{task}/artifacts/{artifact}/files/{name}/{part}": {
        "task": "support",
        "artifact": "support-d1",
        "name": "card.json",
        "part": "0",
    },
    "classwright://{task}/reports/{artifact}/report.html": {"task": "support", "artifact": "support-r1"},
    "classwright://{task}/reports/{artifact}/{chart}.svg": {
        "task": "support",
        "artifact": "support-r1",
        "chart": "confusion",
    },
    "classwright://{task}/datasets/{artifact}/{split}{?offset,limit,label,q}": {
        "task": "support",
        "artifact": "support-d1",
        "split": "train",
    },
    "classwright://{task}/{kind}/{artifact}": {"task": "support", "kind": "datasets", "artifact": "support-d1"},
}
# The page under any name is one and the same: see test_review_page_served.py.
PAGES = {"ui://classwright/{name}.html"}  # fmt: skip
PLACES = [(template, place) for template, places in TEMPLATES.items() for place in places]
# Looked up by the job itself: see train_classifier/test_runs.py, test_encoders.py, test_import_hostile_sources.py.
NAMING_TO_JOBS = {"encoder", "path"}
# Arguments that name something which is looked up, or that become part of a path.
NAMING = ("task", "dataset", "model", "against", "plan", "topic_tree", "assignment", "annotation",
          "augmentation", "pretrain_dataset", "from_dataset", "job_id", "cursor", "hub", "split",
          "compare_to", "revert_to", "undo", "source")  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a dataset and a report, and a secret beside it. Nothing here is to change it."""
    folder = tmp_path_factory.mktemp("hostile")
    workspace = Workspace(folder / "shop")
    names = tuple(Label(**label) for label in LABELS)
    workspace.save_task(Task(slug="support", instruction="Classify a message.", labels=names))
    examples = [make_example(row["text"], row["label"]) for row in rows(4)]
    save_dataset(workspace, "support", {"train": examples}, parent=None, run_key="r", made_by="import_examples")
    workspace.publish(
        "report", "support", lambda folder: (folder / "report.html").write_text("<p>") and None, run_key="r"
    )
    workspace.engine.dispose()
    for name in ("secret.jsonl", "secret.jsonl.svg", "card.json"):
        (folder / name).write_text(SECRET)
        (workspace.root / name).write_text(SECRET)
    return workspace.root


@pytest.fixture(scope="module")
async def client(shop: Path) -> AsyncIterator[Client]:
    async with connected(make_settings(shop)) as made:
        yield made


async def test_the_templates_below_are_all_there_are(client: Client) -> None:
    listed = await client.list_resource_templates()

    assert {template.uri_template for template in listed.resource_templates} == TEMPLATES.keys() | PAGES


@pytest.mark.parametrize(("template", "place"), PLACES)
async def test_no_name_in_a_uri_reaches_anything_else(
    client: Client, shop: Path, caplog: pytest.LogCaptureFixture, template: str, place: str
) -> None:
    """Each name is tried as it is and percent-encoded. A refusal is ours: no defect, and nothing of the machine."""
    with caplog.at_level(logging.ERROR):
        for name, written in itertools.product(LEADING_ELSEWHERE, (str, lambda name: quote(name, safe=""))):
            uri = template.partition("{?")[0].format(**{**TEMPLATES[template], place: written(name)})
            with pytest.raises(MCPError) as raised:
                await client.read_resource(uri)
            assert SECRET not in str(raised.value), name
            assert str(shop.parent) not in str(raised.value), name
            assert "incident" not in str(raised.value), name
    assert "incident" not in caplog.text


async def tools_with(client: Client, argument: str) -> list[tuple[str, dict[str, Any]]]:
    """The tools that take `argument`, each with the least that it needs beside it."""
    least = {
        "task": "support", "model": "support-m1", "split": "train", "assignment": "support-a1", "finish": True,
        "texts": ["one", "two"], "instruction": "Tell two apart.", "labels": LABELS, "job_id": "job_00",
        "reason": "They are wrong.",
    }  # fmt: skip
    listed = (await client.list_tools()).tools
    return [
        (tool.name, {name: least[name] for name in {*tool.input_schema.get("required", ()), *_either(tool.name)}})
        for tool in listed
        if argument in tool.input_schema["properties"]
    ]


def _either(tool: str) -> tuple[str, ...]:
    return {"classify": ("texts",), "submit_examples": ("finish",)}.get(tool, ())


@pytest.mark.parametrize("argument", NAMING)
async def test_no_name_in_an_argument_reaches_anything_else(client: Client, shop: Path, argument: str) -> None:
    """Refused by the argument's own rule, or before a job is made of it, or by the job."""
    takers = await tools_with(client, argument)
    assert takers
    for (tool, least), name in itertools.product(takers, LEADING_ELSEWHERE[:: 1 if argument == "task" else 3]):
        result = await client.call_tool(tool, {**least, argument: name})
        told = json.dumps(result.model_dump(mode="json"))
        assert result.is_error, (tool, name, told)  # type: ignore[union-attr]  # a result
        assert SECRET not in told
        assert str(shop.parent) not in told
        assert "incident" not in told


async def test_every_argument_that_names_something_is_tried_above(client: Client) -> None:
    """A new argument that is a string of its own, and no text or label, is to be added to `NAMING`."""
    words = {"instruction", "kind", "method", "negatives", "imbalance", "mismatch", "unlabelled_as", "order",
             "prior", "text_column", "pair_column", "label_column", "label_separator", "csv", "reason", "decided_by",
             "doubt", "mark", "empty"}  # fmt: skip
    found = {
        name
        for tool in (await client.list_tools()).tools
        for name, schema in tool.input_schema["properties"].items()
        if "string" in [schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))]
    }

    assert found - words == {*NAMING, *NAMING_TO_JOBS}
