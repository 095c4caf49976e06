"""One edit undone by itself: the rows and labels that it changed are as before, and all that came later stays."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.example import SPLITS, Example
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.workspace.datasets import read_edits, read_rows
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, bytes_of, row_with, rows_of

ROW_KINDS = ("relabel", "rewrite", "remove", "flag", "approve", "good_example")
LABEL_KINDS = ("rename_label", "merge_label", "split_label", "remove_label", "add_label", "describe_label")
LABELS = ("refund", "delivery", "account")
Held = tuple[Any, Example, tuple[Any, ...]]
LATER = {"action": "relabel", "label": "account"}


def named(workspace: Workspace, dataset: str, *words: str) -> dict[str, Any]:
    return {"ids": [row_with(workspace, dataset, one).id for one in words]}


def what_holds(workspace: Workspace, dataset: str) -> dict[str, Held]:
    """Return of each row its split, the row itself, and what was said of it."""
    said = Decided(read_edits(workspace, dataset))
    return {
        row.id: (split, row, said.said_of(row.id)) for split in SPLITS for row in read_rows(workspace, dataset, split)
    }


def some_change(kind: str, rows: dict[str, Example], chance: random.Random, number: int) -> dict[str, Any]:
    """Return a change of rows or of a label, drawn by `chance`."""
    seen = sorted(id_ for id_, row in rows.items() if not row.text.startswith("the test"))
    match kind:
        case "relabel":
            return {"action": kind, "rows": {"ids": chance.sample(seen, 3)}, "label": chance.choice(LABELS)}
        case "rewrite":
            return {"action": kind, "rows": {"ids": chance.sample(seen, 1)}, "text": f"written anew, {number}"}
        case "rename_label":
            return {"action": kind, "label": "refund", "to": f"named {number}"}
        case "merge_label":
            return {"action": kind, "label": "refund", "to": "delivery", "description": "both"}
        case "split_label":
            parts = [{"label": f"part {number}", "rows": {"where": {"text": "money"}}}, {"label": "others"}]
            return {"action": kind, "label": "refund", "into": parts}
        case "remove_label":
            return {"action": kind, "label": "refund"}
        case "add_label":
            return {"action": kind, "label": f"new {number}"}
        case "describe_label":
            return {"action": kind, "label": "refund", "description": f"meaning {number}"}
    return {"action": kind, "rows": {"ids": chance.sample(seen, 3)}}


def under_old_name(held: Held | None, names: dict[Any, Any]) -> Held | None:
    """Return what holds of a row with its label, and that of its cell, called as before a renaming."""
    if held is None or held[1].label not in names:
        return held
    split, row, said = held
    label = names[row.label]
    made = row.provenance
    if made and made.cell:
        made = made.model_copy(update={"cell": made.cell.model_copy(update={"label": label})})
    return split, row.model_copy(update={"label": label, "provenance": made}), said


def old_ids(edits: Sequence[Edit], *, new: bool = False) -> dict[str, str]:
    """Return the ids that rewritten rows have by those that they had, or these by the `new` ones."""
    pairs = [pair for one in edits if one.action == "rewrite" for pair in one.rows.items()]
    return dict(pairs) if new else {old: id_ for id_, old in pairs}


def traced(id_: str, since: Sequence[Edit]) -> tuple[str, bool]:
    """Return the id that a row got by later edits, and whether one of them was a word about its label."""
    decided = False
    for one in since:
        id_ = old_ids([one]).get(id_, id_)
        decided |= one.action in ("relabel", "approve", "good_example") and id_ in one.rows
    return id_, decided


def merged(then: Held, made: Held, now: Held, *, decided: bool, names: dict[Any, Any]) -> Held:
    """Return what should hold of a row: of text, label and each mark, what was then unless it was changed since."""
    split, row, said = under_old_name(now, names) or now
    if not decided:
        split, row = then[0], then[1].model_copy(update={"id": row.id, "text": row.text})
    if made[1].id == now[1].id:
        row = row.model_copy(update={"id": then[1].id, "text": then[1].text})
    marks = zip(then[2], made[2], said, strict=True)
    return split, row, tuple(old if before == after else after for old, before, after in marks)


@pytest.mark.parametrize("kind", [*ROW_KINDS, *LABEL_KINDS])
def test_undoing_the_last_edit_is_to_go_back(workspace: Workspace, dataset: str, edit: Editor, kind: str) -> None:
    task = workspace.task("support")
    made = edit(some_change(kind, rows_of(workspace, dataset), random.Random(kind), 0)).dataset
    assert made

    back = edit(undo=made).dataset

    assert back
    assert bytes_of(workspace, back) == bytes_of(workspace, dataset)
    assert what_holds(workspace, back) == what_holds(workspace, dataset)
    assert workspace.task("support").model_copy(update={"version": task.version}) == task


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", [*ROW_KINDS, *LABEL_KINDS])
def test_undoing_an_earlier_edit_leaves_all_else_as_it_is(
    workspace: Workspace, dataset: str, edit: Editor, kind: str, seed: int
) -> None:
    chance = random.Random(f"{kind} {seed}")
    before, newest = dataset, dataset
    for number in range(2):
        change = some_change(chance.choice(ROW_KINDS), rows_of(workspace, newest), chance, number)
        before = newest = edit(change).dataset or newest
    task = workspace.task("support")
    undone = edit(some_change(kind, rows_of(workspace, before), chance, 2)).dataset
    if undone is None:
        return
    newest, names = undone, workspace.task("support").label_names
    for number in range(3, 6):
        change = some_change(chance.choice(ROW_KINDS), rows_of(workspace, newest), chance, number)
        if change.get("label", names[0]) in names:
            newest = edit(change).dataset or newest

    back = edit(undo=undone)

    then, after, now = (what_holds(workspace, id_) for id_ in (before, undone, newest))
    found = what_holds(workspace, back.dataset or newest)
    own = read_edits(workspace, undone)[len(read_edits(workspace, before)) :]
    since = read_edits(workspace, newest)[len(read_edits(workspace, undone)) :]
    old_name = {one.to: one.label for one in own if one.action == "rename_label"}
    expected = {id_: held for id_, held in then.items() if id_ not in after and id_ not in old_ids(own)}
    for id_, made in after.items():
        was, is_now, decided = old_ids(own, new=True).get(id_, id_), *traced(id_, since)
        if is_now in now:
            held = merged(then[was], made, now[is_now], decided=decided, names=old_name)
            expected[held[1].id] = held
    assert found == expected
    if not any("stays" in one for one in [back.summary]):
        assert workspace.task("support").label_names == task.label_names


def test_a_merged_label_comes_back_under_the_names_of_now_and_rows_that_were_decided_since_stay(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    merged = edit({"action": "merge_label", "label": "refund", "to": "delivery"}).dataset
    assert merged
    edit({"action": "rename_label", "label": "delivery", "to": "parcel"})
    later = edit({**LATER, "rows": named(workspace, merged, "blender")}).dataset
    assert later

    back = edit(undo=merged)

    assert back.dataset
    assert set(workspace.task("support").label_names) == {"refund", "parcel", "account"}
    was, now = rows_of(workspace, dataset), rows_of(workspace, back.dataset)
    blender = row_with(workspace, dataset, "blender").id
    renamed = {"delivery": "parcel"}
    assert now[blender].label == "account"
    assert {id_: row.label for id_, row in now.items() if id_ != blender} == {
        id_: renamed.get(row.label or "", row.label) for id_, row in was.items() if id_ != blender
    }
    assert "1 changed again since" in back.summary


def test_a_renaming_is_undone_after_the_merge_that_ended_the_label_which_an_undo_names(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    renamed = edit({"action": "rename_label", "label": "refund", "to": "money"}).dataset
    merged = edit({"action": "merge_label", "label": "money", "to": "delivery"}).dataset

    refused = edit(undo=renamed)
    edit(undo=merged)
    back = edit(undo=renamed)

    assert refused.dataset is None
    assert f"Undo {merged!r} first, by which 'money' ended, then this." in refused.summary
    assert rows_of(workspace, back.dataset) == rows_of(workspace, dataset)
    assert "Left as they are" not in back.summary
    assert "Not undone" not in back.summary


def test_a_part_of_a_split_that_rows_got_since_stays_and_is_named(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    parts = [{"label": "broken", "rows": {"where": {"text": "broke"}}}, {"label": "regret"}]
    split = edit({"action": "split_label", "label": "refund", "into": parts}).dataset
    assert split
    edit({"action": "relabel", "label": "broken", "rows": named(workspace, split, "island")})

    back = edit(undo=split)

    assert set(workspace.task("support").label_names) == {"refund", "broken", "delivery", "account"}
    assert "1 with the label 'broken', which stays" in back.summary
    call = {"action": "merge_label", "label": "broken", "to": "refund"}
    assert f"To give its rows to 'refund': edit_examples with {call}." in back.summary
    now, was = rows_of(workspace, edit(call).dataset), rows_of(workspace, dataset)
    assert [id_ for id_, row in was.items() if now[id_].label != row.label] == named(workspace, dataset, "island")[
        "ids"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "relabel", "label": "delivery"},
        {"action": "remove"},
        {"action": "approve"},
        {"action": "rename_label", "label": "refund", "to": "money"},
        {"action": "split_label", "label": "refund", "into": [{"label": "broken"}, {"label": "regret"}]},
    ],
    ids=lambda change: change["action"],
)
def test_an_undo_that_is_repeated_makes_nothing_and_says_where_it_was_made(
    workspace: Workspace, dataset: str, edit: Editor, change: dict[str, Any]
) -> None:
    rows = named(workspace, dataset, "blender")
    if change["action"] == "split_label":
        change = {**change, "into": [{**change["into"][0], "rows": rows}, change["into"][1]]}
    made = edit(change if "label" in change and change["action"] != "relabel" else {**change, "rows": rows}).dataset
    undone = edit(undo=made).dataset

    again = edit(undo=made)

    assert again.dataset is None
    assert f"The edit of {made} was undone in {undone} already." in again.summary
    assert "Not undone" not in again.summary
    assert again.next_step == "There is nothing to undo."


@pytest.mark.parametrize("later", ["", "merged", "renamed"])
def test_rows_get_their_labels_back_after_a_split_in_which_the_old_name_went_on(
    workspace: Workspace, dataset: str, edit: Editor, later: str
) -> None:
    given, taken = named(workspace, dataset, "blender"), named(workspace, dataset, "surname")
    gone, was = named(workspace, dataset, "locked"), rows_of(workspace, dataset)
    relabel = {"action": "relabel", "label": "delivery", "rows": taken}
    made = edit({**LATER, "rows": given}, relabel, {"action": "remove", "rows": gone}).dataset
    parts = [{"label": "part", "rows": {"where": {"text": "password"}}}, {"label": "account"}]
    edit({"action": "split_label", "label": "account", "into": parts})
    if later == "merged":
        edit({"action": "merge_label", "label": "part", "to": "account"})
    if later == "renamed":
        edit({"action": "rename_label", "label": "account", "to": "profile"})

    back = edit(undo=made)

    now, called = rows_of(workspace, back.dataset), "profile" if later == "renamed" else "account"
    assert now[given["ids"][0]].label == was[given["ids"][0]].label != called
    assert now[taken["ids"][0]].label == now[gone["ids"][0]].label == called
    assert back.rows == 3
    assert "Left as they are" not in back.summary


def test_a_row_whose_label_has_ended_since_is_named_by_the_undo_that_leaves_it(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    taken = named(workspace, dataset, "surname")
    made = edit({"action": "relabel", "label": "delivery", "rows": taken}).dataset
    parts = [{"label": "part", "rows": {"where": {"text": "password"}}}, {"label": "others"}]
    edit({"action": "split_label", "label": "account", "into": parts})

    kept = f"{taken['ids'][0]} keeps 'delivery' (before the edit 'account', a label that has ended since)"
    assert f"Not undone: {kept}." in edit(undo=made).summary


def test_what_is_no_edit_or_went_back_is_not_undone(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext
) -> None:
    first = edit({**LATER, "rows": named(workspace, dataset, "blender")}).dataset
    second = edit(revert_to=dataset).dataset
    request = ImportExamplesRequest(task="support", split="train", rows=({"text": "give it back", "label": "refund"},))
    third = import_examples(request, replace(context, run_key="import")).dataset

    for version in (dataset, second, third):
        with pytest.raises(InvalidInput, match=r"is no edit: .*revert_to"):
            edit(undo=version)
    with pytest.raises(InvalidInput, match="went back to an earlier version"):
        edit(undo=first)


def test_an_edit_that_is_undone_can_be_made_again_by_undoing_that(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    made = edit({"action": "merge_label", "label": "refund", "to": "delivery"}).dataset
    assert made

    undone = edit(undo=made).dataset
    again = edit(undo=undone).dataset

    assert again
    labels = {id_: row.label for id_, row in rows_of(workspace, made).items()}
    assert {id_: row.label for id_, row in rows_of(workspace, again).items()} == labels
    assert workspace.task("support").label_names == ("delivery", "account")


def test_a_row_whose_text_alone_was_mended_since_gets_its_label_back_and_keeps_its_text(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    rows = named(workspace, dataset, "blender", "island")
    made = edit({**LATER, "rows": rows}).dataset
    edit({"action": "rewrite", "rows": {"ids": rows["ids"][:1]}, "text": "my first text"})
    edit({"action": "rewrite", "rows": named(workspace, "support-d3", "my first text"), "text": "my mended text"})

    back = edit(undo=made)

    mended = row_with(workspace, str(back.dataset), "my mended text")
    assert mended.label == rows_of(workspace, dataset)[rows["ids"][0]].label != "account"
    assert back.rows == 2
    assert "Left as they are" not in back.summary
    assert {(one.id, one.before) for one in back.sample} == {(mended.id, "account"), (rows["ids"][1], "account")}
    assert {one.after for one in back.sample if one.id == mended.id} == {mended.label}


def test_what_an_undo_leaves_is_named_with_who_changed_it_and_the_call_that_mends_it(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    rows = named(workspace, dataset, "blender")
    (id_,) = rows["ids"]
    made = edit({**LATER, "rows": rows}).dataset
    edit({"action": "good_example", "rows": rows})

    left = edit(undo=made)

    label = rows_of(workspace, dataset)[id_].label
    assert left.dataset is None
    assert (
        f"Not undone: {id_} keeps 'account' (before the edit {label!r}), marked as good since (by a person,"
        in left.summary
    )
    change = {"action": "relabel", "label": label, "rows": {"ids": [id_]}}
    assert f"changes=[{change}]" in left.summary
    mended = edit(change)
    assert rows_of(workspace, mended.dataset)[id_].label == label


@pytest.mark.parametrize("later", ["flag", "unmark"])
def test_a_later_mark_is_no_word_about_the_label(workspace: Workspace, dataset: str, edit: Editor, later: str) -> None:
    rows = named(workspace, dataset, "blender")
    (id_,) = rows["ids"]
    made = edit({**LATER, "rows": rows}).dataset
    edit({"action": later, "rows": rows})

    back = edit(undo=made).dataset

    assert rows_of(workspace, back)[id_].label == rows_of(workspace, dataset)[id_].label
    said = Decided(read_edits(workspace, str(back)))
    assert (id_ in said.flagged, id_ in said.by_person) == (later == "flag", False)


def test_a_rewriting_undone_shows_both_texts(workspace: Workspace, dataset: str, edit: Editor) -> None:
    rows = named(workspace, dataset, "blender")
    old = row_with(workspace, dataset, "blender").text
    made = edit({"action": "rewrite", "rows": rows, "text": "mended"})

    back = edit(undo=made.dataset)

    (there,), (again,) = made.sample, back.sample
    assert (there.text, there.before, there.after) == ("mended", old, "mended")
    assert there.id == row_with(workspace, str(made.dataset), "mended").id
    assert (again.id, again.text, again.before, again.after) == (rows["ids"][0], old, "mended", old)


def test_a_label_without_rows_is_merged_and_comes_back(workspace: Workspace, dataset: str, edit: Editor) -> None:
    edit({"action": "add_label", "label": "praise"})
    made = edit({"action": "merge_label", "label": "praise", "to": "refund"}).dataset

    edit(undo=made)

    assert set(workspace.task("support").label_names) == {*LABELS, "praise"}


def test_an_added_label_that_rows_have_is_left_with_the_ways_to_take_it_away(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    added = edit({"action": "add_label", "label": "question"}).dataset
    asked = row_with(workspace, str(added), "how much is express shipping")
    gave = edit({"action": "relabel", "label": "question", "rows": {"ids": [asked.id]}}).dataset

    kept = edit(undo=added)

    assert kept.dataset is None
    assert "1 with the label 'question', which stays" in kept.summary
    assert f"undo first what gave it to rows ({gave!r}), then this; or " in kept.summary
    assert "{'action': 'remove_label', 'label': 'question'}, by which its rows go too." in kept.summary
    assert "Name other rows" not in kept.next_step
    edit(undo=gave)
    assert edit(undo=added).dataset
    assert "question" not in workspace.task("support").label_names
