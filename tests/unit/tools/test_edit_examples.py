"""`edit_examples`: rows are put right in a new version, with what they were, by whom and why."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import make_example
from classwright_tools.domain.row_history import history
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound
from classwright_tools.workspace.datasets import read_card, read_edits, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.editing import TEST, Editor, bytes_of, row_with, rows_of
from support.learning import real_rows, save_rows, written_rows

LAMP = "the lamp came in pieces"
LOCKER = "pick the parcel up at a locker"


def ids(workspace: Workspace, dataset: str, *words: str) -> dict[str, list[str]]:
    return {"ids": [row_with(workspace, dataset, one).id for one in words]}


def test_a_relabelled_row_keeps_its_origin_its_cell_and_its_round(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    before = row_with(workspace, dataset, LAMP)

    result = edit({"action": "relabel", "rows": {"ids": [before.id]}, "label": "delivery"}, reason="it came broken")

    after = rows_of(workspace, result.dataset)[before.id]
    assert before.provenance
    assert before.provenance.cell
    cell = before.provenance.cell.model_copy(update={"label": "delivery"})
    assert after == before.model_copy(
        update={"label": "delivery", "provenance": before.provenance.model_copy(update={"cell": cell})}
    )
    assert (result.rows, result.parent) == (1, dataset)
    assert rows_of(workspace, dataset)[before.id] == before
    (made,) = read_edits(workspace, result.dataset)
    assert (made.action, made.by, made.reason, made.dataset) == ("relabel", "person", "it came broken", dataset)
    assert made.rows == {before.id: "refund"}
    assert read_card(workspace, str(result.dataset)).note == "it came broken"


def test_several_changes_of_a_call_make_one_version(workspace: Workspace, dataset: str, edit: Editor) -> None:
    lamp, locker = row_with(workspace, dataset, LAMP), row_with(workspace, dataset, LOCKER)

    result = edit(
        {"action": "relabel", "rows": {"ids": [lamp.id]}, "label": "delivery"},
        {"action": "rewrite", "rows": {"ids": [locker.id]}, "text": "May I fetch my parcel at a locker?"},
        {"action": "remove", "rows": {"where": {"text": "lamp", "labels": ["delivery"]}}},
    )

    rows = rows_of(workspace, result.dataset)
    assert result.dataset == "support-d2"
    assert lamp.id not in rows
    assert locker.id not in rows
    fetched = row_with(workspace, "support-d2", "May I fetch")
    assert (fetched.label, fetched.origin, fetched.provenance) == (locker.label, locker.origin, locker.provenance)
    assert [len(edit.rows) for edit in read_edits(workspace, "support-d2")] == [1, 1, 1]


def test_what_was_removed_comes_back_as_it_was(workspace: Workspace, dataset: str, edit: Editor) -> None:
    gone = ids(workspace, dataset, LAMP, LOCKER, "so, When will my order")
    before = rows_of(workspace, dataset)
    without = edit({"action": "remove", "rows": gone})
    assert not set(gone["ids"]) & set(rows_of(workspace, without.dataset))

    edit({"action": "rename_label", "label": "refund", "to": "money back"})
    rest = {"ids": gone["ids"][1:]}
    back = edit({"action": "restore", "rows": {"where": {"text": "lamp"}}}, {"action": "restore", "rows": rest})

    rows = rows_of(workspace, back.dataset)
    assert rows.keys() == before.keys()
    assert rows[gone["ids"][0]].label == "money back"
    assert rows[gone["ids"][1]] == before[gone["ids"][1]]
    assert rows[gone["ids"][2]] == before[gone["ids"][2]]
    assert "is there again" in _refusal(edit, {"action": "restore", "rows": gone})


def test_an_unlabelled_row_that_a_person_labels_is_a_real_training_row_and_a_models_is_annotated(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    words = ("so, When will my order", "so, can I have", "so, I forgot my password")
    ours, theirs, back = (row_with(workspace, dataset, text) for text in words)

    edit({"action": "relabel", "rows": {"ids": [ours.id]}, "label": "delivery"})
    result = edit({"action": "relabel", "rows": {"ids": [theirs.id]}, "label": "refund"}, decided_by="model")

    train = {row.id: row for row in read_rows(workspace, str(result.dataset), "train")}
    assert (train[ours.id].label, train[ours.id].origin) == ("delivery", "real")
    assert (train[theirs.id].label, train[theirs.id].origin) == ("refund", "annotated")
    assert len(read_rows(workspace, str(result.dataset), "unlabelled")) == 4
    edit({"action": "remove", "rows": {"ids": [back.id]}})
    again = {"action": "restore", "rows": {"ids": [back.id]}, "label": "account"}
    result = edit(again, decided_by="model")
    (restored,) = (row for row in read_rows(workspace, str(result.dataset), "train") if row.id == back.id)
    assert restored.origin == "annotated"
    assert restored.provenance == train[theirs.id].provenance
    assert Decided(read_edits(workspace, str(result.dataset))).by_model == {theirs.id, back.id}


def test_what_a_person_decided_a_model_leaves_and_counts(workspace: Workspace, dataset: str, edit: Editor) -> None:
    rows = ids(workspace, dataset, LAMP, LOCKER)
    edit({"action": "approve", "rows": {"ids": rows["ids"][:1]}})

    result = edit({"action": "relabel", "rows": rows, "label": "account"}, decided_by="model")

    assert result.rows == 1
    assert "1 decided or rewritten by a person" in result.summary
    assert rows_of(workspace, result.dataset)[rows["ids"][0]].label == "refund"
    again = edit({"action": "relabel", "rows": rows, "label": "account"})
    assert again.rows == 1
    assert "1 with that label already" in again.summary


def test_marks_go_along_with_a_rewritten_row_and_change_no_row(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    lamp = row_with(workspace, dataset, LAMP)
    marked = edit(
        {"action": "good_example", "rows": {"ids": [lamp.id]}},
        {"action": "flag", "rows": {"where": {"text": "parcel", "splits": ["train"]}}},
    )
    assert bytes_of(workspace, dataset) == bytes_of(workspace, str(marked.dataset))

    rewritten = edit({"action": "rewrite", "rows": {"ids": [lamp.id]}, "text": "the lamp is in pieces: pay me back"})

    now = Decided(read_edits(workspace, rewritten.dataset))
    new = row_with(workspace, str(rewritten.dataset), "is in pieces")
    assert list(now.good_examples) == [new.id]
    assert new.id in now.by_person
    assert len(now.flagged) == 2
    cleared = edit({"action": "unmark", "rows": {"where": {"splits": ["train"]}}})
    assert cleared.rows == 3
    assert not Decided(read_edits(workspace, cleared.dataset)).flagged


def test_many_rows_are_counted_and_shown_before_they_change(workspace: Workspace, task: Task, edit: Editor) -> None:
    rows = [make_example(f"row number {number} of the file", "refund") for number in range(60)]
    save_dataset(workspace, "support", {"train": rows}, parent=None, run_key="many", made_by="import_examples")
    change = {"action": "relabel", "rows": {"where": {"labels": ["refund"]}}, "label": "delivery"}

    asked = edit(change)
    assert (asked.dataset, asked.rows, len(asked.sample)) == (None, 60, 5)
    assert asked.sample[0].model_dump() == {
        "id": rows[0].id,
        "text": rows[0].text,
        "before": "refund",
        "after": "delivery",
    }
    assert "confirm=60" in asked.next_step
    assert workspace.latest("dataset", "support").id == "support-d1"  # type: ignore[union-attr]  # it is there
    assert edit(change, confirm=59).dataset is None
    assert edit(change, confirm=60).dataset == "support-d2"
    assert edit({"action": "rename_label", "label": "delivery", "to": "parcels"}).dataset == "support-d3"


def rows_that_differ(workspace: Workspace, earlier: str, later: str) -> dict[str, int]:
    """Return how many rows are in the earlier version alone, and how many have another label there."""
    before, after = rows_of(workspace, earlier), rows_of(workspace, later)
    relabelled = sum(before[id_].label != after[id_].label for id_ in before.keys() & after.keys())
    return {"added": len(before.keys() - after.keys()), "relabelled": relabelled}


def test_another_label_of_a_validation_row_is_said_to_move_the_figures(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    row = next(row for row in read_rows(workspace, dataset, "validation") if row.label == "account")

    measured = edit({"action": "relabel", "label": "refund", "rows": {"ids": [row.id]}})
    trained = edit({"action": "relabel", "label": "account", "rows": ids(workspace, dataset, LAMP)})

    assert "1 validation row among them: figures on these rows from before do not compare" in measured.summary
    assert "do not compare" not in trained.summary


def test_an_earlier_version_comes_back_to_the_byte_with_its_decisions_and_labels(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    approved = edit({"action": "approve", "rows": ids(workspace, dataset, LAMP)}).dataset
    assert approved
    edit({"action": "remove", "rows": {"where": {"splits": ["train"], "labels": ["account"]}}})
    last = edit({"action": "merge_label", "label": "account", "to": "delivery"}).dataset
    assert workspace.task("support").label_names == ("refund", "delivery")

    back = edit(revert_to=approved, reason="too much at once")

    assert bytes_of(workspace, str(back.dataset)) == bytes_of(workspace, approved)
    came = {kind: f"{rows} {kind}" for kind, rows in rows_that_differ(workspace, approved, str(last)).items()}
    assert f"Rows that change by it: {came['added']}, {came['relabelled']}." in back.summary
    assert back.rows == sum(rows_that_differ(workspace, approved, str(last)).values())
    assert workspace.task("support").label_names == ("refund", "delivery", "account")
    assert read_card(workspace, str(back.dataset)).task_version == workspace.task("support").version
    edits = read_edits(workspace, back.dataset)
    assert [one.action for one in edits] == ["approve", "revert"]
    assert (edits[1].version, edits[1].dataset) == (approved, last)
    again = edit(revert_to=str(last))
    assert bytes_of(workspace, str(again.dataset)) == bytes_of(workspace, str(last))
    assert workspace.task("support").label_names == ("refund", "delivery")
    assert edit(revert_to=str(again.dataset)).dataset is None


def test_the_history_of_a_row_goes_back_through_names_and_texts(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    lamp = row_with(workspace, dataset, LAMP)
    edit({"action": "relabel", "rows": {"ids": [lamp.id]}, "label": "delivery"}, reason="one")
    edit({"action": "rename_label", "label": "delivery", "to": "parcels"}, reason="two")
    last = edit({"action": "rewrite", "rows": {"ids": [lamp.id]}, "text": "the lamp arrived broken"}, reason="three")

    row = row_with(workspace, str(last.dataset), "arrived broken")
    past = history(read_edits(workspace, last.dataset), row.id, row.label)

    assert [(one.edit.reason, one.id, one.label) for one in past] == [
        ("three", lamp.id, "parcels"),
        ("two", lamp.id, "delivery"),
        ("one", lamp.id, "refund"),
    ]


def test_the_decisions_stay_where_other_tools_make_the_next_version(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    parent = edit({"action": "approve", "rows": ids(workspace, dataset, LAMP)}).dataset
    more = [*read_rows(workspace, str(parent), "train"), make_example("a new row altogether", "refund")]

    made = save_dataset(
        workspace, "support", {"train": more}, parent=parent, run_key="next", made_by="synthesize_examples"
    )

    assert read_edits(workspace, made.id) == read_edits(workspace, parent)


def test_a_damaged_file_of_edits_is_told_and_not_taken_for_the_truth(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    made = edit({"action": "approve", "rows": ids(workspace, dataset, LAMP)}).dataset
    path = workspace.artifact(str(made), "dataset").path / "edits.jsonl"
    path.write_text(path.read_text().replace('"person"', '"model"').replace("approve", "flag"))

    with pytest.raises(DamagedArtifact, match=r"edits\.jsonl cannot be read back"):
        read_edits(workspace, made)
    assert "cannot be read back" in _refusal(edit, {"action": "approve", "rows": {"where": {}}}, confirm=100)


def test_test_rows_are_neither_changed_nor_shown(workspace: Workspace, dataset: str, edit: Editor) -> None:
    hidden = make_example(*TEST[0])

    for rows in ({"ids": [hidden.id]}, {"where": {"splits": ["test"]}}):
        refusal = _refusal(edit, {"action": "relabel", "rows": rows, "label": "account"})
        assert "final figure" in refusal
        assert TEST[0][0] not in refusal
    refusal = _refusal(edit, {"action": "rewrite", "rows": ids(workspace, dataset, LAMP), "text": TEST[0][0]})
    assert "repeats a test row" in refusal
    assert hidden.id not in refusal


def test_conflicts_are_refused_with_what_repairs_them(workspace: Workspace, dataset: str, edit: Editor) -> None:
    lamp, locker = row_with(workspace, dataset, LAMP), row_with(workspace, dataset, LOCKER)
    one = {"ids": [lamp.id]}

    taken = _refusal(edit, {"action": "rewrite", "rows": one, "text": locker.text})
    assert f"is that of row {locker.id} (train, delivery)" in taken
    assert "Name one row by its id" in _refusal(edit, {"action": "rewrite", "rows": {"where": {}}, "text": "x y"})
    assert "no characters" in _refusal(edit, {"action": "rewrite", "rows": one, "text": "\u200b"})
    assert "about single texts" in _refusal(
        edit, {"action": "rewrite", "rows": one, "text": "a b", "text_pair": "an item"}
    )
    assert "has no row 0123456789abcdef" in _refusal(edit, {"action": "remove", "rows": {"ids": ["0123456789abcdef"]}})
    assert "Did you mean 'refund'" in _refusal(edit, {"action": "relabel", "rows": one, "label": "refunds"})
    assert workspace.latest("dataset", "support").id == dataset  # type: ignore[union-attr]  # it is there


def test_a_change_says_what_it_lacks_and_what_it_does_nothing_with() -> None:
    for change, told in (
        ({"action": "relabel", "label": "refund"}, "needs `rows` and `label`: add `rows`"),
        ({"action": "remove", "rows": {"where": {}}, "label": "x"}, "does nothing with `label`"),
        ({"action": "split_label", "label": "x"}, "add `into`"),
    ):
        with pytest.raises(ValidationError, match=told):
            EditExamplesRequest.model_validate({"task": "support", "reason": "r", "changes": [change]})
    with pytest.raises(ValidationError, match="one of these"):
        EditExamplesRequest(task="support", reason="r")


def test_a_run_that_is_repeated_makes_nothing_twice(workspace: Workspace, dataset: str, context: ToolContext) -> None:
    from classwright_tools.edit_examples import edit_examples

    request = EditExamplesRequest.model_validate(
        {
            "task": "support",
            "reason": "r",
            "changes": [{"action": "remove", "rows": ids(workspace, dataset, LAMP)}],
        }
    )

    first, second = edit_examples(request, context), edit_examples(request, context)

    assert (first.dataset, second.dataset, second.rows) == ("support-d2", "support-d2", 1)


def test_rows_are_meant_by_what_they_say_though_no_word_is_the_same(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    like = {"where": {"splits": ["train"]}, "like": {"text": "forgot credentials", "count": 3}}

    result = edit({"action": "flag", "rows": like})

    flagged = Decided(read_edits(workspace, result.dataset)).flagged
    assert {rows_of(workspace, dataset)[id_].label for id_ in flagged} == {"account"}
    assert len(flagged) == 3


def _refusal(edit: Editor, *changes: dict[str, object], **fields: object) -> str:
    with pytest.raises((InvalidInput, NotFound, DamagedArtifact)) as refused:
        edit(*changes, **fields)
    return str(refused.value)


def test_rows_are_meant_by_their_mark_also_by_one_that_the_call_has_set_just_before(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    lamp, locker = row_with(workspace, dataset, LAMP), row_with(workspace, dataset, LOCKER)
    edit({"action": "flag", "rows": {"ids": [lamp.id]}})

    made = edit({"action": "flag", "rows": {"ids": [locker.id]}}, {"action": "remove", "rows": {"mark": "flag"}})

    assert rows_of(workspace, dataset).keys() - rows_of(workspace, made.dataset).keys() == {lamp.id, locker.id}


def test_rows_that_repeat_others_or_whose_label_is_in_doubt_are_meant_by_that(
    workspace: Workspace, task: Task, edit: Editor
) -> None:
    repeat = make_example("where is my parcel, it should have been here on  Monday!", "delivery")
    wrong = make_example("where is my parcel, is it still with the courier", "account")
    dataset = save_rows(workspace, [*written_rows(), wrong, repeat], real_rows())

    cleaned = edit({"action": "remove", "rows": {"doubt": "repeats"}})
    righted = edit(
        {
            "action": "relabel",
            "rows": {"doubt": "disagrees", "where": {"text": "still with the courier"}},
            "label": "delivery",
        }
    )

    assert rows_of(workspace, dataset).keys() - rows_of(workspace, cleaned.dataset).keys() == {repeat.id}
    assert rows_of(workspace, righted.dataset)[wrong.id].label == "delivery"


def test_changes_that_make_the_same_of_rows_are_told_together_and_each_sentence_once(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    of_refund = [row.id for row in read_rows(workspace, dataset, "validation") if row.label == "refund"]
    of_delivery = [row.id for row in read_rows(workspace, dataset, "validation") if row.label == "delivery"]
    bare = [row.id for row in read_rows(workspace, dataset, "unlabelled")]
    groups = [[of_refund[0], bare[0]], of_delivery[:1], [of_refund[1], bare[1]]]

    result = edit(*({"action": "relabel", "label": "account", "rows": {"ids": ids}} for ids in groups))

    assert "with 5 rows labelled 'account' (2 unlabelled before)." in result.summary
    assert result.summary.count("figures on these rows") == 1
    assert "3 validation rows among them" in result.summary

    again = edit(*({"action": "relabel", "label": "refund", "rows": {"ids": ids}} for ids in groups))
    assert "5 of these rows are as a person left them (5 labelled by a person on " in again.summary
    assert again.summary.count("whom this overrules") == 1
