"""A single file of real rows serves two splits: one half of it as validation rows, the other as test rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Half, Split, half_of
from classwright_tools.domain.task import Task
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from support.augmentation import banking_texts

TEXTS = list(dict.fromkeys(text for text, _ in banking_texts()))[:80]


def run(
    context: ToolContext, split: Split, half: Half, rows: list[dict[str, str]], folder: Path
) -> ImportExamplesResult:
    path = folder / f"{split}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    request = ImportExamplesRequest(task="support", split=split, path=path.name, half=half)
    return import_examples(request, replace(context, run_key=split, import_folders=(folder,)))


def test_the_halves_are_all_of_a_source_and_share_no_row_whatever_its_order(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    """Labels take turns in the source: a half that went by the rows' places would hold one label alone."""
    rows = [{"text": text, "label": task.labels[n % 2].name} for n, text in enumerate(TEXTS)]

    first = run(context, "validation", "first", rows, tmp_path)
    second = run(context, "test", "second", rows[::-1], tmp_path)

    skipped = sum(first.skipped.values()) + sum(second.skipped.values())  # near-duplicates, as in any import
    assert first.read + second.read == len(TEXTS)
    assert first.imported + second.imported + skipped == len(TEXTS)
    assert min(*first.labels.values(), *second.labels.values()) >= 10


def test_a_skipped_row_of_a_half_is_named_by_its_place_in_the_whole_source(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    last = TEXTS[20]
    rows = [{"text": text, "label": task.labels[0].name} for text in TEXTS[:20]] + [{"text": last, "label": "lost"}]

    result = run(context, "validation", half_of(last), rows, tmp_path)

    assert [skipped.row for skipped in result.examples if skipped.text == last] == [20]


@pytest.mark.parametrize("text", ["", "\ud800 broken"])
def test_every_text_belongs_to_a_half(text: str) -> None:
    assert half_of(text) in ("first", "second")
