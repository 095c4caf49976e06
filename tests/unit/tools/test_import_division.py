"""One file of real rows serves all splits: each label by its shares, a query's pairs together, whatever the order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.curation.division import FREE, divided
from classwright_tools.domain.example import Division
from classwright_tools.domain.task import Task
from classwright_tools.errors import Cancelled, InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.augmentation import banking_texts
from support.importing import importer, write_jsonl
from support.pair import pair_rows, pair_task
from support.several import several_task
from support.writing_verbs import sentence

PARTS: Division = {"train": 2, "validation": 1, "test": 1}
TEXTS = list(dict.fromkeys(text for text, _ in banking_texts()))[:81]


def texts_of(task: Task) -> list[dict[str, Any]]:
    """80 rows of two labels that take turns, and one of a third label that nothing resembles."""
    rows = [{"text": text, "label": task.labels[n % 2].name} for n, text in enumerate(TEXTS[:80])]
    return [*rows, {"text": TEXTS[80], "label": task.labels[2].name}]


def test_a_file_is_divided_label_by_label_in_one_call_whatever_its_order(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    run = importer(context, task, tmp_path)
    rows = texts_of(task)
    write_jsonl(tmp_path / "rows.jsonl", rows)
    write_jsonl(tmp_path / "turned.jsonl", rows[::-1])

    one = run(split=PARTS, path="rows.jsonl")
    other = run(split=PARTS, path="turned.jsonl", new_dataset=True)

    assert one.imported + sum(one.skipped.values()) == len(rows)
    assert sum(one.splits.values()) == one.imported
    for split, parts in PARTS.items():
        found = read_rows(context.workspace, one.dataset or "", split)
        again = read_rows(context.workspace, other.dataset or "", split)
        assert {row.id for row in found} == {row.id for row in again}
        counts = Counter(row.label for row in found)
        assert counts[task.labels[0].name] == pytest.approx(10 * parts, abs=1 + one.skipped.get("near-duplicate", 0))
    assert f"Of {task.labels[2].name!r}, the rarest label: 1 train, 0 validation, 0 test." in one.summary


def test_the_pairs_of_a_query_stay_together_and_the_rare_label_gets_its_shares(
    context: ToolContext, tmp_path: Path
) -> None:
    task = pair_task(context.workspace)
    rows = [row for n, row in enumerate(pair_rows()) if row.label == "fits" or n % 8 == 1]
    write_jsonl(tmp_path / "pairs.jsonl", [row.model_dump(include={"text", "text_pair", "label"}) for row in rows])

    result = importer(context, task, tmp_path)(split=PARTS, path="pairs.jsonl", keep_near_duplicates=True)

    found = {split: read_rows(context.workspace, result.dataset or "", split) for split in result.splits}
    assert result.shared_queries == 0
    queries = [{row.text for row in split} for split in found.values()]
    assert len(set.union(*queries)) == sum(map(len, queries))
    wrong = {split: sum(row.label == "mismatch" for row in own) for split, own in found.items()}
    assert wrong == {"train": 4, "validation": 2, "test": 2}
    assert "(20 train, 10 validation, 10 test)" in result.summary
    assert result.next_step.startswith("Call train_classifier")


SAME_CALL = {"split": PARTS, "path": "rows.jsonl", "keep_near_duplicates": True}


def by_text(workspace: Workspace, dataset: str | None) -> dict[str, str]:
    return {row.content: split for split in PARTS for row in read_rows(workspace, dataset or "", split)}


@pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
def test_a_longer_version_of_a_file_that_is_divided_again_moves_no_row_and_divides_the_new_ones(
    several: bool, context: ToolContext, task: Task, tmp_path: Path
) -> None:
    if several:
        task = context.workspace.save_task(several_task())
    run = importer(context, task, tmp_path)
    names = [f"{a.name}|{b.name}" if several else a.name for a, b in pairwise([*task.labels, task.labels[0]])]
    rows = [{"text": sentence(n), "label": names[n % len(names)]} for n in range(240)]
    write_jsonl(tmp_path / "rows.jsonl", rows[:200])
    first = run(**SAME_CALL)
    write_jsonl(tmp_path / "rows.jsonl", rows[::-1])
    again = run(**SAME_CALL)

    before, after = (by_text(context.workspace, result.dataset) for result in (first, again))
    assert {text: after[text] for text in before} == before
    assert again.dropped == {}
    assert list(Counter(after.values()).values()) == pytest.approx([120, 60, 60], abs=3)
    assert f"200 rows of the source have a text that {first.dataset} has, and stay in its split" in again.summary
    assert "Pass new_dataset=true to divide all." in again.summary
    assert "stay in its split" not in first.summary


def test_a_row_nearly_like_one_that_is_there_stays_out_where_a_source_is_divided(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    run = importer(context, task, tmp_path)
    rows = texts_of(task)[:80]
    first = run(split=PARTS, rows=rows)
    kept = by_text(context.workspace, first.dataset)
    again = run(split={"validation": 1, "test": 1}, rows=[{**row, "text": f"{row['text']} x"} for row in rows])

    assert again.dropped == {}
    assert again.skipped["near-duplicate of a train row"] >= 20
    assert kept.items() <= by_text(context.workspace, again.dataset).items()


def test_new_pairs_of_known_queries_go_where_the_queries_are(context: ToolContext, tmp_path: Path) -> None:
    task = pair_task(context.workspace)
    rows = [row.model_dump(include={"text", "text_pair", "label"}) for row in pair_rows()]
    run = importer(context, task, tmp_path)

    write_jsonl(tmp_path / "rows.jsonl", [row for row in rows if row["label"] == "fits"][:24])
    first = run(**SAME_CALL)
    write_jsonl(tmp_path / "rows.jsonl", [row for row in rows if row["label"] == "mismatch"])
    again = run(**SAME_CALL)

    assert again.shared_queries == 0
    assert f"24 rows of the source have a query that {first.dataset} has" in again.summary
    assert sum(again.splits.values()) == 32


def test_a_division_can_be_cancelled_while_rows_find_their_splits(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    seen: list[str] = []
    write_jsonl(tmp_path / "rows.jsonl", texts_of(task))
    request = ImportExamplesRequest(task=task.slug, split=PARTS, path="rows.jsonl")
    watched = replace(
        context,
        import_folders=(tmp_path,),
        report=lambda _, said: seen.append(said),
        is_cancelled=lambda: bool(seen) and seen[-1].endswith("divided"),
    )

    with pytest.raises(Cancelled):
        import_examples(request, watched)

    assert seen[-1] == "0 of 81 texts or queries divided"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=60), st.randoms(use_true_random=False))
def test_a_division_depends_on_no_order_and_parts_no_group(rows: list[tuple[int, int]], chance: Any) -> None:
    turned = rows.copy()
    chance.shuffle(turned)

    def placed(rows: list[tuple[int, int]]) -> list[tuple[tuple[int, int], int]]:
        groups, labels = np.array(rows, dtype=np.uint64).reshape(-1, 2).T
        held = np.where(groups < 3, groups % 3, FREE).astype(np.intp)
        return sorted(zip(rows, divided(groups, labels, (2, 1, 1), held, said.append).tolist(), strict=True))

    said: list[str] = []
    assert placed(rows) == placed(turned)
    assert len({(group, place) for (group, _), place in placed(rows)}) == len({group for group, _ in rows})
    assert all(group == place for (group, _), place in placed(rows) if group < 3)
    assert bool(said) == any(group >= 3 for group, _ in rows)


def test_a_skipped_row_is_named_by_its_place_in_the_source_and_by_no_text_of_a_test_row(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [*texts_of(task), {"text": "a lost row", "label": "quux"}])

    result = importer(context, task, tmp_path)(split=PARTS, path="rows.jsonl")

    (skipped,) = [row for row in result.examples if row.row == 82]
    assert skipped.text == ""
    assert "lost" not in result.model_dump_json()
    assert "quux" not in result.model_dump_json()


def test_what_has_splits_of_its_own_is_not_divided(context: ToolContext, task: Task, tmp_path: Path) -> None:
    run = importer(context, task, tmp_path)
    dataset = run(rows=[{"text": "where is it", "label": task.labels[0].name}]).dataset

    with pytest.raises(InvalidInput, match="`from_dataset` has splits of its own"):
        run(split=PARTS, from_dataset=dataset, new_dataset=True)


@pytest.mark.parametrize("split", [{"train": 1}, {"train": 1, "unlabelled": 1}, {"train": 0, "test": 1}])
def test_parts_are_of_two_or_more_labelled_splits(split: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ImportExamplesRequest.model_validate({"task": "support", "split": split})


def test_requests_and_answers_that_were_stored_before_sources_were_divided_are_read() -> None:
    stored = {"task": "support", "split": "test", "path": "rows.jsonl"}
    answer = {"summary": "", "next_step": "", "dataset": None, "read": 1, "imported": 0, "labels": {}, "skipped": {}}

    assert ImportExamplesRequest.model_validate({**stored, "half": None}).path == "rows.jsonl"
    with pytest.raises(ValidationError, match="divide the source by `split`"):
        ImportExamplesRequest.model_validate({**stored, "half": "first"})
    assert ImportExamplesResult.model_validate(answer).splits == {}


def test_rows_that_can_not_all_be_had_again_are_asked_for_before_the_training(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    run = importer(context, task, tmp_path)

    def row(text: str) -> list[dict[str, str]]:
        return [{"text": text, "label": task.labels[0].name}]

    first = run(rows=row("where is my parcel")).next_step
    held = run("test", rows=row("I want my money back"), new_dataset=True).next_step
    both = run(rows=row("it never came to my door")).next_step

    assert first.startswith(
        "There are no validation rows to choose by and no test rows for the final figure: import some"
    )
    assert "split={'train': 2, 'validation': 1, 'test': 1}" in first
    assert held.startswith("There are no training rows yet: call synthesize_examples")
    assert both.startswith("There are no validation rows to choose by: import real ones")
    assert "test rows" not in both
