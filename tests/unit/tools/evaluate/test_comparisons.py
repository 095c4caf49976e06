"""`evaluate` against another model: what is compared, when a lead is more than chance, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from classwright_tools.domain import gains
from classwright_tools.domain.annotation import Annotation, RowToLabel
from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.figures import ClassF1, Estimate
from classwright_tools.domain.gains import RareLabelGain
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import NotEnoughData
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.kept_answers import kept_answers
from classwright_tools.measurement.training_summary import earlier_model
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, mcnemar
from classwright_tools.statistics.paired_at_shares import compare_at_shares
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.workspace import Workspace
from support.editing import editor
from support.measurement import REAL, context_on, dataset_of, real_rows, trained_on, written_rows


def annotated_rows(copies: str = "abcde") -> list[Example]:
    """Return the real texts, each several times with a letter behind it, as an annotator labelled them."""
    return [
        make_example(f"{row.text} {letter}", row.label, origin="annotated") for row in real_rows() for letter in copies
    ]


def round_without_validation(workspace: Workspace, *rows: Sequence[Example]) -> TrainClassifierResult:
    """Train on `rows`, without validation rows."""
    dataset = dataset_of(workspace, train=[row for some in rows for row in some])
    request = TrainClassifierRequest(task="support", dataset=dataset, method="probe")
    return train_classifier(request, context_on(workspace))


def test_without_validation_rows_what_two_models_learnt_from_is_compared_on_real_texts_that_are_held_out(
    workspace: Workspace, task: Task
) -> None:
    labels = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(row.text, labels[row.label or ""], origin="written") for row in written_rows()]
    first = round_without_validation(workspace, annotated_rows())
    second = round_without_validation(workspace, annotated_rows(), wrong)

    result = evaluate(EvaluateRequest(model=second.model, against=first.model), context_on(workspace))

    assert f"evaluate with model={second.model!r} and against={first.model!r}" in second.next_step
    assert result.summary.startswith(
        f"Measured on {result.figures.rows} real training rows that were held out, of which an annotator labelled"
    )
    assert "this compares the rows of the two, not the models" in result.summary
    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert result.next_step.startswith(f"Worse than before: keep {first.model}.")
    assert f"Go on with its rows: dataset={first.dataset!r}." in result.next_step
    # What stands for a model is not taken for its own answers, which are those of one that learnt from the rows.
    assert kept_answers(workspace, task.slug, second.model, [row.id for row in annotated_rows()], list(REAL)) == {}


@pytest.mark.parametrize("change", [{"action": "rename_label"}, {"action": "merge_label"}], ids=lambda it: it["action"])
def test_rows_are_compared_by_what_their_labels_are_called_by_now(
    workspace: Workspace, task: Task, change: dict[str, str]
) -> None:
    to = "money back" if change["action"] == "rename_label" else "delivery"
    first = round_without_validation(workspace, annotated_rows())
    edit = editor(context_on(workspace))
    renamed = edit(change | {"label": "refund", "to": to}, dataset=first.dataset).dataset
    assert renamed
    request = TrainClassifierRequest(task="support", dataset=renamed, method="probe")
    second = train_classifier(request, context_on(workspace))
    asked = EvaluateRequest(model=second.model, against=first.model)

    with pytest.raises(NotEnoughData, match="has no validation rows"):  # for the two learnt from the same rows
        evaluate(asked, context_on(workspace))

    more = [make_example(row.text, to if row.label == "refund" else row.label, origin="real") for row in written_rows()]
    rows = [*read_rows(workspace, renamed, "train"), *more]
    grown = save_dataset(workspace, "support", {"train": rows}, parent=renamed, run_key="more", made_by="test").id
    third = train_classifier(request.model_copy(update={"dataset": grown}), context_on(workspace))
    for model, against in ((third, first), (first, third)):
        found = evaluate(EvaluateRequest(model=model.model, against=against.model), context_on(workspace))
        assert found.comparison
        assert found.comparison.relabelled is None
        assert found.figures.rows == len(rows)
        assert {one.label for one in found.classes} == {to, "delivery", "account"}


@pytest.mark.parametrize("order", ["written", "informative"])
def test_written_texts_and_those_that_a_model_was_unsure_of_do_not_judge_models(
    workspace: Workspace, task: Task, order: str
) -> None:
    rows = annotated_rows() if order == "informative" else written_rows()
    first, second = round_without_validation(workspace, rows), round_without_validation(workspace, rows, real_rows())
    if order == "informative":
        asked = tuple(RowToLabel(id=f"t{place}", row=row.id, text=row.text) for place, row in enumerate(rows))
        bare = dataset_of(workspace, unlabelled=[make_example(row.text, None) for row in rows])
        annotation = Annotation(task=task.slug, dataset=bare, on_newest=False, order=order, pool=60, batches=(asked,))
        workspace.publish_document("annotation", task.slug, annotation, run_key="asked", parent=bare, rows=60)

    with pytest.raises(NotEnoughData, match=r"12 can be held out, of which 50 .* annotate_examples\(order='random'\)"):
        evaluate(EvaluateRequest(model=second.model, against=first.model), context_on(workspace))


def test_models_of_the_same_rows_need_validation_rows_to_be_compared(workspace: Workspace, task: Task) -> None:
    first = round_without_validation(workspace, annotated_rows())
    request = TrainClassifierRequest(task="support", dataset=first.dataset, method="probe")
    second = train_classifier(request, context_on(workspace))

    assert "against" not in second.next_step
    with pytest.raises(NotEnoughData, match=r"has no validation rows.*import_examples\(split='validation'\)"):
        evaluate(EvaluateRequest(model=second.model, against=first.model), context_on(workspace))


def test_against_itself_a_model_gains_nothing(workspace: Workspace, dataset: str, model: str) -> None:
    request = EvaluateRequest(model=model, dataset=dataset, against=model)

    comparison = evaluate(request, context_on(workspace)).comparison

    assert comparison
    assert (comparison.against, comparison.accuracy_gain.value, comparison.p) == (model, 0, 1)
    assert not comparison.significant


def gained(ends: tuple[float, float]) -> gains.TestedGain:
    """Return a gain with this interval, whose test says the same."""
    significant = not ends[0] <= 0 <= ends[1]
    p = 0.03 if significant else 0.4
    return gains.TestedGain(value=sum(ends) / 2, low=ends[0], high=ends[1], p=p, significant=significant)


def comparison(
    won: int,
    lost: int,
    accuracy: tuple[float, float] | None = None,
    macro_f1: tuple[float, float] = (-1, 1),
    rare: tuple[float, float] | None = None,
    ranked: tuple[float, float] | None = None,
    of_rare: dict[str, tuple[float, float]] | None = None,
) -> Comparison:
    """Return a comparison with so many rows won and lost, and intervals of the gains.

    That of `rare` is in a label's recall, those of `of_rare` in its other gains, that of `ranked` in the average
    precision of mismatches.
    """
    lead = (won - lost) / 200
    accuracy = accuracy or (lead - 0.5, lead + 0.5)
    of_rare = {"average_precision_gain": (-1, 1), "balanced_accuracy_gain": (-1, 1)} | (of_rare or {})
    return Comparison(
        against="support-m1",
        accuracy_gain=Estimate(value=sum(accuracy) / 2, low=accuracy[0], high=accuracy[1]),
        macro_f1_gain=gained(macro_f1),
        average_precision_gain=gained(ranked) if ranked else None,
        only_this_right=won,
        only_other_right=lost,
        p=(p := mcnemar(won, lost)),
        significant=p < SIGNIFICANCE,
        rare=RareLabelGain.model_validate(
            {"label": "refund", "rows": 19}
            | {name: gained(ends) for name, ends in ({"recall_gain": rare} | of_rare).items()}
        )
        if rare
        else None,
    )


@pytest.mark.parametrize(
    ("compared", "verdict"),
    [
        (comparison(12, 9), "undecided"),
        (comparison(12, 9, accuracy=(-0.02, 0.06), macro_f1=(-0.01, 0.05)), "undecided"),
        (comparison(12, 9, accuracy=(-0.02, 0.06), macro_f1=(-0.07, 0.05)), "no gain"),  # of two signs
        (comparison(20, 8), "gain"),  # p 0.036
        (comparison(19, 9), "undecided"),  # p 0.087
        (comparison(5, 0, accuracy=(0.01, 0.09), macro_f1=(0, 0.09)), "undecided"),  # p 0.063
        (comparison(0, 5, accuracy=(-0.09, -0.01)), "no gain"),
        (comparison(6, 0), "gain"),  # p 0.031
        (comparison(0, 0, macro_f1=(-0.02, -0.001)), "loss"),  # wrong in the same rows, with other labels
        (comparison(8, 20), "loss"),
        (comparison(0, 0), "no gain"),
        (comparison(4, 4, macro_f1=(0.01, 0.1)), "gain"),
        (comparison(4, 4, accuracy=(-0.1, -0.01)), "no gain"),  # p 1
        (comparison(9, 12, accuracy=(-0.02, 0.01), macro_f1=(0.01, 0.05)), "gain"),  # the loss may be chance
        (comparison(20, 8, macro_f1=(-0.1, -0.01)), "trade"),
        (comparison(8, 20, rare=(0.1, 0.5)), "trade"),
        (comparison(9, 12, accuracy=(-0.05, 0.01), rare=(0.1, 0.5)), "trade"),
        (comparison(12, 9, accuracy=(-0.01, 0.05), rare=(0.1, 0.5)), "gain"),
        (comparison(20, 8, accuracy=(0.01, 0.05), rare=(-0.5, -0.1)), "trade"),
        (comparison(9, 12, accuracy=(-0.05, 0.01), rare=(-0.5, -0.1)), "loss"),
        (comparison(8, 20, rare=(-0.1, 0.3)), "loss"),
        (comparison(8, 20, accuracy=(-0.1, -0.01), ranked=(0.01, 0.1)), "gain"),  # of mismatches, which are rare
        (comparison(20, 8, accuracy=(0.01, 0.1), ranked=(-0.1, -0.01)), "loss"),
        (comparison(8, 20, macro_f1=(-0.1, 0), ranked=(-0.01, 0.1)), "undecided"),
        (comparison(20, 8, accuracy=(0.01, 0.1), ranked=(-0.1, 0.01)), "no gain"),
    ],
)
def test_a_verdict_needs_more_than_chance_and_figures_of_one_sign(compared: Comparison, verdict: str) -> None:
    assert compared.verdict == verdict
    assert compared.keeps_earlier == (verdict in ("loss", "trade", "no gain"))


def test_advice_on_models_of_pairs_is_by_how_they_rank_mismatches() -> None:
    assert comparison(8, 20, ranked=(0.01, 0.1)).advice("shop-m2", 99) == (
        "A gain: keep shop-m2. In the average precision of the mismatches, which pairs are judged by, shop-m2 has "
        "+0.055 (+0.010 to +0.100)."
    )
    assert "macro-F1" not in comparison(8, 20, macro_f1=(0, 1), ranked=(-0.1, 0.01)).advice("shop-m2", 99)


def test_a_lead_that_may_be_chance_tells_how_many_rows_would_tell() -> None:
    assert (
        comparison(12, 6)
        .advice("support-m2", 120)
        .endswith("a gain needs 10 more right than wrong. About 480 such rows would tell whether this lead is chance.")
    )  # 48 rows won and 24 lost: a lead of 24, 2.8 standard errors
    for decided in (comparison(20, 8), comparison(6, 12), comparison(4, 4)):
        assert "such rows would tell" not in decided.advice("support-m2", 120)


def test_what_decides_is_told_where_it_is_not_the_accuracy() -> None:
    told = comparison(9, 12, accuracy=(-0.02, 0.01), macro_f1=(0.01, 0.05)).advice("support-m2", 120)

    assert told == (
        "A gain: keep support-m2. support-m2 alone is right in 9 of 120 rows and alone wrong in 12; that may be "
        "chance, and more than chance is macro-F1 +0.030 (+0.010 to +0.050)."
    )
    assert "chance" not in comparison(20, 8).advice("support-m2", 120)


def test_at_label_shares_the_test_decides_and_not_the_interval_of_few_rows(workspace: Workspace, model: str) -> None:
    true = np.arange(120) % 3
    right, wrong = np.eye(3)[true], np.eye(3)[(true + 1) % 3]
    ours, theirs = (np.where(np.isin(np.arange(120), rows)[:, None], wrong, right) for rows in ([0], range(1, 6)))
    found = compare_at_shares(true, ours, theirs, model, (0.3, 0.4, 0.3))
    assert found
    assert found.accuracy_gain.low > 0
    assert found.p > 0.05
    assert found.macro_f1_gain.low > 0
    assert found.verdict == "undecided"


def test_a_lead_that_may_be_chance_is_gone_on_with_and_said_to_be_undecided() -> None:
    told = comparison(12, 9, accuracy=(-0.02, 0.06), macro_f1=(-0.01, 0.05)).advice("support-m2", 120)
    assert told.startswith("Undecided: keep support-m2, whose lead may be chance. support-m2 alone is right in 12")


def test_rows_that_differ_by_validation_rows_alone_are_not_gone_back_to(
    workspace: Workspace, dataset: str, model: str
) -> None:
    fewer = trained_on(workspace, dataset_of(workspace, train=written_rows(), validation=real_rows()[1:]))

    result = evaluate(EvaluateRequest(model=fewer, dataset=dataset, against=model), context_on(workspace))

    assert result.comparison
    assert result.next_step.startswith(f"No gain: keep {model}.")
    assert "Go on with its rows" not in result.next_step


def test_after_a_loss_the_next_step_keeps_the_other_model_and_names_what_may_help(
    workspace: Workspace, dataset: str, model: str
) -> None:
    labels = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(row.text, labels[row.label or ""], origin="written") for row in written_rows()]
    worse = trained_on(workspace, dataset_of(workspace, train=wrong, validation=real_rows()))

    result = evaluate(EvaluateRequest(model=worse, dataset=dataset, against=model), context_on(workspace))

    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert result.next_step.startswith(f"Worse than before: keep {model}. {worse} alone is right in 0 of ")
    assert f"Go on with its rows: dataset={dataset!r}." in result.next_step
    assert "what to write next" not in result.next_step
    analysed = error_analysis(ErrorAnalysisRequest(model=worse, dataset=dataset), context_on(workspace))
    kept = f"{worse} is worse than {model} ({result.report}): keep {model} and its rows."
    assert analysed.next_step.startswith(f"{kept} Real")
    change = {"action": "relabel", "rows": {"ids": [written_rows()[0].id]}, "label": "account"}
    request = {"task": "support", "dataset": dataset, "reason": "a person said so", "changes": [change]}
    edit_examples(EditExamplesRequest.model_validate(request), context_on(workspace))
    analysed = error_analysis(ErrorAnalysisRequest(model=worse, dataset=dataset), context_on(workspace))
    assert analysed.next_step.startswith(f"{kept} They lack 1 label that persons gave since. To keep it, go on with")


def test_without_a_gain_the_next_step_says_so_with_the_evidence(workspace: Workspace, dataset: str, model: str) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset, against=model), context_on(workspace))

    assert result.next_step.startswith(
        f"No gain: keep {model}. {model} alone is right in 0 of {result.figures.rows} rows and alone wrong in 0; "
        "a gain needs 6 more right than wrong. Instead"
    )
    assert "`method` 'contrastive' (train_classifier)" in result.next_step


def test_nothing_is_chosen_by_test_rows(workspace: Workspace, dataset: str, model: str) -> None:
    some = dataset_of(workspace, test=real_rows())
    labels = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(row.text, labels[row.label or ""], origin="written") for row in written_rows()]
    worse = trained_on(workspace, dataset_of(workspace, train=wrong, validation=real_rows()))

    result = evaluate(EvaluateRequest(model=worse, dataset=some, split="test", against=model), context_on(workspace))

    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert "to choose by test rows makes it worthless" in result.next_step
    assert f"evaluate(model={worse!r}, against={model!r})" in result.next_step
    assert "keep" not in result.next_step
    assert "export" not in result.next_step
    analysed = error_analysis(ErrorAnalysisRequest(model=worse, dataset=dataset), context_on(workspace))
    assert "keep" not in analysed.next_step


def test_where_macro_f1_leads_and_accuracy_does_not_both_are_told() -> None:
    told = comparison(9, 12, accuracy=(-0.37, 0.08), macro_f1=(-0.12, 0.32)).advice("support-m2", 80)

    lead = "support-m2 leads by +0.100 in macro-F1, which may be chance"
    assert told.startswith(f"No gain: keep support-m1, unless rare labels matter more: {lead}.")


def test_more_of_a_rare_label_for_less_accuracy_is_a_trade_that_a_person_decides() -> None:
    told = comparison(21, 49, accuracy=(-0.12, -0.03), rare=(0.16, 0.58)).advice("support-m5", 375)
    assert told.startswith("A trade, for a person to decide: support-m5 against support-m1 has accuracy -0.075 (-0.120")
    assert "recall of 'refund' +0.370 (+0.160 to +0.580)" in told
    assert "Keep support-m5 if to miss 'refund' costs more than other errors, else support-m1." in told
    assert "Worse" not in told
    back = comparison(49, 21, accuracy=(0.03, 0.12), rare=(-0.58, -0.16)).advice("support-m5", 375)
    assert "Keep support-m1 if to miss 'refund' costs more than other errors, else support-m5." in back


LOSS: Any = {"won": 8, "lost": 20, "accuracy": (-0.1, -0.01)}


@pytest.mark.parametrize(
    ("found", "advised"),
    [
        ({"rare": (-0.1, 0.08), "of_rare": {"average_precision_gain": (0.02, 0.2)}}, "m2 if to miss 'refund'"),
        ({"rare": (-0.1, 0.08), "of_rare": {"balanced_accuracy_gain": (0.02, 0.2)}}, "m2 if to miss rare labels"),
        ({"rare": (-0.1, 0.08), "macro_f1": (0.01, 0.1), **LOSS}, "m2 if to miss rare labels"),
        ({"macro_f1": (0.01, 0.1), **LOSS}, "m2 if to miss rare labels"),
        (
            {"rare": (-0.08, 0.1), "accuracy": (0, 0.01), "of_rare": {"average_precision_gain": (-0.2, -0.02)}},
            "support-m1 if to miss 'refund'",
        ),
    ],
)
def test_a_trade_advises_the_model_that_finds_rare_labels_beyond_chance(found: Any, advised: str) -> None:
    compared = comparison(**({"won": 4, "lost": 4, "accuracy": (-0.02, 0.012)} | found))

    assert compared.verdict == "trade"
    assert f"Keep {advised} costs more" in compared.advice("m2", 500)


@pytest.mark.parametrize(("verdict", "kept"), [("gain", 0), ("undecided", 0), ("loss", 1), ("no gain", 1)])
def test_the_earlier_model_is_kept_too_where_it_was_compared_against_the_later_one(
    workspace: Workspace, model: str, verdict: str, kept: int
) -> None:
    second = workspace.publish("model", "support", lambda _: None, run_key="second", facts={})
    facts = {"model": model, "against": second.id, "split": "validation", "verdict": verdict}
    workspace.publish("report", "support", lambda _: None, run_key="compared", facts=facts)
    on_test = facts | {"split": "test", "verdict": "gain" if kept else "loss"}
    workspace.publish("report", "support", lambda _: None, run_key="tested", facts=on_test)

    found = model_in_use(workspace, "support")

    assert found
    assert found.model.id == (model, second.id)[kept]


def test_no_model_is_compared_with_one_that_learnt_the_validation_rows(workspace: Workspace, model: str) -> None:
    card = load_model(workspace, model).card
    facts = {"task_version": card.task_version}
    learnt = facts | {"validation_rows": 9}
    workspace.publish("model", "support", lambda _: None, run_key="second", facts=learnt)
    third = workspace.publish("model", "support", lambda _: None, run_key="third", facts=facts)

    assert earlier_model(workspace, third, card, measurable=True) == model


@pytest.mark.parametrize(("verdict", "kept"), [("trade", 0), ("loss", 0), ("gain", 1), ("undecided", 1)])
def test_the_model_that_a_comparison_kept_is_the_next_to_compare_with(
    workspace: Workspace, model: str, verdict: str, kept: int
) -> None:
    card = load_model(workspace, model).card
    version = {"task_version": card.task_version}
    second, third = (
        workspace.publish("model", "support", lambda _: None, run_key=key, facts=version) for key in ("second", "third")
    )
    facts = {"model": second.id, "against": model, "split": "validation", "verdict": verdict}
    workspace.publish("report", "support", lambda _: None, run_key="compared", facts=facts)

    assert earlier_model(workspace, third, card, measurable=True) == (model, second.id)[kept]


def test_figures_of_a_label_that_were_stored_without_precision_and_recall_read_back() -> None:
    stored = {"label": "refund", "f1": {"value": 0.5, "low": 0.4, "high": 0.6}, "rows": 9}

    assert ClassF1.model_validate(stored).recall is None


def test_the_order_of_the_other_models_labels_does_not_matter(
    workspace: Workspace, task: Task, dataset: str, model: str
) -> None:
    workspace.save_task(task.model_copy(update={"labels": tuple(reversed(task.labels))}))
    turned = trained_on(workspace, dataset)

    comparison = evaluate(
        EvaluateRequest(model=model, dataset=dataset, against=turned), context_on(workspace)
    ).comparison

    assert comparison
    assert comparison.only_this_right == comparison.only_other_right == 0
