"""`evaluate` against a model of an earlier version: rows that only got labels are gone on with, edits are named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from classwright_tools.domain.example import Example, make_example
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult, evaluate
from classwright_tools.measurement.rows_since import edits_between
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on, trained_on


def compared(workspace: Workspace, dataset: str, model: str, against: str) -> EvaluateResult:
    return evaluate(EvaluateRequest(model=model, dataset=dataset, against=against), context_on(workspace))


def with_more(workspace: Workspace, dataset: str, more: Sequence[Example]) -> str:
    """Return the version of `dataset` that has `more` training rows."""
    rows = [*read_rows(workspace, dataset, "train"), *more]
    return save_dataset(
        workspace, "support", {"train": rows}, parent=dataset, run_key="more", made_by="annotate_examples"
    ).id


@pytest.mark.parametrize(("origin", "goes_on"), [("annotated", True), ("real", True), ("written", False)])
def test_rows_that_got_labels_are_gone_on_with_where_the_difference_may_be_chance(
    workspace: Workspace, dataset: str, model: str, origin: str, goes_on: bool
) -> None:
    row = make_example("the mug arrived in pieces", "refund", origin=origin)  # type: ignore[arg-type]  # an origin
    later = with_more(workspace, dataset, [row])
    newer = trained_on(workspace, later)

    result = compared(workspace, later, newer, model)

    assert result.comparison
    assert result.comparison.verdict == ("undecided" if goes_on else "no gain")
    if not goes_on:
        assert result.next_step.startswith(f"No gain: keep {model}.")
        return
    assert result.next_step.startswith(
        f"Undecided, as the difference may be chance: keep {newer}, whose rows are those of {model} with labels "
        "given or rows edited since."
    )
    turned = compared(workspace, later, model, newer)
    assert f"keep {newer}" in turned.next_step
    kept = model_in_use(workspace, "support")
    assert kept
    assert kept.model.id == newer


def test_after_a_loss_the_edits_in_between_are_named_with_how_to_look_and_to_undo(
    workspace: Workspace, dataset: str, model: str
) -> None:
    rows = read_rows(workspace, dataset, "train")
    turned = {"refund": "delivery", "delivery": "account", "account": "refund"}
    changes = [
        {"action": "relabel", "rows": {"ids": [row.id for row in rows if row.label == label]}, "label": to}
        for label, to in turned.items()
    ]
    request = EditExamplesRequest(
        task="support",
        dataset=dataset,
        changes=changes,  # type: ignore[arg-type]  # as a call brings them
        reason="batch 7",
        decided_by="model",
    )
    damaged = edit_examples(request, context_on(workspace)).dataset
    assert damaged
    result = compared(workspace, damaged, trained_on(workspace, damaged), model)

    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert f"Between {dataset} and {damaged} rows were edited: relabel of 6 rows to 'delivery', " in result.next_step
    assert f" in {damaged} by a model, 20" in result.next_step
    assert "(batch 7)" in result.next_step
    assert f"find_examples(task='support', dataset={damaged!r}, compare_to={dataset!r})" in result.next_step
    assert f"edit_examples(task='support', revert_to={dataset!r}, reason=...)" in result.next_step
    assert "Instead of more such rows" not in result.next_step
    with_more(workspace, damaged, [make_example("where did you send it", "delivery", origin="written")])
    told = edits_between(workspace, dataset, damaged)
    assert f"edit_examples(task='support', undo={damaged!r}, reason=...)" in told
    assert "revert_to" not in told


def test_rows_that_were_edited_since_the_model_was_trained_are_told(
    workspace: Workspace, dataset: str, model: str
) -> None:
    row = read_rows(workspace, dataset, "validation")[0]
    other = next(label for label in ("refund", "delivery") if label != row.label)
    change = {"action": "relabel", "rows": {"ids": [row.id]}, "label": other}
    request = EditExamplesRequest(task="support", reason="a person looked", changes=[change])  # type: ignore[arg-type]
    edited = edit_examples(request, context_on(workspace)).dataset
    assert edited

    before, after = (
        evaluate(EvaluateRequest(model=model, dataset=version), context_on(workspace)) for version in (dataset, edited)
    )

    assert f"1 of these rows was relabelled, rewritten or put back since {model} was trained" in after.summary
    assert "relabelled, rewritten" not in before.summary
