"""`edit_examples` where rows may have several labels: sets are changed, taken back and kept apart from no labels."""

from __future__ import annotations

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.workspace.datasets import read_edits, read_rows, save_dataset
from support.editing import Editor, editor, rows_of
from support.several import ROWS, several_rows, several_task

BOTH, NONE = several_rows()[3], several_rows()[5]
UNLABELLED = make_example("my refund and my parcel please", None)


@pytest.fixture
def edit(context: ToolContext) -> Editor:
    """Edit a dataset of six labelled rows and an unlabelled one."""
    context.workspace.save_task(several_task())
    rows = {"train": several_rows(), "unlabelled": [UNLABELLED]}
    save_dataset(context.workspace, "mail", rows, parent=None, run_key="rows", made_by="t")  # type: ignore[arg-type]  # splits
    return editor(context, "mail")


def test_rows_get_several_labels_one_or_none(edit: Editor, context: ToolContext) -> None:
    changes = [
        {"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "Account|delivery"},
        {"action": "relabel", "rows": {"ids": [NONE.id]}, "label": "refund"},
        {"action": "relabel", "rows": {"where": {"text": "where is the parcel"}}, "label": "|"},
        {"action": "relabel", "rows": {"ids": [UNLABELLED.id]}, "label": "refund|delivery"},
    ]

    result = edit(*changes)

    rows = rows_of(context.workspace, result.dataset)
    assert rows[BOTH.id].labels == ("delivery", "account")
    assert rows[NONE.id].labels == ("refund",)
    assert next(row for row in rows.values() if row.text == ROWS[1][0]).labels == ()
    assert rows[UNLABELLED.id].labels == ("refund", "delivery")
    assert len(read_rows(context.workspace, result.dataset or "", "train")) == len(ROWS) + 1
    assert [(row.before, row.after) for row in result.sample][:2] == [
        ("refund + delivery", "delivery + account"),
        ("none of the labels", "refund"),
    ]
    assert "labelled 'delivery + account'" in result.summary


def test_what_was_removed_comes_back_with_its_labels_and_none_is_not_the_same_as_unlabelled(
    edit: Editor, context: ToolContext
) -> None:
    gone = edit({"action": "remove", "rows": {"ids": [BOTH.id, NONE.id, UNLABELLED.id]}})
    assert gone.rows == 3

    back = edit({"action": "restore", "rows": {"ids": [BOTH.id, NONE.id, UNLABELLED.id]}})

    rows = rows_of(context.workspace, back.dataset)
    assert (rows[BOTH.id], rows[NONE.id], rows[UNLABELLED.id]) == (BOTH, NONE, UNLABELLED)


def test_the_version_before_returns_to_the_byte(edit: Editor, context: ToolContext) -> None:
    edit({"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "account"})

    back = edit(revert_to="mail-d1")

    assert rows_of(context.workspace, back.dataset) == rows_of(context.workspace, "mail-d1")


def test_the_history_of_a_row_tells_its_labels(edit: Editor, context: ToolContext) -> None:
    edit({"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "account"})

    found = find_examples(FindExamplesRequest(task="mail", ids=[BOTH.id]), context)

    assert "was refund + delivery" in (found.rows[0].note or "")


def test_a_label_that_some_row_of_the_set_has_finds_the_rows_to_change(edit: Editor, context: ToolContext) -> None:
    result = edit({"action": "flag", "rows": {"where": {"labels": ["refund"]}}})

    assert result.rows == 2
    assert len(read_edits(context.workspace, result.dataset)) == 1


def test_an_unknown_label_among_several_is_refused_with_the_nearest(edit: Editor) -> None:
    with pytest.raises(NotFound, match="delivery"):
        edit({"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "refund|delivry"})


@pytest.mark.parametrize(
    "change",
    [
        {"action": "rename_label", "label": "refund", "to": "money"},
        {"action": "merge_label", "label": "refund", "to": "account"},
        {"action": "remove_label", "label": "refund"},
    ],
)
def test_labels_that_rows_have_are_not_changed_yet_and_the_change_says_so(edit: Editor, change: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=r"takes rows with one label each.* propose_topics .*from_dataset"):
        edit(change)


def test_the_way_that_is_told_for_a_label_to_be_renamed_is_one(edit: Editor, context: ToolContext) -> None:
    labels = tuple(Label(name=name) for name in ("money", "delivery", "account"))
    context.workspace.save_task(several_task().model_copy(update={"labels": labels}))
    asked = {"task": "mail", "split": "train", "from_dataset": "mail-d1", "label_names": {"refund": "money"}}

    made = import_examples(ImportExamplesRequest.model_validate(asked | {"new_dataset": True}), context)

    assert made.imported == len(ROWS)
    assert rows_of(context.workspace, made.dataset)[BOTH.id].labels == ("money", "delivery")


def test_a_label_can_be_added_and_given(edit: Editor, context: ToolContext) -> None:
    added = {"action": "add_label", "label": "thanks", "description": "the customer says thank you"}

    result = edit(added, {"action": "relabel", "rows": {"ids": [NONE.id]}, "label": "thanks"})

    assert rows_of(context.workspace, result.dataset)[NONE.id].labels == ("thanks",)
    assert context.workspace.task("mail").label_names[-1] == "thanks"
    assert context.workspace.task("mail").multi_label
