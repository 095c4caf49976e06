"""One edit undone by itself: the rows and labels that it changed are as before, and all that came later stays."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.edits import Decided
from classwright_tools.domain.example import SPLITS, Example
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.workspace.datasets import read_edits, read_rows
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, bytes_of, row_with, rows_of

ROW_KINDS = ("relabel", "rewrite", "remove", "flag", "approve", "good_example")
LABEL_KINDS = ("rename_label", "merge_label", "split_label", "remove_label", "add_label", "describe_label")
LABELS = ("refund", "delivery", "account")
LATER = {"action": "relabel", "label": "account"}


def named(workspace: Workspace, dataset: str, *words: str) -> dict[str, Any]:
    return {"ids": [row_with(workspace, dataset, one).id for one in words]}


def what_holds(workspace: Workspace, dataset: str) -> dict[str, tuple[Any, ...]]:
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


def under_old_name(held: tuple[Any, ...] | None, names: dict[Any, Any]) -> tuple[Any, ...] | None:
    """Return what holds of a row with its label, and that of its cell, called as before a renaming."""
    if held is None or held[1].label not in names:
        return held
    split, row, said = held
    label = names[row.label]
    made = row.provenance
    if made and made.cell:
        made = made.model_copy(update={"cell": made.cell.model_copy(update={"label": label})})
    return split, row.model_copy(update={"label": label, "provenance": made}), said


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


@pytest.mark.parametrize("seed", range(24))
def test_undoing_an_earlier_edit_leaves_all_else_as_it_is(
    workspace: Workspace, dataset: str, edit: Editor, seed: int
) -> None:
    chance = random.Random(seed)
    before, newest = dataset, dataset
    for number in range(2):
        change = some_change(chance.choice(ROW_KINDS), rows_of(workspace, newest), chance, number)
        before = newest = edit(change).dataset or newest
    task = workspace.task("support")
    kind = chance.choice((*ROW_KINDS, *LABEL_KINDS))
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
    own = read_edits(workspace, undone)
    rewritten = {new: old for one in own if one.action == "rewrite" for new, old in one.rows.items()}
    old_name = {one.to: one.label for one in own if one.action == "rename_label"}
    for id_ in {*after, *then} - {*rewritten.values()}:
        was = rewritten.get(id_, id_) if id_ in after and id_ not in then else id_
        if now.get(id_) == after.get(id_):  # nothing later changed it
            assert found.get(was) == then.get(was)
        else:
            assert found.get(id_) == under_old_name(now.get(id_), old_name)
    assert {id_: found.get(id_) for id_ in now.keys() - after.keys()} == {
        id_: under_old_name(now[id_], old_name) for id_ in now.keys() - after.keys()
    }
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
    assert "1 that were changed again since" in back.summary


def test_a_part_of_a_split_that_rows_got_since_stays_and_is_named(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    parts = [{"label": "broken", "rows": {"where": {"text": "broke"}}}, {"label": "regret"}]
    split = edit({"action": "split_label", "label": "refund", "into": parts}).dataset
    assert split
    edit({"action": "relabel", "label": "broken", "rows": named(workspace, split, "island")})

    back = edit(undo=split)

    assert set(workspace.task("support").label_names) == {"refund", "broken", "delivery", "account"}
    assert "rows have the label 'broken', which stays" in back.summary


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
