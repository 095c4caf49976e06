"""The demonstration's material, written with the recorded writer: every text that was recorded becomes a row."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Split, make_example
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.writing.backends.recorded import RecordedWriter
from support.paths import BANKING12

EXAMPLE = BANKING12
COMPLETIONS = sorted((EXAMPLE / "completions").glob("*.jsonl"))


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def recorded(context: ToolContext) -> ToolContext:
    """A context with the recorded writer, on a workspace that holds the real rows."""
    import yaml

    task = yaml.safe_load((EXAMPLE / "task.yaml").read_text(encoding="utf-8"))
    context = replace(context, writer=RecordedWriter(COMPLETIONS), run_key="topics")
    fields = {name: task[name] for name in ("task", "instruction", "labels", "source_types")}
    propose_topics(ProposeTopicsRequest.model_validate(fields), context)
    real: dict[Split, list[dict[str, str]]] = {
        "validation": lines(EXAMPLE / "validation.jsonl"),
        "test": lines(EXAMPLE / "test.jsonl"),
    }
    save_dataset(
        context.workspace,
        "banking12",
        {split: [make_example(row["text"], row["label"]) for row in rows] for split, rows in real.items()},
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    return context


def test_every_recorded_text_becomes_a_row_of_its_label(recorded: ToolContext) -> None:
    label_of = {
        text: line["label"]
        for path in COMPLETIONS
        for line in lines(path)
        if line["kind"] in ("examples", "contrast")
        for text in line["items"]
    }

    first = synthesize_examples(SynthesizeExamplesRequest(task="banking12"), replace(recorded, run_key="round 0"))
    pairs = [line for path in COMPLETIONS for line in lines(path) if line["kind"] == "contrast"]
    plan = RegenerationPlan(
        task="banking12",
        model="banking12-m1",
        dataset="banking12-d2",
        round=1,
        items=tuple(
            RegenerationItem(label=pair["label"], contrast=pair["contrast"], count=12, reason="confused")
            for pair in pairs
        ),
    )
    recorded.workspace.publish_document("plan", "banking12", plan, run_key="plan")
    second = synthesize_examples(
        SynthesizeExamplesRequest(task="banking12", plan="banking12-p1"), replace(recorded, run_key="round 1")
    )

    rows = read_rows(recorded.workspace, second.dataset or "", "train")
    assert (first.wanted, first.accepted, first.refused) == (576, 576, {})
    assert (second.wanted, second.accepted, second.refused) == (288, 288, {})
    assert {row.text: row.label for row in rows} == label_of
    assert set(Counter(row.label for row in rows if row.provenance and not row.provenance.contrast).values()) == {48}
