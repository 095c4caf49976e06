"""`edit_examples` where persons decided before, and where a label is left without a description: it says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from classwright_tools.annotation.batches import annotation_rules
from classwright_tools.domain.decided import Decided
from classwright_tools.edit_examples import OVERRULED_AT_ONCE
from classwright_tools.workspace.datasets import read_edits, read_rows
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, rows_of


def some_ids(workspace: Workspace, dataset: str, count: int, label: str = "refund") -> list[str]:
    rows = rows_of(workspace, dataset).values()
    return [row.id for row in rows if row.label == label][:count]


@pytest.mark.parametrize("change", [{"action": "relabel", "label": "delivery"}, {"action": "remove"}])
def test_a_call_that_overrules_more_than_a_handful_of_a_persons_decisions_asks(
    workspace: Workspace, dataset: str, edit: Editor, change: dict[str, str]
) -> None:
    ids = some_ids(workspace, dataset, OVERRULED_AT_ONCE + 1)
    edit({"action": "approve", "rows": {"ids": ids[:4]}}, reason="said in support-n1")
    edit({"action": "rewrite", "rows": {"ids": ids[4:5]}, "text": "in better words"})
    edit({"action": "good_example", "rows": {"ids": ids[5:]}})
    ids[4] = next(row.id for row in rows_of(workspace, "support-d3").values() if row.text == "in better words")

    asked = edit({**change, "rows": {"ids": ids}})

    assert asked.dataset is None
    day = f"by a person on {datetime.now(UTC):%Y-%m-%d}"
    done = f"4 approved {day}, 1 rewritten {day}, 1 marked as good {day}"
    assert f"6 of these rows are as a person left them ({done}), whom this overrules." in asked.summary
    assert "support-n1" not in asked.summary
    assert "call again with confirm=6" in asked.next_step
    assert edit({**change, "rows": {"ids": ids}}, confirm=6).dataset


def test_a_handful_is_overruled_at_once_and_said(workspace: Workspace, dataset: str, edit: Editor) -> None:
    ids = some_ids(workspace, dataset, OVERRULED_AT_ONCE)
    edit({"action": "approve", "rows": {"ids": ids}})

    result = edit({"action": "relabel", "label": "delivery", "rows": {"ids": ids}})

    assert result.dataset
    assert "5 of these rows are as a person left them (5 approved by a person on " in result.summary


def test_persons_labels_that_a_model_splits_are_told_and_count_as_a_models_until_the_split_is_undone(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    measured = [row.id for row in read_rows(workspace, dataset, "validation") if row.label == "refund"]
    train = next(row.id for row in read_rows(workspace, dataset, "train") if row.label == "refund")
    edit({"action": "approve", "rows": {"ids": [*measured, train]}})
    parts = [{"label": "money", "rows": {"ids": measured}}, {"label": "refund"}]
    change = {"action": "split_label", "label": "refund", "into": parts}

    by_person = edit(change)
    edit(undo=by_person.dataset)
    by_model = edit(change, decided_by="model")

    few = len(measured)
    assert f"{few} of these rows are as a person left them ({few} approved by a person on " in by_model.summary
    assert f"{few} validation rows among them: figures on these rows from before" in by_model.summary
    assert "overrules" not in by_person.summary
    decided = Decided(read_edits(workspace, str(by_model.dataset)))
    assert (decided.by_model, set(decided.by_person)) == ({*measured}, {train})
    undone = edit(undo=by_model.dataset)
    again = Decided(read_edits(workspace, str(undone.dataset)))
    assert (again.by_model, set(again.by_person)) == (set(), {*measured, train})


def test_rows_that_nobody_decided_or_that_the_call_itself_turned_overrule_nobody(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    rows = {"ids": some_ids(workspace, dataset, OVERRULED_AT_ONCE + 1)}

    result = edit({"action": "relabel", "label": "delivery", "rows": rows}, {"action": "remove", "rows": rows})

    assert result.dataset
    assert "overrules" not in result.summary


def test_a_part_of_a_label_that_nobody_described_is_named_with_what_the_whole_was(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    edit({"action": "describe_label", "label": "refund", "description": "They want their money back."})
    part = {"label": "cancelling", "rows": {"ids": some_ids(workspace, dataset, 1)}, "description": "They cancel."}

    result = edit({"action": "split_label", "label": "refund", "into": [part, {"label": "repayment"}]})

    assert "'refund' was described as 'They want their money back.'." in result.summary
    assert "Nothing says what belongs to 'repayment'" in result.summary
    assert "changes=[{'action': 'describe_label', 'label': 'repayment', 'description': '...'}]" in result.summary
    rules = " ".join(annotation_rules(workspace.task("support")))
    assert "'cancelling': They cancel." in rules
    assert "'repayment' (nobody described it)" in rules


def test_where_no_label_is_described_none_is_missed(workspace: Workspace, dataset: str, edit: Editor) -> None:
    task = workspace.task("support")
    bare = tuple(label.model_copy(update={"description": ""}) for label in task.labels)
    workspace.save_task(task.model_copy(update={"labels": bare}))

    result = edit({"action": "add_label", "label": "praise"})

    assert "Nothing says" not in result.summary
    assert "nobody described" not in " ".join(annotation_rules(workspace.task("support")))
