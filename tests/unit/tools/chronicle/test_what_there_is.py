"""One call tells a conversation that knows nothing what there is, what is in use, what happened, what is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import ANSWER_BYTES
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import NotFound
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.find_examples import FindExamplesRequest, FindExamplesResult, find_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, row_with

TRAINED = TrainClassifierRequest(task="support", method="probe")


def told(context: ToolContext, **fields: Any) -> FindExamplesResult:
    return find_examples(FindExamplesRequest(**fields), context)


def test_an_empty_workspace_says_how_to_begin(context: ToolContext, workspace: Workspace) -> None:
    answer = told(replace(context, workspace=workspace))

    assert answer.tasks == ()
    assert "no task" in answer.summary
    assert answer.next_step == "Begin with propose_topics: it makes a task, which import_examples brings rows to."
    with pytest.raises(NotFound, match=r"There is no task yet: propose_topics makes one\."):
        workspace.task("first")


def test_one_call_without_arguments_tells_the_month_before(context: ToolContext, dataset: str, edit: Editor) -> None:
    first = train_classifier(TRAINED, replace(context, run_key="first"))
    row = row_with(context.workspace, dataset, "blender")
    second = edit({"action": "relabel", "rows": {"ids": [row.id]}, "label": "account"}, reason="it is about a login")
    asked = annotate_examples(AnnotateExamplesRequest(task="support", rows=5), replace(context, run_key="asked"))
    export_model(ExportModelRequest(model=first.model, onnx=False), replace(context, run_key="export"))

    answer = told(context)

    (line,) = answer.tasks
    assert (line.task, line.dataset) == ("support", second.dataset)
    assert line.rows == {"train": 30, "validation": 6, "test": 2, "unlabelled": 6}
    assert line.in_use is not None
    assert line.in_use.model == first.model
    assert "accuracy" in line.in_use.figure
    assert line.in_use.learnt == dataset
    assert f"{first.model}, in use since" in answer.summary
    assert any(asked.annotation in one and "0 of" in one for one in line.open)
    assert any("6 rows have no label" in one for one in line.open)
    assert any("train_classifier" in one for one in line.open)
    assert [event.id for event in answer.history] == ["support-x1", second.dataset, first.model, dataset]
    edited = answer.history[1]
    assert (edited.what, edited.by, edited.why) == ("1 row labelled 'account'", "a person", "it is about a login")


def test_the_model_in_use_is_the_one_that_a_comparison_kept_and_the_answer_says_why(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    first = train_classifier(TRAINED, replace(context, run_key="first")).model
    edit({"action": "remove", "rows": {"where": {"labels": ["refund"], "text": "money"}}})
    second = train_classifier(TRAINED, replace(context, run_key="second")).model

    uncompared = model_in_use(context.workspace, "support")
    answer = evaluate(EvaluateRequest(model=second, against=first), replace(context, run_key="compared"))
    compared = model_in_use(context.workspace, "support")

    assert uncompared
    assert (uncompared.model.id, uncompared.why) == (second, f"as the newest, not compared with {first}")
    assert compared
    assert compared.by
    assert answer.summary.endswith(f"In use is {compared.in_words}.")
    assert compared.why.startswith(f"by {compared.by.id}: {second} against {first}, ")
    (line,) = told(context).tasks
    assert line.in_use
    assert (line.in_use.model, line.in_use.why) == (compared.model.id, compared.why)


def test_the_history_of_a_task_comes_in_pages_that_hold_every_event_once(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    for number in range(30):
        edit({"action": "add_label", "label": f"label {number}"}, reason="a reason of some length " * 15)

    pages = [told(context, task="support", history=True)]
    while pages[-1].next_offset:
        pages.append(told(context, task="support", history=True, offset=pages[-1].next_offset))

    assert len(pages) > 1
    assert [event.id for page in pages for event in page.history] == [f"support-d{n}" for n in range(31, 0, -1)]
    assert all(len(page.model_dump_json().encode()) < ANSWER_BYTES for page in pages)
    assert "offset=" in pages[0].next_step


def test_very_many_tasks_come_in_pages_the_one_that_was_changed_last_first(
    context: ToolContext, dataset: str, task: Task
) -> None:
    labels = tuple(Label(name=f"{'label' * 19} {number}") for number in range(40))
    for number in range(30):
        context.workspace.save_task(Task(slug=f"task{number}", instruction="Tell them apart. " * 50, labels=labels))

    found: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = told(context, offset=offset)
        assert len(page.model_dump_json().encode()) < ANSWER_BYTES
        found += [line.task for line in page.tasks]
        offset = page.next_offset

    for page in (told(context, offset=100), told(context, limit=0)):
        assert (page.tasks, page.history) == ((), ())
        assert "31 tasks are there" in page.summary
    assert found[0] == "support"
    assert sorted(found) == sorted(["support", *(f"task{number}" for number in range(30))])


def test_a_task_that_does_not_read_back_hides_none_of_the_others(
    context: ToolContext, dataset: str, task: Task
) -> None:
    context.workspace.save_task(task.model_copy(update={"slug": "other"}))
    (context.workspace.artifact(dataset, "dataset").path / "card.json").write_text("{")

    answer = told(context)

    assert {line.task for line in answer.tasks} == {"support", "other"}
    assert any("cannot be read back" in one for line in answer.tasks for one in line.open)


@pytest.mark.parametrize("fields", [{"where": {"text": "x"}}, {"task": "support", "history": True, "groups": 0}])
def test_conditions_on_rows_want_a_task_and_no_history(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"without|pass `task`, and no `history`"):
        FindExamplesRequest(**fields)


def test_rows_that_brought_no_gain_are_not_what_is_open_to_be_learnt(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    first = train_classifier(TRAINED, replace(context, run_key="first")).model
    changed = edit({"action": "remove", "rows": {"where": {"labels": ["refund"], "text": "money"}}}).dataset
    second = train_classifier(TRAINED, replace(context, run_key="second")).model
    facts = {"model": second, "against": first, "split": "validation", "verdict": "no gain"}
    report = context.workspace.publish("report", "support", lambda _: None, run_key="compared", facts=facts).id

    (line,) = told(context).tasks
    assert f"It learnt from {dataset}, and was kept in place of {second}" in line.open[0]
    assert f"({report}): go on with dataset={dataset!r}" in line.open[0]

    row = row_with(context.workspace, str(changed), "blender")
    edit({"action": "relabel", "rows": {"ids": [row.id]}, "label": "account"})
    (line,) = told(context).tasks
    assert f"It learnt from {dataset}, not the newest: train_classifier" in line.open[0]
