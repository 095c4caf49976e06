"""`evaluate` against another model where rows changed their labels in between: these rows keep no model."""

from __future__ import annotations

import pytest

from classwright_tools.domain.example import Example, make_example
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult, evaluate
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.ended_labels import rows_to_keep
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.lineage import fates
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on, dataset_of, trained_on, written_rows

LOGIN = tuple(
    f"i cannot log in, {word}" for word in ("help", "again", "why", "now", "please", "today", "at all", "still")
)
ADDRESS = tuple(
    f"change my {word} address" for word in ("home", "old", "new", "postal", "mail", "street", "own", "whole")
)
OTHERS = {"refund": ("want my money back", "refund pls"), "delivery": ("where is my parcel", "package not here")}


def account_rows() -> list[Example]:
    return [make_example(text, "account") for text in (*LOGIN, *ADDRESS)]


@pytest.fixture
def before(workspace: Workspace, task: object) -> str:
    """Return a dataset whose validation rows are mostly of 'account'."""
    others = [make_example(text, label) for label, texts in OTHERS.items() for text in texts]
    return dataset_of(workspace, train=written_rows(), validation=[*account_rows(), *others])


def edited(workspace: Workspace, dataset: str, texts: tuple[str, ...] = (), **more: object) -> str:
    """Return the version after one call, which labels rows of `texts` and the training rows on details 'refund'."""
    rows = [row for split in ("train", "validation") for row in read_rows(workspace, dataset, split)]  # type: ignore[arg-type]  # splits
    cells = [row for row in rows if row.provenance and row.provenance.cell and row.provenance.cell.topic == "details"]
    ids = [row.id for row in rows if row.text in texts] + [row.id for row in cells]
    change = {"action": "relabel", "rows": {"ids": ids}, "label": "refund"}
    request = {"task": "support", "dataset": dataset, "reason": "all about money"} | (more or {"changes": [change]})
    result = edit_examples(EditExamplesRequest.model_validate(request), context_on(workspace))
    assert result.dataset
    return result.dataset


def compared(workspace: Workspace, dataset: str, model: str, against: str) -> EvaluateResult:
    return evaluate(EvaluateRequest(model=model, dataset=dataset, against=against), context_on(workspace))


def test_rows_that_an_edit_relabelled_between_two_models_do_not_keep_one_of_them(
    workspace: Workspace, before: str
) -> None:
    first = trained_on(workspace, before)
    after = edited(workspace, before, ADDRESS)
    second = trained_on(workspace, after)

    result = compared(workspace, after, second, first)

    found = result.comparison
    assert found
    assert found.relabelled
    assert (found.relabelled.rows, found.relabelled.left, found.rows) == (8, 12, 12)
    assert found.relabelled.gain.value > found.accuracy_gain.value
    assert found.only_this_right + found.only_other_right <= 12
    assert "on 12 rows whose labels did not change between the two" in result.summary
    assert f"8 of 20 rows changed their labels between {first} and {second}, by relabel of " in result.summary
    assert f" in {after} by a person, 20" in result.summary
    assert "(all about money), 8 such rows among them: each model learnt other labels there" in result.summary
    assert f"compare_to={before!r})" in result.next_step
    assert f"edit_examples(task='support', undo={after!r}, reason=...)" in result.next_step
    turned = compared(workspace, after, first, second).comparison
    assert turned
    assert turned.accuracy_gain.value == -found.accuracy_gain.value


@pytest.mark.parametrize("other", ["relabel", "flag"])
def test_the_edits_of_the_changed_rows_alone_are_named_and_mended_beside_what_else_their_call_did(
    workspace: Workspace, before: str, other: str
) -> None:
    first = trained_on(workspace, before)
    (row,) = (one for one in read_rows(workspace, before, "validation") if one.text == ADDRESS[0])
    others = [{"ids": [one.id]} for one in read_rows(workspace, before, "train")[:4]]
    relabel = {"action": "relabel", "label": "delivery"}
    beside = relabel if other == "relabel" else {"action": other}
    changes = [*(beside | {"rows": rows} for rows in others), relabel | {"rows": {"ids": [row.id]}}]
    after = edited(workspace, before, changes=changes)

    result = compared(workspace, after, trained_on(workspace, after), first)

    assert f", by relabel of 1 row to 'delivery' in {after} by a person, 20" in result.summary
    assert f"compare_to={before!r}, where={{'splits': ['validation']}}). If not: edit_examples(" in result.next_step
    assert "'action': 'relabel'" in result.next_step
    assert "undo=" not in result.next_step


def test_an_edit_that_was_taken_back_is_named_as_such(workspace: Workspace, before: str) -> None:
    damaged = edited(workspace, before, ADDRESS)
    first = trained_on(workspace, damaged)
    back = edited(workspace, damaged, revert_to=before)
    second = trained_on(workspace, back)

    result = compared(workspace, back, second, first)

    assert "8 such rows among them; it was taken back since: each model learnt other labels" in result.summary
    assert "First see whether" not in result.next_step


