"""The verb `find_examples`: pages of rows, and what all that were found hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Split, make_example
from classwright_tools.domain.excerpt import ANSWER_BYTES
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.find_examples import FindExamplesRequest, FindExamplesResult, find_examples
from classwright_tools.workspace.datasets import read_rows, save_dataset
from support.editing import editor
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

SHOWN: tuple[Split, ...] = ("train", "validation", "unlabelled")
A_JOB = 700  # bytes of a job around its result
TEST = make_example("where does the parcel of the test stay", "delivery")


@pytest.fixture
def dataset(task: Task, context: ToolContext) -> str:
    return save_rows(context.workspace, written_rows(), real_rows(), [TEST], unlabelled_rows(refund=4))


def find(context: ToolContext, **arguments: Any) -> FindExamplesResult:
    return find_examples(FindExamplesRequest.model_validate({"task": "support", **arguments}), context)


def size(found: FindExamplesResult) -> int:
    return len(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode())


def every_page(context: ToolContext, **arguments: Any) -> list[str]:
    """Return the ids of all pages, each of which must fit into an answer."""
    ids: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = find(context, offset=offset, **arguments)
        assert size(page) <= ANSWER_BYTES - A_JOB
        assert page.rows
        ids += [row.id for row in page.rows]
        offset = page.next_offset
    return ids


def test_the_counts_are_of_all_rows_that_were_found_and_not_of_the_page(context: ToolContext, dataset: str) -> None:
    found = find(context, limit=2)

    assert found.dataset == dataset
    assert found.total == 40
    assert found.labels == {"refund": 12, "delivery": 12, "account": 12}
    assert found.splits == {"train": {"written": 30}, "validation": {"real": 6}, "unlabelled": {"real": 4}}
    assert found.rounds == {0: 30}
    assert found.summary.startswith(
        f"40 rows of {dataset} found: refund 12, delivery 12, account 12, and 4 without a label."
    )
    assert found.characters["longest"] == max(
        len(row.text)
        for split in ("train", "validation", "unlabelled")
        for row in read_rows(context.workspace, dataset, split)
    )
    assert len(find(context, limit=0).rows) == 0


def test_test_rows_are_left_out_and_counted_until_they_are_asked_for(context: ToolContext, dataset: str) -> None:
    assert "1 test row is left out" in find(context).summary
    assert TEST.id not in every_page(context, limit=100)
    assert find(context, where={"splits": ["test"]}).rows[0].text == TEST.text
    assert find(context, ids=[TEST.id]).rows[0].split == "test"


@pytest.mark.parametrize("shuffled", [False, True])
def test_pages_hold_every_row_once(context: ToolContext, dataset: str, shuffled: bool) -> None:
    ids = every_page(context, limit=7, where={"splits": ["train"]}, shuffled=shuffled)

    in_order = [row.id for row in read_rows(context.workspace, dataset, "train")]
    assert sorted(ids) == sorted(in_order)
    assert (ids == in_order) is not shuffled


def test_a_row_says_where_it_came_from(context: ToolContext, dataset: str) -> None:
    row = find(context, where={"text": "faulty"}).rows[0]

    assert (row.label, row.origin, row.round) == ("refund", "written", 0)
    assert row.cell == "broken goods > broken goods 4 > message"


def test_rows_are_found_by_their_meaning_within_a_filter(context: ToolContext, dataset: str) -> None:
    found = find(context, where={"splits": ["train"]}, like={"text": "forgot credentials", "count": 4})

    assert found.total == len(found.rows) == 4
    assert set(found.labels) == {"account"}
    alike = [row.similarity for row in found.rows]
    assert alike == sorted(alike, reverse=True)  # type: ignore[type-var]  # none is None
    others = find(context, like={"row": found.rows[0].id, "count": 3})
    assert found.rows[0].id not in {row.id for row in others.rows}


def test_words_without_accents_are_found_with_them_and_not_vice_versa(task: Task, context: ToolContext) -> None:
    texts = ["Klasse Übung", "klasse ubung", "Der Café ist zu", "か は もう", "が は もう"]
    save_rows(context.workspace, [], unlabelled=[make_example(text, None) for text in texts])

    def found(words: str) -> list[str]:
        return sorted(row.text for row in find(context, where={"text": words}).rows)

    assert found("ubung") == sorted(texts[:2])
    assert found("übung") == texts[:1]
    assert found("CAFE") == texts[2:3]
    assert found("か") == texts[3:4], "a mark that makes another letter is no accent"


def long_rows(count: int, characters: int) -> list[Example]:
    return [make_example(f"{number} " + 'a "quoted" wörd ' * (characters // 16), "refund") for number in range(count)]


def test_an_answer_stays_short_and_says_what_it_cuts(task: Task, context: ToolContext) -> None:
    rows = long_rows(60, 1_600)
    save_rows(context.workspace, rows)

    assert every_page(context, limit=100) == [row.id for row in rows]
    page = find(context, limit=100, shuffled=True)
    cut = page.shown_in_part["rows"]
    assert (cut.shown, cut.total) == (len(page.rows), 60)
    assert f" {len(page.rows)} of 60 rows fit into this answer." in page.summary
    assert f"the same call with dataset='support-d1', offset={len(page.rows)}" in page.next_step
    page = find(context, limit=100)
    part = page.shown_in_part["rows.text, in characters"]
    assert part.shown == sum(len(row.text) for row in page.rows)
    assert part.total == sum(len(row.text) for row in rows[: len(page.rows)])
    assert find(context, ids=[rows[5].id]).rows[0].text == rows[5].text


def test_a_text_that_is_longer_than_an_answer_is_shown_as_far_as_it_fits(task: Task, context: ToolContext) -> None:
    (row,) = rows = long_rows(1, 19_000)
    save_rows(context.workspace, rows)

    found = find(context)

    assert len(json.dumps(found.model_dump(mode="json"), ensure_ascii=False).encode()) > ANSWER_BYTES * 0.7
    assert every_page(context) == [row.id]
    assert "rows.text, in characters" in found.shown_in_part


def test_the_counts_of_very_many_labels_leave_room_for_rows(context: ToolContext) -> None:
    names = [f"a label with a rather long name, number {number}" for number in range(300)]
    context.workspace.save_task(Task(slug="many", instruction="Many.", labels=tuple(Label(name=n) for n in names)))
    rows = [make_example(f"text {number}", name) for number, name in enumerate(names)]
    save_dataset(context.workspace, "many", {"train": rows}, parent=None, run_key="many", made_by="import_examples")

    assert every_page(context, task="many", limit=100) == [row.id for row in rows]
    part = find(context, task="many").shown_in_part["labels"]
    assert 0 < part.shown < part.total == 300


def test_what_is_not_there_is_told(context: ToolContext, task: Task) -> None:
    with pytest.raises(NotFound, match="has no dataset yet"):
        find(context)
    with pytest.raises(NotFound, match="Did you mean 'support'"):
        find(context, task="suport")
    save_rows(context.workspace, written_rows())
    with pytest.raises(InvalidInput, match="has no row"):
        find(context, ids=["0123456789abcdef"])
    assert find(context, offset=1_000).rows == ()
    with pytest.raises(ValidationError, match="not both"):
        find(context, ids=["0123456789abcdef"], like={"text": "x"})


def test_rows_in_doubt_come_with_what_is_in_doubt_and_the_most_doubtful_first(context: ToolContext, task: Task) -> None:
    wrong = make_example("where is my parcel, is it still with the courier", "account")
    twin = make_example("where is my parcel, it should have been here on  Monday!", "delivery")
    dataset = save_rows(context.workspace, [*written_rows(), wrong, twin], real_rows())

    doubted = find(context, doubt="suspect")
    assert doubted.rows[0].id == wrong.id
    assert doubted.rows[0].note
    assert doubted.rows[0].note.startswith("likeliest: delivery")
    assert {row.id for row in doubted.rows} <= {row.id for row in find(context, doubt="disagrees").rows}
    bare = find(context, doubt="suspect", where={"labels": ["refund"], "splits": ["train"]})
    assert bare.summary.startswith(
        f"0 rows of {dataset} found. 10 of 10 rows could be judged. That does not say that all"
    )
    (repeat,) = find(context, doubt="repeats").rows
    original = next(row for row in written_rows() if row.text.startswith("where is my parcel, it"))
    assert (repeat.id, repeat.note) == (twin.id, f"equals {original.id}")
    assert find(context, dataset=dataset, doubt="disagrees") == find(context, doubt="disagrees")


def test_repeats_are_looked_for_once_and_again_where_what_was_kept_is_damaged(
    context: ToolContext, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = make_example("where is my parcel, it should have been here on  Monday!", "delivery")
    dataset = save_rows(context.workspace, [*written_rows(), twin])
    first = find(context, doubt="repeats")
    with monkeypatch.context() as patch:
        patch.setattr("classwright_tools.curation.bulk_duplicates.BulkDuplicates.add", None)
        assert find(context, doubt="repeats") == first
        assert find(context, doubt="repeats", where={"labels": ["refund"]}).total == 0
    (kept,) = (context.workspace.cache / "review").glob(f"{dataset}.repeats.*")
    kept.write_text('{"ab', encoding="utf-8")
    assert find(context, doubt="repeats") == first
    assert [row.id for row in first.rows] == [twin.id]


def test_a_comparison_shows_what_became_of_rows_and_counts_it(context: ToolContext, dataset: str) -> None:
    train = read_rows(context.workspace, dataset, "train")
    new = make_example("a new row about a refund", "refund")
    changed = [train[1], train[2].model_copy(update={"label": "delivery"}), *train[4:], new]
    validation = [*read_rows(context.workspace, dataset, "validation"), train[3]]
    later = save_dataset(
        context.workspace,
        "support",
        {"train": changed, "validation": validation, "test": []},
        parent=dataset,
        run_key="later",
        made_by="import_examples",
    ).id

    found = find(context, dataset=later, compare_to=dataset)

    assert {row.id: row.note for row in found.rows} == {
        train[0].id: "removed",
        train[2].id: "relabelled, was 'refund'",
        train[3].id: "moved, was in train",
        new.id: "added",
    }
    assert found.changes == {"removed": 1, "added": 1, "relabelled": 1, "moved": 1, "'refund' to 'delivery'": 1}
    assert found.summary == (
        f"From {dataset} to {later} 4 rows changed: 1 added, 1 removed, 1 relabelled, 1 moved. "
        "Besides, 1 test row that changed is left out: where.splits names them."
    )
    one = find(context, dataset=later, compare_to=dataset, where={"labels": ["delivery"], "splits": ["train"]})
    assert (one.total, one.changes) == (1, {"relabelled": 1, "'refund' to 'delivery'": 1})
    assert one.summary.endswith(" 1 row changed: 1 relabelled.")
    named = find(context, dataset=later, compare_to=dataset, where={"splits": ["test"]})
    assert (named.total, named.changes) == (1, {"removed": 1})
    same = find(context, dataset=dataset, compare_to=dataset)
    assert (same.changes, same.summary) == ({}, f"From {dataset} to {dataset} 0 rows changed.")


def test_a_comparison_tells_who_decided_and_that_a_new_name_is_no_decision_on_rows(
    context: ToolContext, dataset: str
) -> None:
    edit = editor(context)
    lost, moved = written_rows()[0], written_rows()[10]
    edit({"action": "rename_label", "label": "delivery", "to": "parcels"}, reason="as the team says")
    edit({"action": "relabel", "rows": {"ids": [moved.id]}, "label": "account"}, reason="it is the login")
    later = edit({"action": "remove", "rows": {"ids": [lost.id]}}, reason="a slip", decided_by="model").dataset

    found = find(context, compare_to=dataset, where={"splits": ["train"]})

    notes = {row.id: row.note or "" for row in found.rows}
    assert notes[lost.id].startswith("removed (by a model, ")
    assert notes[lost.id].endswith("): a slip")
    assert notes[moved.id].startswith("relabelled, was 'delivery' (by a person, ")
    assert notes[moved.id].endswith("): it is the login")
    assert notes[written_rows()[11].id] == "label renamed, was 'delivery'"
    assert "1 removed, 1 relabelled, 9 under a renamed label." in found.summary
    back = find(context, dataset=dataset, compare_to=later, where={"splits": ["train"]})
    assert back.changes["under a renamed label"] == 9


def test_what_a_person_did_is_found_told_and_no_longer_doubted(context: ToolContext, task: Task) -> None:
    odd = make_example("where is my parcel, is it still with the courier", "account")
    dataset = save_rows(context.workspace, [*written_rows(), odd], real_rows())
    edit = editor(context)
    good, slip = written_rows()[3], written_rows()[7]

    later = edit(
        {"action": "approve", "rows": {"ids": [odd.id]}},
        {"action": "good_example", "rows": {"ids": [good.id]}},
        {"action": "rewrite", "rows": {"ids": [slip.id]}, "text": "how do i get my money back for a closed box"},
        reason="looked at",
    ).dataset

    assert odd.id in {row.id for row in find(context, dataset=dataset, doubt="suspect").rows}
    assert odd.id not in {row.id for row in find(context, dataset=later, doubt="suspect").rows}
    assert odd.id in {row.id for row in find(context, mark="person").rows}
    assert [row.id for row in find(context, mark="good_example").rows] == [good.id]
    assert find(context, mark="flag").total == 0
    (row,) = find(context, ids=[odd.id]).rows
    assert row.note
    assert row.note.startswith("approve (by a person, ")
    assert row.note.endswith("): looked at")
    changed = find(context, compare_to=dataset)
    assert [row.note for row in changed.rows] == [f"rewritten, was: {slip.text}"]
    assert changed.changes == {"rewritten": 1}
    assert find(context, dataset=dataset, compare_to=later).changes == {"removed": 1, "added": 1}
