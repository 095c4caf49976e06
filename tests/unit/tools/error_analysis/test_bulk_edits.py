"""`error_analysis` after one call turned many labels: where all other rows contradict it, that is said first."""

from __future__ import annotations

from classwright_tools.domain.example import Example, make_example
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.error_analysis import ErrorAnalysisRequest, ErrorAnalysisResult, error_analysis
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on, dataset_of, trained_on, written_rows

KINDS = {
    "refund": "i want my money back for the {}",
    "delivery": "where is the parcel with my {}",
    "account": "i cannot log in to my {} account",
}
THINGS = ("lamp", "mug", "chair", "desk", "bowl", "vase", "shoe", "coat", "book", "fork")
TURNED = THINGS[:7]


def rows_of(*things: str, labels: dict[str, str] | None = None) -> list[Example]:
    """Return real rows on `things`, under other `labels` where some are given."""
    return [
        make_example(form.format(thing), (labels or {}).get(label, label))
        for label, form in KINDS.items()
        for thing in things
    ]


def after(
    workspace: Workspace, validation: list[Example], label: str, to: str, things: tuple[str, ...] = TURNED
) -> tuple[str, ErrorAnalysisResult]:
    """Return the dataset in which one call gives the rows of `label` on `things` the label `to`, and what is told."""
    dataset = dataset_of(workspace, train=written_rows(), validation=validation)
    ids = [row.id for row in rows_of(*things) if row.label == label]
    change = {"action": "relabel", "rows": {"ids": ids}, "label": to}
    request = {"task": "support", "dataset": dataset, "reason": "all alike", "changes": [change]}
    made = edit_examples(EditExamplesRequest.model_validate(request), context_on(workspace)).dataset
    assert made
    model = trained_on(workspace, made)
    return dataset, error_analysis(ErrorAnalysisRequest(model=model, dataset=made), context_on(workspace))


def test_many_labels_that_one_call_turned_against_all_other_rows_come_before_the_plan(
    workspace: Workspace, task: object
) -> None:
    before, result = after(workspace, rows_of(*THINGS), "refund", "delivery")

    assert f"7 rows went from 'refund' to 'delivery' in {result.dataset} at once, by a person, 20" in result.summary
    assert (
        "(all alike): a simple classifier (probe) of all other rows contradicts 7 of 7, such as 'i want"
        in result.summary
    )
    assert result.next_step.startswith(
        f"See first whether the labels that {result.dataset} gave are right: find_examples(task='support', "
        f"dataset={result.dataset!r}, compare_to={before!r}). If not: edit_examples(task='support', "
    )
    assert not {"refund", "delivery"} & {name for item in result.plan_items for name in (item.label, item.contrast)}
    assert "export_model" not in result.next_step


def test_rows_that_a_person_approved_since_settle_it(workspace: Workspace, task: object) -> None:
    _, result = after(workspace, rows_of(*THINGS), "refund", "delivery")
    ids = [row.id for row in rows_of(*TURNED) if row.label == "refund"]
    change = {"action": "approve", "rows": {"ids": ids}}
    request = {"task": "support", "dataset": result.dataset, "reason": "read again", "changes": [change]}
    made = edit_examples(EditExamplesRequest.model_validate(request), context_on(workspace))

    again = error_analysis(ErrorAnalysisRequest(model=result.model, dataset=made.dataset), context_on(workspace))

    assert made.rows
    assert "See first" not in again.next_step


def test_a_call_that_puts_labels_right_is_not_doubted(workspace: Workspace, task: object) -> None:
    wrong = [row for row in rows_of(*TURNED, labels={"refund": "delivery"}) if row.text.startswith("i want")]
    there = {row.id for row in wrong}
    others = [row for row in rows_of(*THINGS) if row.id not in there]

    _, result = after(workspace, [*wrong, *others], "refund", "refund")

    assert "at once" not in result.summary
    assert "See first" not in result.next_step


def test_a_few_rows_are_no_bulk(workspace: Workspace, task: object) -> None:
    _, result = after(workspace, rows_of(*THINGS), "refund", "delivery", TURNED[:4])

    assert "at once" not in result.summary
