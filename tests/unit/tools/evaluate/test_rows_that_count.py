"""The rows that `evaluate` counts: none twice, none that a model trained on, and test rows used again are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.errors import NotEnoughData
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning.classifier import EmbeddingClassifier, Tell
from classwright_tools.workspace.workspace import Workspace
from support.evaluation import page_of, report_of
from support.measurement import context_on, dataset_of, real_rows, trained_on, written_rows


def test_using_the_test_rows_again_is_warned_of(workspace: Workspace, dataset: str, model: str) -> None:
    request = EvaluateRequest(model=model, dataset=dataset, split="test")
    evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    first = evaluate(request, context_on(workspace))
    second = evaluate(request, context_on(workspace))

    assert "test rows" not in first.summary.removeprefix("Measured on real texts: 6 test rows.")
    assert "This is use 2 of the task's test rows" in second.summary
    assert workspace.artifact(second.report, "report").facts["test_use"] == 2
    assert "This is use 2" in page_of(workspace, second.report)


def test_a_job_that_is_repeated_after_a_crash_counts_as_one_use(
    workspace: Workspace, context: ToolContext, dataset: str, model: str
) -> None:
    request = EvaluateRequest(model=model, dataset=dataset, split="test")

    first, repeated = evaluate(request, context), evaluate(request, context)

    assert first.report == repeated.report
    assert "This is use" not in repeated.summary


def test_a_job_that_is_repeated_after_others_tells_what_it_had_measured(
    workspace: Workspace, context: ToolContext, dataset: str, model: str
) -> None:
    request = EvaluateRequest(model=model, split="test")
    first = evaluate(request, context)
    dataset_of(workspace, test=real_rows()[:3])
    evaluate(request, context_on(workspace))

    repeated = evaluate(request, context)

    assert repeated.report == first.report
    assert (repeated.dataset, repeated.figures.rows) == (dataset, first.figures.rows)
    assert repeated.summary == first.summary  # it is still the first use of the test rows


@pytest.mark.parametrize("change", [str, lambda text: text.upper() + " !", lambda text: text + " thanks"])
def test_a_row_that_the_model_trained_on_or_nearly_is_not_counted_and_told(
    workspace: Workspace, dataset: str, model: str, change: Callable[[str], str]
) -> None:
    learnt = [make_example(change(row.text), row.label) for row in written_rows()[:2]]
    later = dataset_of(workspace, test=[*real_rows()[1::2], *learnt])
    alone = evaluate(EvaluateRequest(model=model, dataset=dataset, split="test"), context_on(workspace))

    result = evaluate(EvaluateRequest(model=model, dataset=later, split="test"), context_on(workspace))

    assert (result.left_out, result.figures) == (2, alone.figures)
    assert f"6 of 8 test rows are counted: 2 are in the training rows of {model}, or nearly so." in result.summary
    assert "6 of 8 test rows" in page_of(workspace, result.report)
    assert report_of(workspace, result.report).left_out == 2


def test_of_many_likenesses_of_one_training_row_none_is_counted(workspace: Workspace, task: Task) -> None:
    template = "please send the money for order number {} back to my account as soon as you possibly can"
    train = [*written_rows(), make_example(template.format(1000), "refund")]
    model = trained_on(workspace, dataset_of(workspace, train=train))
    alike = [make_example(template.format(number), "refund") for number in range(1001, 1061)]
    later = dataset_of(workspace, validation=[*real_rows(), *alike])

    assert evaluate(EvaluateRequest(model=model, dataset=later), context_on(workspace)).left_out == 60


def test_a_comparison_counts_only_rows_that_neither_model_trained_on(
    workspace: Workspace, dataset: str, model: str
) -> None:
    real = real_rows()
    other = trained_on(workspace, dataset_of(workspace, train=[*written_rows(), *real[:3]]))
    request = EvaluateRequest(model=model, dataset=dataset, against=other)

    result = evaluate(request, context_on(workspace))

    assert (result.left_out, result.figures.rows) == (2, 4)
    assert f"4 of 6 validation rows are counted: 2 are in the training rows of {model} or {other}" in result.summary


def test_a_split_of_training_rows_alone_cannot_be_measured_on(workspace: Workspace, dataset: str, model: str) -> None:
    learnt = dataset_of(workspace, validation=written_rows())

    with pytest.raises(
        NotEnoughData, match=r"no validation rows to measure on: each of the 18 is a training row of support-m1"
    ):
        evaluate(EvaluateRequest(model=model, dataset=learnt), context_on(workspace))


def test_test_rows_that_the_model_was_chosen_by_are_told(workspace: Workspace, dataset: str, model: str) -> None:
    once_validation = dataset_of(workspace, test=[*real_rows()[::2][:2], *real_rows()[1::2]])

    result = evaluate(EvaluateRequest(model=model, dataset=once_validation, split="test"), context_on(workspace))

    assert result.left_out == 0
    assert f"2 of these rows were validation rows when {model} was trained" in result.summary


def test_no_row_is_classified_twice_by_one_model(
    workspace: Workspace, dataset: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = trained_on(workspace, dataset)
    asked: list[str] = []
    embed = EmbeddingClassifier.embed

    def counted(self: EmbeddingClassifier, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        asked.extend(texts)
        return embed(self, texts, tell)

    monkeypatch.setattr(EmbeddingClassifier, "embed", counted)
    monkeypatch.setattr("classwright_tools.measurement.on_split.texts_per_second", lambda *_: 66.0)
    request = EvaluateRequest(model=model, dataset=dataset, against=other)
    fresh = evaluate(request, context_on(workspace))
    evaluate(EvaluateRequest(model=other, dataset=dataset), context_on(workspace))
    assert len(asked) == 3 * fresh.figures.rows
    again = evaluate(request, context_on(workspace))
    assert len(asked) == 3 * fresh.figures.rows
    assert (again.figures, again.comparison) == (fresh.figures, fresh.comparison)
    assert again.texts_per_second is None
    more = dataset_of(workspace, validation=[*real_rows()[::2], make_example("is the lamp on its way", "delivery")])
    evaluate(EvaluateRequest(model=model, dataset=more, against=other), context_on(workspace))
    assert asked[3 * fresh.figures.rows :] == ["is the lamp on its way"] * 2


def test_answers_that_do_not_read_back_are_given_anew(workspace: Workspace, dataset: str, model: str) -> None:
    first = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))
    (workspace.artifact(first.report, "report").path / "predictions.parquet").write_bytes(b"damaged")

    assert evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace)).figures == first.figures


def test_held_out_rows_that_training_left_out_are_not_warned_of(workspace: Workspace, task: Task) -> None:
    real = real_rows()
    copied = dataset_of(workspace, train=[*written_rows(), *real[::2]], validation=real[::2])

    result = evaluate(EvaluateRequest(model=trained_on(workspace, copied), dataset=copied), context_on(workspace))

    assert (result.left_out, result.figures.rows) == (0, 6)


def test_where_a_task_has_several_languages_each_has_its_own_figure(workspace: Workspace, model: str) -> None:
    task = workspace.task("support")
    workspace.save_task(task.model_copy(update={"languages": ("en", "de")}))
    german = [make_example("Ich möchte mein Geld zurück, das Paket ist nie angekommen", label) for label in ("refund",)]
    mixed = dataset_of(workspace, validation=[*real_rows(), *german, make_example("ok", "account")])

    result = evaluate(EvaluateRequest(model=model, dataset=mixed), context_on(workspace))

    found = re.search(r"By language, as it is identified from each text: (.*?)\.", result.summary)
    assert found
    counts = re.findall(r"'(\w\w)' (\d+) of (\d+) right", found[1])
    assert {code for code, _, _ in counts} == {"en", "de"}
    unclear = re.search(r"; of (\d+) texts it is not clear$", found[1])
    assert unclear
    assert sum(int(rows) for _, _, rows in counts) + int(unclear[1]) == result.figures.rows
