"""The lines of a task's history say what a comparison found, and what does not hold any more."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain import gains
from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.example import make_example
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.task import Task
from classwright_tools.domain.task_line import Event
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.measurement.comparison_words import differences, in_one_line
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.in_use import model_in_use
from support.editing import Editor, row_with
from support.learning import real_rows, save_rows, written_rows
from support.measurement import dataset_of

THINGS = ("lamp", "mug", "chair", "desk", "bowl", "vase", "coat")


def history(context: ToolContext) -> dict[str, Event]:
    told = find_examples(FindExamplesRequest(task="support", history=True, limit=100), context)
    return {event.id: event for event in told.history}


def trained(context: ToolContext, key: str, *, on_validation: bool = False) -> str:
    request = TrainClassifierRequest(task="support", method="probe", train_on_validation=on_validation)
    return train_classifier(request, replace(context, run_key=key)).model


def compared(context: ToolContext, model: str, against: str, split: str = "validation") -> str:
    request = EvaluateRequest.model_validate({"model": model, "against": against, "split": split})
    return evaluate(request, replace(context, run_key=f"{model}-{against}-{split}")).report


@pytest.fixture
def few_differ() -> Comparison:
    """Eight rows won and two lost: the interval leaves chance out, the test does not, and macro-F1 leads."""
    return Comparison(
        against="support-m1",
        accuracy_gain=Estimate(value=0.024, low=0.004, high=0.057),
        macro_f1_gain=gains.TestedGain(value=0.023, low=0.001, high=0.048, p=0.03, significant=True),
        only_this_right=8,
        only_other_right=2,
        p=0.109375,
        significant=False,
    )


def test_a_difference_that_may_be_chance_is_so_in_the_answer_and_in_the_history(few_differ: Comparison) -> None:
    answer, line = differences(few_differ, "support-m2"), in_one_line(few_differ, "support-m2")

    assert answer == [
        "Against support-m1: +0.024 accuracy (+0.004 to +0.057), it may be chance: two equally good models would "
        "differ at least as much in 11% of such comparisons, and where few answers differ that counts, not the "
        "interval (exact McNemar test, p = 0.11).",
        "Mean of the labels (macro-F1) +0.023 (+0.001 to +0.048), more than chance (p = 0.03).",
    ]
    assert line == (
        "against support-m1: +0.024 accuracy (+0.004 to +0.057), it may be chance (p = 0.11); mean of the labels "
        "(macro-F1) +0.023 (+0.001 to +0.048), more than chance (p = 0.03)"
    )
    assert few_differ.verdict == "gain"  # by macro-F1, which both name


def test_the_history_says_which_model_validation_rows_kept_and_of_test_rows_the_difference_alone(
    context: ToolContext, dataset: str
) -> None:
    first, second = trained(context, "first"), trained(context, "second")
    tested = compared(context, second, first, "test")

    uncompared = model_in_use(context.workspace, "support")
    open_then = find_examples(FindExamplesRequest(), context).tasks[0].open
    chosen = compared(context, second, first)
    lines = history(context)

    assert uncompared
    assert uncompared.why == f"as the newest, compared with {first} on test rows alone, by {tested}"
    assert any(f"on test rows alone ({tested})" in one for one in open_then)
    assert f"against {first}: +0.000 accuracy (+0.000 to +0.000), it may be chance (p = 1)" in lines[tested].what
    assert "kept" not in lines[tested].what
    assert lines[chosen].what.endswith(f"; {first} kept")


def test_a_model_that_learnt_from_validation_rows_is_compared_on_test_rows_alone(
    context: ToolContext, task: Task
) -> None:
    told = ("i want my money back for the {}", "refund"), ("where is my {}", "delivery"), ("my {} login", "account")
    many = [make_example(text.format(f"{a} {b}"), label) for text, label in told for a in THINGS for b in THINGS[:5]]
    save_rows(context.workspace, written_rows(), many, real_rows())
    first, second = trained(context, "first"), trained(context, "second", on_validation=True)

    before = find_examples(FindExamplesRequest(), context).tasks[0].open
    compared(context, second, first, "test")
    after = find_examples(FindExamplesRequest(), context).tasks[0].open

    assert history(context)[second].what.endswith(
        "it learnt from 105 validation rows too: only test rows compare it with others"
    )
    assert any(f"against={first!r}, split='test')" in one for one in before)
    assert not any("compared" in one for one in after)


def test_an_undo_is_told_as_one_and_what_was_undone_says_so(context: ToolContext, dataset: str, edit: Editor) -> None:
    row = row_with(context.workspace, dataset, "blender")
    change = {"action": "relabel", "rows": {"ids": [row.id]}, "label": "account"}
    edited = edit(change).dataset
    assert edited
    model = trained(context, "damaged")
    undone = edit(undo=edited).dataset
    assert undone
    sound = trained(context, "sound")

    lines = history(context)

    assert lines[undone].what == f"the edit of {edited} undone: 1 row labelled {row.label!r}"
    assert lines[edited].what == f"1 row labelled 'account'; undone in {undone}"
    assert lines[model].what.endswith(f"; it learnt from the edit of {edited}, undone since in {undone}")
    assert "undone" not in lines[sound].what
    context.workspace.save_task(context.workspace.task("support").model_copy(update={"slug": "other"}))
    dataset_of(context.workspace, "other", unlabelled=[make_example("not of this task", None)])
    of_all = find_examples(FindExamplesRequest(limit=100), context).history
    assert {event.id: event for event in of_all[1:]} == lines
    again = edit(undo=undone).dataset
    lines = history(context)
    assert lines[undone].what.endswith(f"; undone in {again}")
    assert lines[edited].what == "1 row labelled 'account'"
    assert "undone" not in lines[model].what


def test_an_undone_name_of_a_label_is_told_as_an_undo(context: ToolContext, dataset: str, edit: Editor) -> None:
    named = edit({"action": "rename_label", "label": "account", "to": "profile"}).dataset
    undone = edit(undo=named).dataset
    assert undone

    assert history(context)[undone].what == f"the edit of {named} undone: 'profile' renamed to 'account'"


def test_what_a_return_to_an_earlier_version_took_back_is_said_of_versions_models_and_comparisons(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    first = trained(context, "first")
    row = row_with(context.workspace, dataset, "blender")
    damaged = edit({"action": "relabel", "rows": {"ids": [row.id]}, "label": "account"}).dataset
    assert damaged
    model = trained(context, "damaged")
    report = compared(context, model, first)
    back = edit(revert_to=dataset).dataset
    assert back

    lines = history(context)

    assert lines[back].what == f"the rows of {dataset} again; {damaged} taken back"
    assert lines[damaged].what.endswith(f"; taken back in {back}")
    assert lines[model].what.endswith(f"; its rows were taken back since, in {back}")
    assert lines[report].what.endswith(f"; of {model}: its rows were taken back since, in {back}")
    assert "taken back" not in lines[first].what


def test_events_tell_the_minute_and_no_answer_advises_the_call_just_made(context: ToolContext, dataset: str) -> None:
    told = find_examples(FindExamplesRequest(task="support", history=True), context)

    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", event.when) for event in told.history)
    assert "history=true" not in told.next_step
    assert "history=true" in find_examples(FindExamplesRequest(), context).next_step