def test_a_model_whose_rows_were_taken_back_is_not_to_be_used_and_nothing_is_to_be_gone_back_to(
    workspace: Workspace, before: str
) -> None:
    first = trained_on(workspace, before)
    damaged = edited(workspace, before, ADDRESS)
    second = trained_on(workspace, damaged)
    back = edited(workspace, damaged, revert_to=before)

    result, turned = compared(workspace, back, second, first), compared(workspace, back, first, second)

    said = (
        f"Do not use {second}, however it compares: its rows were taken back since, in {back}. The newest rows are "
        "without what was taken back, so that nothing is to be done about it."
    )
    assert result.next_step == said
    assert turned.next_step == f"{said} Call error_analysis with model={first!r} to see what to write next."


def test_an_edit_that_was_undone_is_not_to_be_undone_again(workspace: Workspace, before: str) -> None:
    first = trained_on(workspace, before)
    damaged = edited(workspace, before, ADDRESS)
    second = trained_on(workspace, damaged)
    undone = edited(workspace, damaged, undo=damaged)

    result = compared(workspace, undone, second, first)

    assert f"{damaged} by a person" in result.summary
    assert "it was taken back since" in result.summary
    assert "edit_examples" not in result.next_step
    assert "Go on with its rows" not in result.next_step
    assert result.next_step.endswith(
        f"Of {second}: it learnt from the edit of {damaged}, undone since in {undone}. The newest rows are without "
        "that, so that nothing is to be undone: train_classifier(task='support') learns them."
    )


def test_a_training_compares_with_no_model_of_a_version_that_was_taken_back(workspace: Workspace, before: str) -> None:
    kept = trained_on(workspace, before)
    damaged = edited(workspace, before, ADDRESS)
    trained_on(workspace, damaged)
    back = edited(workspace, damaged, revert_to=before)

    in_use = model_in_use(workspace, "support")
    request = TrainClassifierRequest(task="support", dataset=back, method="probe")
    answer = train_classifier(request, context_on(workspace))

    assert in_use
    assert in_use.model.id == kept
    assert f"against={kept!r}" in answer.next_step
    again = edited(workspace, back, revert_to=damaged)
    assert fates(workspace, again).reverted == {back: again}


def test_where_all_rows_changed_a_person_decides(workspace: Workspace, before: str) -> None:
    dataset = dataset_of(workspace, train=written_rows(), validation=account_rows())
    first = trained_on(workspace, dataset)
    after = edited(workspace, dataset, (*LOGIN, *ADDRESS))
    second = trained_on(workspace, after)

    result = compared(workspace, after, second, first)

    assert result.comparison
    assert result.comparison.verdict == "trade"
    assert f"All 16 rows changed their labels between {first} and {second}" in result.summary
    assert result.comparison.advice(second, 16).startswith("For a person to decide: the labels of all 16 rows changed ")
    assert result.next_step.startswith("First see whether the labels of the 16 changed rows are right: ")
    kept = model_in_use(workspace, "support")
    assert kept
    assert kept.model.id == first


def test_a_label_that_got_another_name_has_not_changed(workspace: Workspace, before: str) -> None:
    first = trained_on(workspace, before)
    after = edited(workspace, before, changes=[{"action": "rename_label", "label": "account", "to": "profile"}])
    second = trained_on(workspace, after)

    found = compared(workspace, after, second, first).comparison

    assert found
    assert found.relabelled is None
    assert found.rows is None


def test_without_validation_rows_training_rows_that_were_relabelled_are_not_compared_either(
    workspace: Workspace, task: object
) -> None:
    real = [make_example(f"{text} {letter}", "account") for text in (*LOGIN, *ADDRESS) for letter in "abc"]
    others = [
        make_example(f"{text} {letter}", label) for label, some in OTHERS.items() for text in some for letter in "ab"
    ]
    dataset = dataset_of(workspace, train=[*written_rows(), *real, *others])
    first = trained_on(workspace, dataset)
    after = edited(workspace, dataset, tuple(f"{text} a" for text in ADDRESS))
    second = trained_on(workspace, after)

    result = compared(workspace, after, second, first)

    assert result.comparison
    assert result.comparison.relabelled
    assert (result.comparison.relabelled.rows, result.comparison.rows) == (8, result.figures.rows - 8)


def test_rows_to_go_on_with_are_said_to_lack_the_labels_that_persons_gave_since(
    workspace: Workspace, before: str
) -> None:
    bare = f"Go on with its rows: dataset={before!r}."
    assert rows_to_keep(workspace, before) == bare
    after = edited(workspace, before, ADDRESS)

    assert rows_to_keep(workspace, before) == (
        f"{bare} They lack 11 labels that persons gave since. To keep these, go on with {after!r} and remove what did "
        f"not help: find_examples(task='support', dataset={after!r}, compare_to={before!r}) shows what came."
    )
    assert rows_to_keep(workspace, after) == bare.replace(before, after)
    edited(workspace, after, undo=after)
    assert rows_to_keep(workspace, before) == bare
