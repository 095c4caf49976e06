"""The calls that an answer's `next_step` names are none that the server then refuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.catalogue import catalogue
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.importing import given
from support.measurement import REAL, context_on, dataset_of, real_rows, written_rows

CALL = re.compile(r"\b(\w+_\w+|evaluate|classify)(?: with |\()((?:\w+=(?:'[^']*'|\d+)(?:, | and )?)+)")
ARGUMENT = re.compile(r"(\w+)=('[^']*'|\d+)")
TOOLS = catalogue()
NOT_ASKED = {"import_examples", "synthesize_examples", "export_model", "propose_topics"}
"""Those that want rows or a writer of the test's own, and a long one."""


def calls(next_step: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls that a `next_step` names with arguments: "Call evaluate with model='m1' and against='m2'"."""
    for tool, arguments in CALL.findall(re.sub(r"\b(dataset|split) '", r"\1='", next_step)):
        if tool in TOOLS and tool not in NOT_ASKED:
            yield tool, {name: ast.literal_eval(value) for name, value in ARGUMENT.findall(arguments)}


def follow(workspace: Workspace, answer: Any, **settings: object) -> list[str]:
    """Make every call that the answer's next step names, and return what was called."""
    made = []
    for tool, arguments in calls(answer.next_step):
        spec = TOOLS[tool]
        if "task" in spec.request.model_fields and "task" not in arguments:
            arguments["task"] = "support"
        if "reason" in spec.request.model_fields:
            arguments["reason"] = "as told"
        needed = {name for name, field in spec.request.model_fields.items() if field.is_required()}
        if needed <= arguments.keys():  # else a part of it is to be filled in first, such as the model
            spec.run(spec.request.model_validate(arguments), context_on(workspace, **settings))
            made.append(tool)
    return made


@pytest.fixture
def bare(workspace: Workspace, task: Task) -> list[str]:
    """Fifty unlabelled texts."""
    return [f"{text}, number {place}" for place in range(5) for some in REAL.values() for text in some[:3]]


def test_after_an_import_of_validation_rows_and_texts_nothing_is_trained(
    workspace: Workspace, task: Task, bare: list[str]
) -> None:
    rows = given(*((row.text, row.label) for row in real_rows()))
    validation = ImportExamplesRequest(task="support", split="validation", rows=rows)
    first = import_examples(validation, context_on(workspace))
    texts = ImportExamplesRequest(task="support", split="unlabelled", rows=given(*((text, None) for text in bare)))
    second = import_examples(texts, context_on(workspace))

    assert follow(workspace, first) == []
    assert "train_classifier" not in second.next_step
    assert follow(workspace, second) == ["annotate_examples"]


def test_test_rows_are_kept_for_the_end_where_validation_rows_are_there(workspace: Workspace, task: Task) -> None:
    rows = given(*((row.text, row.label) for row in real_rows()))
    others = given(*((f"well, {row.text}", row.label) for row in real_rows()))

    def imported(split: str, some: Any) -> str:
        request = ImportExamplesRequest(task="support", split=split, rows=some)
        return import_examples(request, context_on(workspace)).next_step

    assert imported("validation", rows).endswith("Then evaluate with dataset 'support-d1' and split 'validation'.")
    assert imported("test", others).endswith("Then evaluate with dataset 'support-d2' and split 'validation'.")


def test_rows_of_some_labels_alone_are_not_trained_on_yet(workspace: Workspace, task: Task) -> None:
    rows = given(*((text, "refund") for text in REAL["refund"]))
    imported = import_examples(ImportExamplesRequest(task="support", split="train", rows=rows), context_on(workspace))

    assert "Too few rows to train on ('delivery' 0, 'account' 0; 2 of each label are needed)" in imported.next_step
    assert "train_classifier" not in imported.next_step


def test_from_a_training_to_the_test_no_call_that_is_named_is_refused(
    workspace: Workspace, task: Task, bare: list[str], shallow: str
) -> None:
    validation = [make_example(f"{row.text} {place}", row.label) for place in range(5) for row in real_rows()]
    test = [make_example(f"well, {row.text}", row.label) for row in real_rows()]
    unlabelled = [make_example(text, None) for text in bare]
    dataset = dataset_of(workspace, train=written_rows(), validation=validation, test=test, unlabelled=unlabelled)

    def train(**options: Any) -> Any:
        request = TrainClassifierRequest(task="support", dataset=dataset, method="probe", **options)
        return train_classifier(request, context_on(workspace))

    first = train()
    assert follow(workspace, first) == ["error_analysis"]
    learnt = train(train_on_validation=True)
    assert follow(workspace, learnt) == ["evaluate"]
    second = train()
    assert f"against={first.model!r}" in second.next_step  # not the one between, which learnt the rows to compare on
    assert follow(workspace, second) == ["evaluate"]
    tested = evaluate(
        EvaluateRequest(model=learnt.model, against=first.model, dataset=dataset, split="test"), context_on(workspace)
    )
    assert "Choose by evaluate" not in tested.next_step
    follow(workspace, tested)
    request = EvaluateRequest(model=second.model, against=first.model, dataset=dataset)
    follow(workspace, evaluate(request, context_on(workspace)))
    follow(workspace, error_analysis(ErrorAnalysisRequest(model=second.model, dataset=dataset), context_on(workspace)))
    follow(workspace, classify(ClassifyRequest(model=second.model, dataset=dataset), context_on(workspace)))
    changes = [{"action": "relabel", "label": "refund", "rows": {"ids": [unlabelled[0].id]}}]
    edited = edit_examples(
        EditExamplesRequest.model_validate({"task": "support", "reason": "read", "changes": changes}),
        context_on(workspace),
    )
    assert follow(workspace, edited, encoder=shallow) == ["edit_examples", "train_classifier"]  # the way back, and on
    asked = annotate_examples(AnnotateExamplesRequest(task="support", rows=5), context_on(workspace))
    done = AnnotateExamplesRequest(
        task="support", annotation=asked.annotation, labels={text.id: ("refund",) for text in asked.texts}, finish=True
    )
    assert follow(workspace, annotate_examples(done, context_on(workspace)), encoder=shallow) == ["train_classifier"]
