"""Writing for pair tasks: for each item queries that look right and are wrong, exactly as many as asked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.rows import training_rows
from classwright_tools.submit_examples import SubmitExamplesRequest, SubmitExamplesResult, submit_examples
from classwright_tools.synthesize_examples import (
    SynthesizeExamplesRequest,
    SynthesizeExamplesResult,
    synthesize_examples,
)
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.recorded import RecordedWriter
from classwright_tools.writing.prompts.render import chat_messages
from support.pair import pair_rows, pair_task, save_pairs
from support.writing_verbs import ScriptedWriter, sentence

DRILL, LAMP = "Cordless drill driver, 20 V, with two batteries", "Table lamp with a linen shade"
TRAIN = [
    make_example("20v cordless drill with batteries", "fits", text_pair=DRILL),
    make_example("linen table lamp", "fits", text_pair=LAMP),
    make_example("garden hose", "mismatch", text_pair=LAMP),
]


@pytest.fixture
def dataset(workspace: Workspace) -> str:
    """A dataset with two items that fit a query each, and a test pair."""
    pair_task(workspace)
    test = [make_example("corded drill", "mismatch", text_pair=DRILL)]
    return save_pairs(workspace, {"train": TRAIN, "test": test})


def write(context: ToolContext, writer: object, **fields: object) -> SynthesizeExamplesResult:
    request = SynthesizeExamplesRequest.model_validate({"task": "shop", **fields})
    return synthesize_examples(request, replace(context, writer=writer, run_key=f"write {fields}"))  # type: ignore[arg-type]  # scripted


def numbered(request: WritingRequest) -> Completion:
    assert request.cell
    first = 1000 * len(request.cell.item or "") + 100 * request.attempt
    return Completion(items=tuple(f"drill number {sentence(first + n)}" for n in range(request.count)))


def test_exactly_as_many_mismatches_are_written_as_asked_spread_over_the_items_that_fit(
    dataset: str, context: ToolContext, workspace: Workspace
) -> None:
    writer = ScriptedWriter(numbered)

    result = write(context, writer, rows=5)

    assert (result.wanted, result.accepted, result.missing) == (5, 5, ())
    written = [row for row in read_rows(workspace, result.dataset or "", "train") if row.origin == "written"]
    assert {row.label for row in written} == {"mismatch"}
    assert sorted(Counter(row.text_pair for row in written).values()) == [2, 3]
    assert {row.text_pair for row in written} == {DRILL, LAMP}
    assert [row.provenance.cell.item for row in written if row.provenance and row.provenance.cell] == [
        row.text_pair for row in written
    ]
    assert result.rows == 3 + 5


def test_the_writer_is_shown_the_item_the_queries_that_fit_it_and_what_they_are_mistaken_for(
    dataset: str, context: ToolContext
) -> None:
    writer = ScriptedWriter(numbered)

    write(context, writer)

    asked = {request.cell.item: request for request in writer.asked if request.cell}
    assert {request.kind for request in writer.asked} == {"mismatch"}
    assert (asked[DRILL].contrast, asked[DRILL].style, asked[DRILL].count) == ("fits", (TRAIN[0].text,), 1)
    prompt = chat_messages(asked[DRILL])[1]["content"]
    assert DRILL in prompt
    assert "another kind of product" in prompt  # what the mismatch label means


def test_written_pairs_pass_the_gates_and_what_is_refused_is_written_anew(
    dataset: str, context: ToolContext, workspace: Workspace
) -> None:
    def first_badly(request: WritingRequest) -> Completion:
        if request.attempt:
            return numbered(request)
        return Completion(items=("20V cordless drill, with batteries!", "corded drill", "[item name]", "hose"))

    result = write(context, ScriptedWriter(first_badly), rows=4, items=[DRILL], candidates_per_row=3)

    assert result.accepted == 4
    assert result.refused == {"duplicate": 1, "near-duplicate of a test row": 1, "unparsable": 1}
    assert [refusal.text for refusal in result.refusals if "of a test row" in refusal.reason] == [""]
    texts = [row.text for row in read_rows(workspace, result.dataset or "", "train") if row.origin == "written"]
    assert "hose" in texts  # a query may be one word


def test_a_query_that_differs_from_a_fitting_one_by_the_word_that_matters_is_kept(
    dataset: str, context: ToolContext
) -> None:
    writer = ScriptedWriter(lambda _request: Completion(items=("20v cordless drill without batteries",)))

    assert write(context, writer, items=[DRILL]).accepted == 1


@pytest.mark.parametrize(
    "query", ["cordless drills", "20 V, with two batteries!", "cordless 20v drills, batteries with"], ids=str
)
def test_a_query_of_words_that_the_item_or_a_fitting_query_has_is_no_mismatch(
    dataset: str, context: ToolContext, workspace: Workspace, query: str
) -> None:
    writer = ScriptedWriter(lambda request: numbered(request) if request.attempt else Completion(items=(query,)))

    result = write(context, writer, items=[DRILL], candidates_per_row=3)

    assert (result.accepted, result.refused) == (1, {"plain match": 1})
    assert "or of a query that fits it" in result.refusals[0].reason
    gates = QualityFilter.for_dataset(workspace, workspace.task("shop"), dataset)
    assert gates.check(f"{query} case", "mismatch", "fits", DRILL) is None
    assert gates.check("drill batteries", "mismatch", "fits", DRILL) is None  # a part of it


def test_items_given_in_the_call_need_not_be_in_the_dataset(dataset: str, context: ToolContext) -> None:
    writer = ScriptedWriter(numbered)

    result = write(context, writer, items=["Brass  garden hose nozzle", "Brass garden hose nozzle"], rows=2)

    assert result.accepted == 2
    assert {request.cell.item for request in writer.asked if request.cell} == {"Brass garden hose nozzle"}


def test_items_that_nothing_was_written_for_come_first(dataset: str, context: ToolContext) -> None:
    first, second = ScriptedWriter(numbered), ScriptedWriter(numbered)

    write(context, first, rows=1)
    write(context, second, rows=1, max_tokens=10_000)

    assert [asked.cell.item for writer in (first, second) for asked in writer.asked if asked.cell] == [DRILL, LAMP]


def test_guidance_says_what_is_to_be_wrong_to_a_writer_and_to_the_calling_model(
    dataset: str, context: ToolContext
) -> None:
    writer, how = ScriptedWriter(numbered), "wrong sizes, hard to see"

    write(context, writer, guidance=[how])
    handed = synthesize_examples(SynthesizeExamplesRequest(task="shop", guidance=(how,)), context)

    assert {request.guidance for request in writer.asked} == {(how,)}
    assert how in chat_messages(writer.asked[0])[1]["content"]
    assert {batch.guidance[0] for batch in handed.batches} == {how}
    assert any("They are in `guidance`" in rule for rule in handed.rules)


def test_all_that_is_for_single_texts_is_refused_at_once(dataset: str, context: ToolContext) -> None:
    with pytest.raises(InvalidInput, match=r"`labels`, `examples`: are for single texts.*`guidance` how"):
        write(context, None, labels=["mismatch"], examples=["a drill"], guidance=["hard"])


def test_a_recording_answers_for_its_item(dataset: str, context: ToolContext, tmp_path: Path) -> None:
    lines = [
        {"kind": "mismatch", "label": "mismatch", "item": DRILL, "items": ["hammer drill bit set"]},
        {"kind": "mismatch", "label": "mismatch", "item": LAMP, "items": ["lamp shade only, linen"]},
    ]
    path = tmp_path / "recorded.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    assert write(context, RecordedWriter([path])).accepted == 2


def test_what_was_written_for_one_item_stays_together(dataset: str, context: ToolContext, workspace: Workspace) -> None:
    result = write(context, ScriptedWriter(numbered), rows=6)

    rows = [row for row in read_rows(workspace, result.dataset or "", "train") if row.origin == "written"]
    groups = training_rows([*rows, *pair_rows(("rug",))], ("fits", "mismatch")).groups[: len(rows)]
    by_item = {row.text_pair: set() for row in rows}  # type: ignore[var-annotated]  # of numbers
    for row, group in zip(rows, groups.tolist(), strict=True):
        by_item[row.text_pair].add(group)
    assert [len(found) for found in by_item.values()] == [1, 1]


def submit(context: ToolContext, batch: str, pairs: list[tuple[str, str]]) -> SubmitExamplesResult:
    given = [{"text": text, "text_pair": item} for text, item in pairs]
    request = SubmitExamplesRequest.model_validate({"assignment": "shop-a1", "pairs": {batch: given}})
    return submit_examples(request, context)


def test_the_calling_model_writes_queries_for_items_and_hands_them_in_as_pairs(
    dataset: str, context: ToolContext, workspace: Workspace
) -> None:
    handed = synthesize_examples(SynthesizeExamplesRequest(task="shop", rows=4), context)

    (batch,) = handed.batches
    assert {cell.item for cell in batch.cells} == {DRILL, LAMP}
    assert (batch.label, batch.contrast, batch.count) == ("mismatch", "fits", 4)
    assert "pairs={'b1': [...]}" in handed.next_step
    assert any("as `pairs`" in rule for rule in handed.rules)

    first = submit(context, "b1", [("drill bit set", DRILL), ("impact wrench", "a wrench"), ("corded drill", DRILL)])
    assert first.accepted == 1
    assert [refused.reason.split(":")[0] for refused in first.refused] == [
        "not an item of the batch",
        "near-duplicate of a test row",
    ]
    again = submit(context, "b1", [("drill bit set", DRILL), ("drill press", DRILL), ("drill battery", DRILL)])
    assert (again.accepted, again.already_accepted) == (1, 1)
    assert [refused.reason for refused in again.refused] == ["item has its share"]
    last = submit(context, "b1", [("floor lamp", LAMP), ("lamp shade", LAMP)])

    rows = read_rows(workspace, last.dataset or "", "train")
    assert [(row.text, row.text_pair, row.label) for row in rows[3:]] == [
        ("drill bit set", DRILL, "mismatch"),
        ("drill press", DRILL, "mismatch"),
        ("floor lamp", LAMP, "mismatch"),
        ("lamp shade", LAMP, "mismatch"),
    ]
    assert {row.provenance.cell.item for row in rows[3:] if row.provenance and row.provenance.cell} == {DRILL, LAMP}


@pytest.mark.parametrize("empty", ["", " ", "\u200b"])
def test_a_pair_without_an_item_is_refused_and_the_good_ones_become_a_dataset(
    empty: str, dataset: str, context: ToolContext, workspace: Workspace
) -> None:
    synthesize_examples(SynthesizeExamplesRequest(task="shop"), context)

    first = submit(context, "b1", [("drill bit set", DRILL), ("lamp shade", empty)])

    assert first.accepted == 1
    assert [(refused.index, refused.reason) for refused in first.refused] == [(1, "not an item of the batch: ''")]
    last = submit(context, "b1", [("lamp shade", LAMP)])
    rows = read_rows(workspace, last.dataset or "", "train")
    assert [(row.text, row.text_pair) for row in rows[3:]] == [("drill bit set", DRILL), ("lamp shade", LAMP)]


def test_texts_for_a_batch_of_pairs_are_refused_with_the_repair(dataset: str, context: ToolContext) -> None:
    synthesize_examples(SynthesizeExamplesRequest(task="shop"), context)

    with pytest.raises(InvalidInput, match=r"batch 'b1': wants pairs.*Pass `pairs`"):
        submit_examples(SubmitExamplesRequest(assignment="shop-a1", texts={"b1": ("drill bit",)}), context)
    with pytest.raises(ValidationError, match="pass `texts`, or `pairs`"):
        SubmitExamplesRequest(assignment="shop-a1")


@pytest.mark.parametrize(
    ("task", "fields", "words"),
    [
        ("shop", {"plan": "shop-p1"}, "`plan`: is for single texts"),
        ("shop", {"topic_tree": "shop-t1"}, "`topic_tree`: is for single texts"),
        ("support", {"items": ["a lamp"]}, "`items`: is for pairs"),
        ("nli", {"items": ["a lamp"]}, "does not say which label is the mismatch"),
    ],
)
def test_what_is_for_the_other_kind_of_task_is_refused(
    task: str, fields: dict[str, object], words: str, dataset: str, context: ToolContext, workspace: Workspace
) -> None:
    labels = (Label(name="same"), Label(name="other"))
    workspace.save_task(Task(slug="support", instruction="tell apart", labels=labels))
    workspace.save_task(Task(slug="nli", instruction="tell apart", labels=labels, kind="pair"))

    with pytest.raises(InvalidInput, match=words):
        synthesize_examples(SynthesizeExamplesRequest.model_validate({"task": task, **fields}), context)


def test_without_an_item_that_fits_there_is_nothing_to_write_for(context: ToolContext, workspace: Workspace) -> None:
    pair_task(workspace)

    with pytest.raises(NotEnoughData, match=r"no item to write for.*pass `items`"):
        synthesize_examples(SynthesizeExamplesRequest(task="shop"), context)
