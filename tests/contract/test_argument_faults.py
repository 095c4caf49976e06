"""Arguments that clients get wrong: what stands for one that is left out, and faults in the words of JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from classwright_server.backend import Backend
from classwright_server.mcp.argument_faults import faults_in
from classwright_server.mcp.arguments import as_left_out
from classwright_server.mcp.tools import served_tools
from support.schemas import sample
from support.server import LONG, TASK, call, call_failing, connected, make_settings

TOOLS = {tool.name: tool for tool in served_tools(Backend(make_settings(Path("nowhere"))))}
MORE: dict[str, dict[str, Any]] = {"classify": {"texts": ["a text"]}, "submit_examples": {"texts": {"b1": ["a text"]}}}
NAMES = {"task": "support", "model": "support-m1", "assignment": "support-a1"}
NEEDED = {"instruction": "Tell them apart.", "labels": [{"name": "refund"}, {"name": "delivery"}], "split": "train"}
ARGUMENTS = [(name, argument) for name, tool in TOOLS.items() for argument in tool.parameters["properties"]]
OPTIONAL = [
    (name, argument)
    for name, tool in TOOLS.items()
    for argument in tool.parameters["properties"]
    if argument not in tool.parameters.get("required", ())
]
PYTHON = re.compile(r"tuple|dict|instance|\bvalid\b|has to be a|Extra inputs|None|Field required")


def given(name: str) -> dict[str, Any]:
    """The least that the tool `name` can be called with."""
    schema = TOOLS[name].parameters
    known = NAMES | NEEDED
    return {
        argument: known.get(argument, sample(schema["properties"][argument], schema.get("$defs", {})))
        for argument in schema.get("required", ())
    } | MORE.get(name, {})


def outcome(name: str, arguments: dict[str, Any]) -> Any:
    """What the tool `name` takes the arguments for, or what it says of them."""
    tool = TOOLS[name]
    try:
        meant = as_left_out(arguments, tool.parameters, tool.parameters.get("$defs", {}))
        return tool.fn_metadata.validate_arguments(meant)
    except ValidationError as error:
        return faults_in(error, tool.fn_metadata.arg_model)


@pytest.mark.parametrize("value", [None, "", "null"], ids=["null", "an empty text", "null in quotes"])
@pytest.mark.parametrize(("name", "argument"), OPTIONAL)
def test_an_optional_argument_that_is_empty_is_left_out(name: str, argument: str, value: Any) -> None:
    tool = TOOLS[name]
    if value == "null" and tool.fn_metadata.arg_model.model_fields[argument].annotation is str:
        pytest.skip("it is a text of its own")
    left_out = {key: item for key, item in given(name).items() if key != argument}
    sent = tool.fn_metadata.pre_parse_json({**left_out, argument: value})

    assert outcome(name, sent) == outcome(name, left_out)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("propose_topics", "labels", [{"name": "a", "description": None, "examples": None}, {"name": "b"}]),
        ("import_examples", "rows", [{"text": "a text", "label": None, "text_pair": None}]),
        ("train_classifier", "mining", {"num_negatives": None, "sampling_strategy": None, "min_score": None}),
    ],
)
def test_null_is_left_out_in_the_objects_of_an_argument_too(name: str, argument: str, value: Any) -> None:
    def bare(item: Any) -> Any:
        if isinstance(item, list):
            return [bare(one) for one in item]
        return {key: one for key, one in item.items() if one is not None} if isinstance(item, dict) else item

    made = outcome(name, given(name) | {argument: value})

    assert isinstance(made, dict)
    assert made == outcome(name, given(name) | {argument: bare(value)})


def test_null_stays_where_it_means_something_else_than_the_default() -> None:
    made = outcome("train_classifier", {"task": "support", "mining": {"range_max": None}})

    assert made["mining"].range_max is None


@pytest.mark.parametrize("value", [{"wrong": 1}, [[]], [{"wrong": 1}], 5.5, True, "wrong kind of text!"], ids=str)
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_value_of_the_wrong_kind_is_one_fault_in_the_words_of_json(name: str, argument: str, value: Any) -> None:
    told = outcome(name, {**given(name), argument: value})
    if isinstance(told, dict) or (isinstance(value, list | dict) and "wrong" in str(told)):
        return  # it is of the right kind, or has faults inside
    assert len(told) == 1, told
    assert argument in told[0] or "one of these" in told[0]
    assert not PYTHON.search(told[0]), told


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("propose_topics", {"labels": ["a", "b"]}, "labels[0] and 1 more like it: is not an object: write {...}"),
        ("propose_topics", {"labels": [{}, {"name": "a"}]}, "labels[0].name: is missing"),
        ("classify", {"texts": "one text"}, "texts: is not a list: write [...], also around a single entry"),
        ("import_examples", {"rows": [{"text": 1}] * 20}, "rows[0].text and 19 more like it: is not a string"),
        ("train_classifier", {"negatives": ["x"]}, "negatives[0]: has to be 'random', 'mined' or 'generated'"),
        ("synthesize_examples", {"rows": 1.5}, "rows: is not a whole number"),
        ("list_jobs", {"status": "failed"}, "status: is not known: there are cursor, limit"),
        (
            "find_examples",
            {"where": {"label": "a"}},
            "where.label: is not known: there are text, labels, splits, origins, round, topic, subtopic, source_type, "
            "contrast, decided_by, source",
        ),
        (
            "edit_examples",
            {"changes": [{"action": "remove", "ids": ["a"]}]},
            "changes[0].ids: is not known: there are action, rows, label, to, description, text, text_pair, into",
        ),
        (
            "import_examples",
            {"split": "dev"},
            "split: has to be 'train', 'validation', 'test' or 'unlabelled', or write {...}",
        ),
        (
            "propose_topics",
            {"languages": ["English"]},
            "languages[0]: does not fit the pattern ^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$, as 'en' does",
        ),
        (
            "find_examples",
            {"task": "Hotel Reviews"},
            "task: does not fit the pattern ^[a-z][a-z0-9_]{0,39}$, as 'hotel_reviews' does",
        ),
        (
            "import_examples",
            {"rows": [{"text": "a", "txt": "b"}]},
            "rows[0].txt: is not known: there are text, text_pair, label",
        ),
    ],
)
def test_one_mistake_is_one_fault(name: str, changes: dict[str, Any], told: str) -> None:
    assert outcome(name, {**given(name), **changes}) == [told]


@pytest.mark.anyio
async def test_a_call_that_names_no_task_is_told_which_there_are(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        none = await call_failing(client, "train_classifier")
        await call(client, "propose_topics", TASK)
        one = await call_failing(client, "train_classifier")
        there = await call(client, "find_examples", wait_seconds=LONG)

    assert "task: is missing" in none
    assert "There is no task yet: propose_topics makes one." in none
    assert one.endswith("Tasks: 'support'.")
    assert [line["task"] for line in there["result"]["tasks"]] == ["support"]
