"""`error_analysis` where rows may have several labels: what is missed, added and given together, and what it plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.regeneration import RegenerationPlan
from classwright_tools.error_analysis import ErrorAnalysisRequest, ErrorAnalysisResult, error_analysis
from classwright_tools.measurement.error_report import ErrorReport
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.label_errors import given_together, label_errors
from classwright_tools.measurement.label_issues import label_issues
from classwright_tools.measurement.row_groups import group_effects
from classwright_tools.measurement.set_plans import plan_sets
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.several import script, several_dataset, several_task
from support.synthesize import with_writer

PLANTED = tuple(
    f"i want my money back for the {thing}" for thing in ("shoes", "lamp", "kettle", "coat", "chair", "bag")
)
"""They are about a refund, and are labelled as about a delivery."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ToolContext, str]]:
    """A context on a workspace with a model, and the model's id; the newest dataset has the planted validation rows."""
    workspace = Workspace(tmp_path_factory.mktemp("several"))
    dataset = several_dataset(workspace)
    context = ToolContext(workspace=workspace, run_key="training")
    model = train_classifier(TrainClassifierRequest(task="mail"), context).model
    planted = [make_example(text, None, labels=["delivery"]) for text in PLANTED]
    rows = [*read_rows(workspace, dataset, "validation"), *planted]
    save_dataset(workspace, "mail", {"validation": rows}, parent=dataset, run_key="planted", made_by="t")
    yield context, model
    workspace.engine.dispose()


@pytest.fixture(scope="module")
def analysed(trained: tuple[ToolContext, str]) -> ErrorAnalysisResult:
    """The analysis of the model's errors in the newest dataset."""
    context, model = trained
    return error_analysis(ErrorAnalysisRequest(model=model, rows=60, picture=True), replace(context, run_key="errors"))


def report_of(context: ToolContext, result: ErrorAnalysisResult) -> tuple[ErrorReport, str]:
    """Return the report and its page."""
    folder = context.workspace.artifact(result.report, "report").path
    report = ErrorReport.model_validate_json((folder / "report.json").read_bytes())
    return report, (folder / "report.html").read_text(encoding="utf-8")


def test_each_label_tells_where_it_was_missed_and_where_added(
    trained: tuple[ToolContext, str], analysed: ErrorAnalysisResult
) -> None:
    report, page = report_of(trained[0], analysed)
    errors = {found.label: found for found in report.label_errors}

    assert errors["delivery"].missed >= len(PLANTED)
    assert errors["refund"].added >= len(PLANTED)
    assert {row.text for row in errors["delivery"].missed_rows} <= set(PLANTED)
    chances = [row.probability for row in errors["refund"].added_rows]
    assert chances == sorted(chances, reverse=True)
    assert analysed.label_errors[0].missed + analysed.label_errors[0].added >= len(PLANTED)
    assert "labels were missed and" in analysed.summary
    assert "Labels that were missed or added" in page
    assert "are not given exactly their labels" in page
    assert "micro-F1" in page
    assert analysed.picture


def test_a_label_is_confused_with_the_one_that_was_given_where_it_was_missed(
    trained: tuple[ToolContext, str], analysed: ErrorAnalysisResult
) -> None:
    report, _ = report_of(trained[0], analysed)

    pair = analysed.confused_pairs[0]
    assert (pair.label, pair.predicted) == ("delivery", "refund")
    assert pair.count >= len(PLANTED)
    assert report.confusion_matrix[1][0] == pair.count
    assert sum(cluster.errors for cluster in report.clusters) == report.errors == analysed.errors
    assert {"delivery", "refund"} <= set(report.clusters[0].labels)


