"""`edit_examples` where rows may have several labels: sets are changed, taken back and kept apart from no labels."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from classwright_tools.chronicle.edit_words import edits_in_words
from classwright_tools.context import ToolContext
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell, TopicTree
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.measurement.edit_calls import call_in_words
from classwright_tools.workspace.datasets import read_edits, read_rows, save_dataset
from classwright_tools.workspace.later_labels import under_later_labels
from support.editing import Editor, editor, rows_of
from support.several import ROWS, several_rows, several_task
from support.writing_verbs import save_tree

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


def test_labels_are_added_to_those_of_many_rows_and_taken_from_them(edit: Editor, context: ToolContext) -> None:
    everywhere = {"where": {"splits": ["train", "unlabelled"]}}
    before = rows_of(context.workspace, edit({"action": "approve", "rows": {"ids": [BOTH.id]}}).dataset)

    added = edit({"action": "relabel", "rows": everywhere, "label": "+Account|refund"})

    rows = rows_of(context.workspace, added.dataset)
    for id_, row in before.items():
        had = {*(row.labels or ()), "account", "refund"}
        wanted = None if row.labels is None else tuple(name for name in several_task().label_names if name in had)
        assert rows[id_].labels == wanted
    assert "1 without labels (give them all of theirs)" in added.summary
    change = {"action": "relabel", "rows": everywhere, "label": "-refund"}
    asked = edit(change)
    assert "as a person left" in asked.summary
    taken = edit(change, confirm=asked.rows)
    rows = rows_of(context.workspace, taken.dataset)
    assert all(
        "refund" not in (row.labels or ()) and "account" in (row.labels or ("account",)) for row in rows.values()
    )
    assert "without 'refund' now" in taken.summary
    edits = read_edits(context.workspace, taken.dataset or "")
    assert edits_in_words(edits)[1:] == [
        "6 rows given 'refund + account' beside their other labels",
        "6 rows without 'refund' now",
    ]
    told = call_in_words(context.workspace, edits[-1:], taken.dataset or "")
    assert told.startswith(f"relabel of 6 rows, without 'refund' now in {taken.dataset} by ")
    with pytest.raises(NotFound, match="refunds"):
        edit({"action": "relabel", "rows": everywhere, "label": "+refunds"})
    for mixed in ("-refund|+account", "refund|+account"):
        with pytest.raises(InvalidInput, match=r"label '\+account': has a sign of its own.*in a second one"):
            edit({"action": "relabel", "rows": everywhere, "label": mixed})


def test_a_label_that_begins_with_a_plus_is_given_as_any_other(context: ToolContext) -> None:
    context.workspace.save_task(several_task().model_copy(update={"labels": (Label(name="+a"), Label(name="a"))}))
    rows = {"train": [make_example("well", None, labels=["a"])]}
    save_dataset(context.workspace, "mail", rows, parent=None, run_key="rows", made_by="t")  # type: ignore[arg-type]  # splits
    made = editor(context, "mail")({"action": "relabel", "rows": {"where": {"text": "well"}}, "label": "+a"})
    assert [row.labels for row in rows_of(context.workspace, made.dataset).values()] == [("+a",)]


def test_a_set_may_be_longer_than_a_label_and_a_new_label_may_not(context: ToolContext) -> None:
    names = [f"{letter}, {'which is told at some length ' * 3}"[:100] for letter in "abcdefghijkl"]
    labels = tuple(Label(name=name) for name in names)
    context.workspace.save_task(several_task().model_copy(update={"labels": labels}))
    rows = {"train": [make_example("one of all", None, labels=names[:1])]}
    save_dataset(context.workspace, "mail", rows, parent=None, run_key="rows", made_by="t")  # type: ignore[arg-type]  # splits
    edit, row = editor(context, "mail"), rows["train"][0].id

    result = edit({"action": "relabel", "rows": {"ids": [row]}, "label": "|".join(names)})
    gone = edit({"action": "remove", "rows": {"ids": [row]}})
    back = edit({"action": "restore", "rows": {"ids": [row]}, "label": "|".join(names[1:])})

    assert rows_of(context.workspace, result.dataset)[row].labels == tuple(names)
    assert rows_of(context.workspace, gone.dataset) == {}
    assert rows_of(context.workspace, back.dataset)[row].labels == tuple(names[1:])
    with pytest.raises(ValidationError, match="longer than the 100 characters of a label: shorten it"):
        edit({"action": "add_label", "label": "x" * 101})


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
    both = edit({"action": "approve", "rows": {"where": {"labels": ["refund|delivery", "|"]}}})
    assert {row.id for row in both.sample} == {BOTH.id, NONE.id}
    with pytest.raises(NotFound, match="delivery"):
        edit({"action": "flag", "rows": {"where": {"labels": ["refund|delivry"]}}})


def test_an_unknown_label_among_several_is_refused_with_the_nearest(edit: Editor) -> None:
    with pytest.raises(NotFound, match="delivery"):
        edit({"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "refund|delivry"})


def test_a_new_name_takes_the_old_ones_place_in_every_set(edit: Editor, context: ToolContext) -> None:
    result = edit({"action": "rename_label", "label": "Delivery", "to": "parcel"})

    rows = rows_of(context.workspace, result.dataset)
    assert rows[BOTH.id].labels == ("refund", "parcel")
    assert context.workspace.task("mail").label_names == ("refund", "parcel", "account")
    assert [(row.before, row.after) for row in result.sample][1] == ("refund + delivery", "refund + parcel")
    assert "'delivery' renamed to 'parcel' (3 rows)" in result.summary


def test_labels_that_are_merged_leave_a_row_with_each_label_once(edit: Editor, context: ToolContext) -> None:
    result = edit({"action": "merge_label", "label": "delivery", "to": "refund"})

    rows = rows_of(context.workspace, result.dataset)
    assert [rows[row.id].labels for row in several_rows()] == [
        ("refund",),
        ("refund",),
        ("account",),
        ("refund",),
        ("refund", "account"),
        (),
    ]
    assert (result.rows, UNLABELLED) == (3, rows[UNLABELLED.id])


def test_a_label_that_is_taken_away_leaves_its_rows_with_their_other_labels(edit: Editor, context: ToolContext) -> None:
    edit({"action": "approve", "rows": {"ids": [BOTH.id]}})

    result = edit({"action": "remove_label", "label": "delivery"})

    rows = rows_of(context.workspace, result.dataset)
    assert len(rows) == len(ROWS) + 1
    assert rows[BOTH.id].labels == ("refund",)
    assert next(row for row in rows.values() if row.text == ROWS[1][0]).labels == ()
    assert "'delivery' taken away (3 rows, which stay)" in result.summary
    assert "To 1 row of 'delivery' none of the labels applies now." in result.summary
    decided = Decided(read_edits(context.workspace, result.dataset))
    assert (set(decided.by_person), decided.removed) == ({BOTH.id}, set())


def test_a_row_that_two_parts_of_a_split_mean_gets_both(edit: Editor, context: ToolContext) -> None:
    parts = [
        {"label": "late", "rows": {"where": {"text": "late"}}},
        {"label": "box", "rows": {"where": {"text": "box"}}},
        {"label": "delivery"},
    ]

    result = edit({"action": "split_label", "label": "delivery", "into": parts})

    rows = rows_of(context.workspace, result.dataset)
    assert context.workspace.task("mail").label_names == ("refund", "late", "box", "delivery", "account")
    assert [rows[row.id].labels for row in several_rows()[3:5]] == [("refund", "delivery"), ("late", "box", "account")]
    assert (result.rows, [row.before for row in result.sample]) == (1, ["delivery + account"])


def test_test_rows_follow_a_split_by_conditions_and_leave_where_rows_were_picked(
    edit: Editor, context: ToolContext
) -> None:
    test = [make_example("the van is late and i want my money", None, labels=["refund", "delivery"])]
    save_dataset(context.workspace, "mail", {"test": test}, parent="mail-d1", run_key="test", made_by="t")
    rule = {"label": "late", "rows": {"where": {"text": "late"}}}
    by_hand = {"label": "late", "rows": {"ids": [BOTH.id]}}

    ruled = edit({"action": "split_label", "label": "delivery", "into": [rule, {"label": "lost"}]})
    edit(revert_to="mail-d2")
    picked = edit({"action": "split_label", "label": "delivery", "into": [by_hand, {"label": "lost"}]})

    assert read_rows(context.workspace, ruled.dataset or "", "test")[0].labels == ("refund", "late")
    assert read_rows(context.workspace, picked.dataset or "", "test") == []
    assert "1 left this version" in picked.summary


def test_a_label_that_was_split_stays_in_no_cell(context: ToolContext) -> None:
    task = context.workspace.save_task(several_task())
    cell = Cell(label="refund|delivery", topic="t", subtopic="s", source_type="mail")
    text = make_example("my card", None, labels=("account",), provenance=Provenance(cell=cell), origin="written")
    rows = [*several_rows(), text]
    save_dataset(context.workspace, task.slug, {"train": rows}, parent=None, run_key="cells", made_by="t")
    parts = [{"label": "late", "rows": {"where": {"text": "late"}}}, {"label": "lost"}]

    split = editor(context, task.slug)({"action": "split_label", "label": "delivery", "into": parts})

    made = rows_of(context.workspace, split.dataset)[text.id].provenance
    assert made
    assert made.cell
    assert made.cell.label == "refund"


def test_topics_go_where_their_label_goes_and_those_of_texts_without_a_label_stay(
    edit: Editor, context: ToolContext
) -> None:
    save_tree(context.workspace, several_task())

    edit(
        {"action": "rename_label", "label": "delivery", "to": "parcel"},
        {"action": "merge_label", "label": "account", "to": "refund"},
    )

    newest = context.workspace.latest("topics", "mail")
    assert newest
    tree = context.workspace.document(newest.id, "topics", TopicTree)
    assert [branch.label for branch in tree.labels] == ["refund", "parcel", "|"]


def test_a_row_that_was_removed_returns_under_what_its_labels_have_become(edit: Editor, context: ToolContext) -> None:
    other = several_rows()[4]
    edit({"action": "remove", "rows": {"ids": [BOTH.id, other.id]}})
    edit(
        {"action": "rename_label", "label": "account", "to": "login"},
        {"action": "merge_label", "label": "delivery", "to": "refund"},
    )

    back = edit({"action": "restore", "rows": {"ids": [BOTH.id, other.id]}})

    rows = rows_of(context.workspace, back.dataset)
    assert (rows[BOTH.id].labels, rows[other.id].labels) == (("refund",), ("refund", "login"))


def test_texts_that_were_labelled_meanwhile_join_under_the_later_names(edit: Editor, context: ToolContext) -> None:
    cell = Provenance(cell=Cell(label="delivery", topic="parcels"), writer="t")
    texts = ["my box and my login", "pay me back", "where is it"]
    labels = (("delivery", "account"), ("refund",), ("delivery",))
    made = [
        make_example(text, None, labels=own, origin="written", provenance=cell)
        for text, own in zip(texts, labels, strict=True)
    ]
    result = edit(
        {"action": "rename_label", "label": "delivery", "to": "parcel"},
        {
            "action": "split_label",
            "label": "refund",
            "into": [{"label": "cash"}, {"label": "card", "rows": {"where": {"text": "shoes"}}}],
        },
        {"action": "remove_label", "label": "account"},
    )

    task = context.workspace.task("mail")
    kept, ended = under_later_labels(context.workspace, task.label_names, made, "mail-d1", result.dataset)

    assert [row.labels for row in kept] == [("parcel",), ("parcel",)]
    assert [row.provenance and row.provenance.cell and row.provenance.cell.label for row in kept] == ["parcel"] * 2
    assert ended == [made[1]]


def test_a_label_can_be_added_and_given(edit: Editor, context: ToolContext) -> None:
    added = {"action": "add_label", "label": "thanks", "description": "the customer says thank you"}

    result = edit(added, {"action": "relabel", "rows": {"ids": [NONE.id]}, "label": "thanks"})

    assert rows_of(context.workspace, result.dataset)[NONE.id].labels == ("thanks",)
    assert context.workspace.task("mail").label_names[-1] == "thanks"
    assert context.workspace.task("mail").multi_label


@pytest.mark.parametrize("given", ["thanks", "+thanks"])
def test_what_gave_a_label_to_rows_is_undone_before_the_label(edit: Editor, given: str) -> None:
    added = edit({"action": "add_label", "label": "thanks"}).dataset
    gave = edit({"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": given}).dataset

    assert f"undo first what gave it to rows ({gave!r}), then this; or " in edit(undo=added).summary


@pytest.mark.parametrize(
    "change",
    [
        {"action": "relabel", "rows": {"ids": [BOTH.id, NONE.id, UNLABELLED.id]}, "label": "account"},
        {"action": "remove", "rows": {"ids": [BOTH.id]}},
        {"action": "merge_label", "label": "refund", "to": "delivery"},
        {"action": "rename_label", "label": "refund", "to": "money back"},
        {"action": "remove_label", "label": "refund"},
    ],
    ids=lambda change: change["action"],
)
def test_an_edit_is_undone_by_itself_where_rows_have_several_labels(
    edit: Editor, context: ToolContext, change: dict[str, Any]
) -> None:
    workspace = context.workspace
    before, labels = rows_of(workspace, "mail-d1"), workspace.task("mail").labels
    made = edit(change).dataset
    assert made
    later = next(row for row in before.values() if row.text == ROWS[1][0]).id
    edit({"action": "flag", "rows": {"ids": [later]}})

    back = edit(undo=made).dataset

    assert back
    assert rows_of(workspace, back) == before
    assert workspace.task("mail").labels == labels
    assert Decided(read_edits(workspace, back)).flagged == {later}


SPLIT = {
    "action": "split_label",
    "label": "refund",
    "into": [{"label": "cash", "rows": {"where": {"text": "pay"}}}, {"label": "refund"}],
}


@pytest.mark.parametrize(
    "changes",
    [
        (SPLIT, {"action": "merge_label", "label": "delivery", "to": "account"}),
        (
            {"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "+account"},
            {"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "-refund"},
        ),
        (
            {"action": "remove_label", "label": "delivery"},
            {"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "+account"},
            {"action": "rename_label", "label": "account", "to": "login"},
        ),
        (SPLIT, {"action": "relabel", "rows": {"ids": [BOTH.id]}, "label": "account"}),
        (SPLIT, {"action": "rename_label", "label": "refund", "to": "money"}),
    ],
)
def test_edits_of_several_labels_of_a_row_are_undone_one_by_one_in_any_order(
    edit: Editor, context: ToolContext, changes: tuple[dict[str, Any], ...]
) -> None:
    made = [edit(change).dataset for change in changes]

    back = [edit(undo=version) for version in made][-1].dataset

    rows = rows_of(context.workspace, back)
    assert {id_: {*(row.labels or ())} for id_, row in rows.items()} == {
        row.id: {*(row.labels or ())} for row in (*several_rows(), UNLABELLED)
    }
    assert {*context.workspace.task("mail").label_names} == {*several_task().label_names}


def test_the_repair_of_an_undo_leaves_what_was_said_since_of_other_labels(edit: Editor) -> None:
    row = {"rows": {"ids": [BOTH.id]}}
    added = edit({"action": "relabel", **row, "label": "+account"}, decided_by="model").dataset
    edit({"action": "approve", **row}, {"action": "relabel", **row, "label": "-refund"})

    told = edit(undo=added).summary

    assert "keeps 'delivery + account' (before the edit 'refund + delivery'), labelled since" in told
    assert "'label': 'delivery', 'rows'" in told
