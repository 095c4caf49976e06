"""Answers stay short, stay whole, and say what they leave out; failures are told in one way."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import ImageContent
from pydantic import BaseModel, Field

from classwright_server.mcp.errors import resource_errors, tool_errors
from classwright_server.mcp.results import answer, fit, fits
from classwright_tools.classify import ABOUT_SHOWN, ClassifyResult
from classwright_tools.domain.classified import Classified
from classwright_tools.domain.excerpt import ANSWER_BYTES
from classwright_tools.domain.noun import ToolResult
from classwright_tools.domain.uris import uris_of
from classwright_tools.errors import StorageFailed, unknown_id
from support.server import ERAS, call_failing, connected, make_settings

VIEW: dict[str, Any] = {"summary": "Done.", "job_id": "job_1", "shown_in_part": {}, "uris": {}}
texts = st.builds(lambda text, times: text * times, st.text(max_size=60), st.integers(1, 60))
names = st.text(max_size=40)  # of fields
labels = st.text(max_size=100)  # as long as a label may be
lists = st.lists(st.one_of(texts, st.lists(texts, max_size=30), st.dictionaries(names, texts, max_size=8)), max_size=60)
counts = st.dictionaries(labels, st.integers(), max_size=300)


def wire_bytes(structured: dict[str, Any]) -> int:
    """The size of a structure as it goes over the wire: JSON without spaces, in UTF-8."""
    return len(json.dumps(structured, ensure_ascii=False, separators=(",", ":")).encode())


@given(lists, lists, counts, texts)
def test_any_answer_fits_and_is_whole_json(
    one: list[Any], two: list[Any], by_label: dict[str, int], words: str
) -> None:
    structured = {**VIEW, "result": {"one": one, "two": {"three": two}, "counts": by_label}, "words": words}

    fitted = fit(structured)

    assert wire_bytes(fitted) < 10_000
    assert set(fitted) == set(structured)
    if wire_bytes(structured) <= ANSWER_BYTES:
        assert fitted == structured


@given(st.integers(min_value=0, max_value=3_000))
def test_what_is_left_out_is_counted(n: int) -> None:
    results = [{"label": "refund", "n": i} for i in range(n)]

    fitted = fit({**VIEW, "result": {"results": results}})
    shown = fitted["result"]["results"]

    assert wire_bytes(fitted) < 10_000
    assert shown == results[: len(shown)]
    if len(shown) < n:
        assert fitted["shown_in_part"] == {
            "results": {"shown": len(shown), "total": n, "uri": "classwright://jobs/job_1/result"}
        }
    else:
        assert fitted["shown_in_part"] == {}


@given(st.integers(1, 40), st.integers(1, 6_000))
def test_a_text_that_is_cut_is_counted_in_characters(n: int, length: int) -> None:
    fitted = fit({**VIEW, "result": {"texts": [{"text": "x" * length}] * n}})

    shown = [item["text"] for item in fitted["result"]["texts"]]
    cut = fitted["shown_in_part"].get("texts.text, in characters")
    if any(text.endswith("…") for text in shown):
        assert (cut["shown"], cut["total"]) == (sum(map(len, shown)), n * length)
    else:
        assert cut is None
        assert all(len(text) == length for text in shown)


def test_what_a_tool_shows_in_part_and_is_shortened_once_more_keeps_its_total_and_its_place() -> None:
    told = {"issues": {"shown": 900, "total": 5_000, "uri": "classwright://shop/reports/shop-r5"}}
    fitted = fit({**VIEW, "shown_in_part": told, "result": {"issues": [{"text": "a text that is wrong"}] * 900}})

    shown = len(fitted["result"]["issues"])
    assert 0 < shown < 900
    assert fitted["shown_in_part"] == {"issues": {**told["issues"], "shown": shown}}


def test_the_characters_that_a_tool_told_of_a_list_are_counted_again_when_the_list_is_shortened() -> None:
    told = {"issues.text, in characters": {"shown": 900 * 20, "total": 900 * 50, "uri": "classwright://shop/reports/r"}}
    fitted = fit({**VIEW, "shown_in_part": told, "result": {"issues": [{"text": "a text that was cut…"}] * 900}})

    characters = 20 * len(fitted["result"]["issues"])
    assert 0 < characters < 900 * 20
    assert fitted["shown_in_part"]["issues.text, in characters"]["shown"] == characters
    assert fitted["shown_in_part"]["issues.text, in characters"]["total"] == 900 * 50


def test_an_answer_has_the_structure_the_same_as_text_and_links() -> None:
    result = ToolResult.model_validate({"summary": "s", "next_step": "n"}).model_dump()
    uris = uris_of({"dataset": "shop-d3", "report": "shop-r5"})
    made = answer({**result, "uris": uris})

    text, *links = made.content
    assert json.loads(text.text) == made.structured_content  # type: ignore[union-attr]  # the first is text
    assert [(link.uri, link.mime_type) for link in links] == [  # type: ignore[union-attr]  # the others are links
        ("classwright://shop/datasets/shop-d3", "application/json"),
        ("classwright://shop/reports/shop-r5", "application/json"),
        ("classwright://shop/reports/shop-r5/report.html", "text/html"),
    ]


def test_a_picture_stands_beside_the_structure_and_takes_nothing_from_it() -> None:
    view = {**VIEW, "result": {"rows": [1], "picture": "iVBORw0KGgo="}}

    shown = answer(view)

    assert shown.structured_content == {**VIEW, "result": {"rows": [1]}}
    assert [(part.data, part.mime_type) for part in shown.content if isinstance(part, ImageContent)] == [
        ("iVBORw0KGgo=", "image/png")
    ]
    assert not [part for part in answer(VIEW).content if isinstance(part, ImageContent)]


def test_an_answer_shows_about_as_many_texts_as_classify_says() -> None:
    one = Classified(
        label="card_payment_fee_charged",
        sure=True,
        out_of_scope=False,
        probability=0.9712345678901234,
        likeliest=(("card_payment_fee_charged", 0.9712345678901234), ("refund", 0.0112345678901234), ("other", 0.007)),
    )
    result = ClassifyResult(
        summary="Classified 50 texts.",
        next_step="",
        model="shop-m1",
        threshold=0.5,
        abstained=0,
        out_of_scope=0,
        results=(one,),
    ).model_dump(mode="json")

    def view(texts: int) -> dict[str, Any]:
        return {**VIEW, "result": {**result, "results": result["results"] * texts}}

    assert fits(view(ABOUT_SHOWN))
    assert not fits(view(ABOUT_SHOWN + 15))


def test_numbers_have_four_digits_and_small_ones_their_first_four() -> None:
    figures = {"probability": 0.9712345678901234, "p": 1.23456789e-7, "seconds": 12.3456789, "rows": [1, True, 0.5]}

    shown = answer({**VIEW, "result": figures}).structured_content

    assert shown == {
        **VIEW,
        "result": {"probability": 0.9712, "p": 1.235e-7, "seconds": 12.3457, "rows": [1, True, 0.5]},
    }


def test_an_answer_that_leaves_something_out_links_to_all_of_it() -> None:
    long = {"results": [{"label": "refund", "n": number} for number in range(2_000)]}
    shortened, whole = answer({**VIEW, "result": long}), answer({**VIEW, "result": {}})

    assert shortened.content[-1].uri == "classwright://jobs/job_1/result"  # type: ignore[union-attr]  # a link
    assert len(whole.content) == 1


class Age(BaseModel):
    years: int = Field(ge=0)


def test_our_failures_keep_their_words() -> None:
    with (
        pytest.raises(ToolError, match=r"dataset 'shop-d9': does not exist. Did you mean 'shop-d1'\?"),
        tool_errors("t", Age),
    ):
        raise unknown_id("dataset", "shop-d9", ["shop-d1"])
    with pytest.raises(ToolError, match="Free some space"), tool_errors("t", Age):
        raise StorageFailed("dataset", "no space left on device", "Free some space.")
    with pytest.raises(ResourceNotFoundError, match="does not exist"), resource_errors("uri"):
        raise unknown_id("dataset", "shop-d9", [])


def test_a_defect_is_masked_and_found_in_the_log_by_its_incident(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(ToolError) as raised, tool_errors("evaluate", Age):
        raise RuntimeError("cannot open /home/someone/secret")

    incident = str(raised.value).partition("(incident ")[2].partition(")")[0]
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert incident
    assert incident in caplog.text
    assert "/home/someone/secret" in caplog.text


def test_a_bad_argument_is_named_and_its_value_is_not_repeated() -> None:
    with (
        pytest.raises(ToolError, match=r"ask: the arguments cannot be used. years: is not a whole number") as raised,
        tool_errors("ask", Age),
    ):
        Age.model_validate({"years": "a secret"})

    assert "secret" not in str(raised.value)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("classify", {"model": "support-m1", "texts": ["x"], "texst": []}, "texst: is not known"),
        ("classify", {"model": "support-m1"}, "pass `texts`, or `pairs`"),
        ("classify", {"model": "support-d1", "texts": ["x"]}, "model: is the id of a dataset, not of a model"),
        ("classify", {"model": "not an id", "texts": ["x"]}, "model: is no id of a model: pass one as"),
        ("train_classifier", {"task": "support", "epochs": 10**9}, "epochs: has to be less than or equal to 50"),
        ("synthesize_examples", {"task": "support", "rows": 0}, "rows: has to be greater than or equal to 1"),
        ("synthesize_examples", {"task": "support", "rows": -1}, "rows: has to be greater than or equal to 1"),
        (
            "synthesize_examples",
            {"task": "support", "rows": 10**9},
            "rows: has to be less than or equal to 200000",
        ),
        (
            "import_examples",
            {"task": "support", "split": "train", "rows": [{"text": "x" * 100_001}]},
            r"rows\[0\].text: the text is longer than 100000 characters",
        ),
        ("get_job", {"job_id": "x", "wait_seconds": 51}, "wait_seconds: has to be less than or equal to 50"),
        ("propose_topics", {"task": "x", "instruction": "y y y", "labels": [{"name": "a"}, {}]}, r"labels\[1\].name"),
    ],
)
async def test_a_call_that_cannot_be_used_says_what_to_correct(
    tmp_path: Path, mode: str, tool: str, arguments: dict[str, Any], words: str
) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        text = await call_failing(client, tool, **arguments)

    assert text.startswith(f"{tool}: the arguments cannot be used. ")
    assert text.endswith("Correct them and call again.")
    assert re.search(words, text), text