def test_rows_with_a_label_too_few_are_probable_label_errors(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    rows = read_rows(context.workspace, "mail-d1", "train")
    short = {row.id: row for row in rows if row.labels == ("refund", "delivery")}
    cut = list(short)[:2]
    wrong = [row.model_copy(update={"labels": ("refund",)}) if row.id in cut else row for row in rows]
    made = save_dataset(context.workspace, "mail", {"train": wrong}, parent="mail-d1", run_key="cut", made_by="t")

    result = error_analysis(ErrorAnalysisRequest(model=model, dataset=made.id), replace(context, run_key="cut rows"))

    report, page = report_of(context, result)
    issues = {issue.example: issue for issue in report.label_issues}
    assert set(cut) <= set(issues)
    assert len(issues) < 6
    assert (issues[cut[0]].given, issues[cut[0]].suggested) == ("refund", "refund + delivery")
    assert issues[cut[0]].given_probability + issues[cut[0]].suggested_probability == pytest.approx(1)
    assert issues[cut[0]].doubted == {"delivery": issues[cut[0]].given_probability}
    assert "a label is probably missing or wrong" in page
    assert re.search(r"<td[^>]*>delivery \d+", page)


def test_the_plan_asks_for_the_sets_that_were_answered_wrongly(
    trained: tuple[ToolContext, str], analysed: ErrorAnalysisResult
) -> None:
    context, _ = trained
    assert analysed.plan
    plan = context.workspace.document(analysed.plan, "plan", RegenerationPlan)

    assert ("delivery", "refund") in {(item.label, item.contrast) for item in plan.items}
    assert 0 < plan.rows <= 60
    real = {row.text for row in read_rows(context.workspace, "mail-d2", "validation")} - set(PLANTED)
    assert all({*item.style, *item.contrast_style} <= real for item in plan.items)
    assert "rows of 'delivery' given 'refund', without having it" in plan.items[0].reason


def test_without_validation_rows_held_out_rows_are_answered(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    rows = read_rows(context.workspace, "mail-d1", "train")
    made = save_dataset(context.workspace, "mail", {"train": rows}, parent=None, run_key="bare", made_by="t")

    result = error_analysis(ErrorAnalysisRequest(model=model, dataset=made.id), replace(context, run_key="bare rows"))

    assert (result.data, result.rows) == ("real", len(rows))
    assert "There are no validation rows" in result.cannot_know
    held_out = f"Errors found on real texts: {len(rows)} training rows, held out of a simple classifier (probe)."
    assert result.summary.startswith(held_out)


def made_up(true: list[str], given: list[str], names: str = "abc") -> Answers:
    """Return answers to rows that have the letters of `true` as labels, and were given those of `given`."""
    sets, answered = (np.array([[name in own for name in names] for own in some]) for some in (true, given))
    rows: list[Example] = [make_example(f"text {n} {own}", None, labels=own) for n, own in enumerate(true)]
    thresholds = (0.5,) * len(names)
    return Answers("mail-d1", tuple(rows), tuple(names), sets, np.where(answered, 0.9, 0.1), thresholds)


@pytest.mark.parametrize(("rows", "told"), [(12, True), (3, False)])
def test_labels_are_given_together_too_often_where_chance_would_not_do_it(rows: int, told: bool) -> None:
    found = made_up(["a"] * rows + ["ab"] * 5 + ["c"] * 5, ["ab"] * (rows + 5) + ["c"] * 5)

    pairs = given_together(found)

    assert bool(pairs) is told
    if told:
        assert (pairs[0].label, pairs[0].other) == ("a", "b")
        assert (pairs[0].given, pairs[0].rows, pairs[0].right) == (rows + 5, 5, 5)
        assert all(text.endswith(" a") for text in pairs[0].examples)


def test_a_label_without_errors_is_not_listed_and_no_doubt_is_raised_where_all_rows_have_it() -> None:
    found = made_up(["a", "ab", "ac", "ab"], ["a", "a", "ac", "a"])

    assert [(one.label, one.rows, one.missed, one.added) for one in label_errors(found)] == [("b", 2, 2, 0)]
    assert label_issues(made_up(["a"] * 4, ["b"] * 4)) == ()


def test_a_row_is_as_doubtful_as_the_label_of_it_that_is_doubted_most_though_more_are_doubted() -> None:
    found = made_up(["abc", "c", *["abc", "c", "a", "b", ""] * 8], ["", "", *["abc", "c", "a", "b", ""] * 8])
    found.proba[0] = [0.02, 0.04, 0.03]
    found.proba[1] = [0.1, 0.1, 0.015]

    issues = label_issues(found)

    assert [issue.example for issue in issues] == [found.rows[1].id, found.rows[0].id]
    assert [issue.given_probability for issue in issues] == pytest.approx([0.015, 0.02])
    assert issues[1].doubted == {"a": 0.02, "c": 0.03, "b": 0.04}
    assert list(issues[1].doubted) == ["a", "c", "b"]


def test_texts_with_none_of_the_labels_and_with_two_are_planned_and_faults_beyond_the_rows_are_counted() -> None:
    found = made_up(["", "", "abc", "ab", "c"], ["a", "a", "ab", "a", "b"])

    plan = partial(
        plan_sets, found, 40, held={}, doubted=(), embed=lambda texts: np.ones((len(texts), 2)), with_contrasts=True
    )
    planned = plan(seed=0)

    assert any("It has 0 training rows." in item.reason for item in plan(scarce={1: 0}, seed=0).items)
    asked = {(item.label, item.contrast) for item in planned.items}
    assert ("|", "a") in asked
    assert ("a|c", None) in asked  # of three labels the missed one and one more
    assert (planned.pairs_left_out, planned.errors_left_out) == (1, 1)
    assert sum(item.count for item in planned.items) <= 40


def test_a_round_of_texts_with_wrong_labels_is_found_to_hurt() -> None:
    """Texts tell their labels by their letters; those of the second round are labelled otherwise."""
    own = ["a", "b", "c", "ab", "bc", ""] * 6
    swapped = {"a": "b", "b": "c", "c": "a"}

    def written(round_: int, labels_of: Callable[[str], str]) -> list[Example]:
        made = Provenance(round=round_, writer="t")
        rows = (make_example(f"{round_} {n} {text}", None, labels=labels_of(text)) for n, text in enumerate(own))
        return [row.model_copy(update={"origin": "written", "provenance": made}) for row in rows]

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.array([[letter in text.split(" ")[-1] for letter in "abc"] for text in texts], float)

    wrong = written(1, lambda text: "".join(sorted(swapped[letter] for letter in text)))

    (effect,) = group_effects([*written(0, str), *wrong * 2], made_up(own, own), embed, lambda _: None)

    assert (effect.group, effect.hurts, effect.won) == ("round 1", True, 0)
    assert effect.lost > 20


def test_a_writer_follows_the_plan(trained: tuple[ToolContext, str], analysed: ErrorAnalysisResult) -> None:
    context = with_writer(replace(trained[0], run_key="follow"), script)

    result = synthesize_examples(SynthesizeExamplesRequest(task="mail", plan=analysed.plan), context)

    assert result.missing == ()
    rows = read_rows(context.workspace, result.dataset or "", "train")
    made = {(row.labels, row.provenance.contrast) for row in rows if row.origin == "written" and row.provenance}
    assert made == {(several_task().labels_of(item.label), item.contrast) for item in analysed.plan_items}
