"""What error_analysis plans to write, and what it names as the next step."""

from __future__ import annotations

import json
import re

import pytest

from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.regeneration import RegenerationPlan
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.error_analysis import analysed
from support.measurement import REAL, dataset_of, real_rows, trained_on, written_rows
from support.paths import BANKING12
from support.writing_verbs import sentence


def test_without_a_plan_and_without_rows_of_a_label_export_is_not_the_next_step(
    workspace: Workspace, dataset: str, model: str
) -> None:
    some = dataset_of(workspace, train=written_rows(), validation=real_rows({"refund": REAL["refund"]}))

    result = analysed(workspace, model, some)

    assert "export_model" not in result.next_step
    assert "no better than guessing" in result.summary


def test_the_plan_contrasts_in_both_directions_within_its_rows(workspace: Workspace, confused: str, model: str) -> None:
    result = analysed(workspace, model, confused, rows=40)

    assert result.plan
    plan = workspace.document(result.plan, "plan", RegenerationPlan)
    pairs = {(item.label, item.contrast) for item in plan.items if item.contrast}
    assert 0 < plan.rows <= 40
    assert ("delivery", "refund") in pairs
    assert pairs == {(contrast, label) for label, contrast in pairs}
    assert {item.label for item in plan.items if not item.contrast} == {label for label, _ in pairs}
    assert (plan.model, plan.dataset, plan.round) == (model, confused, 1)
    real = {text for texts in REAL.values() for text in texts}
    assert all({*item.style, *item.contrast_style} <= real for item in plan.items)
    assert all(item.cells for item in plan.items)
    assert f"plan={result.plan!r}" in result.next_step
    assert "annotate_examples" not in result.next_step


def test_texts_that_could_be_labelled_are_named_before_the_plan(
    workspace: Workspace, confused: str, model: str
) -> None:
    rows = {"unlabelled": [make_example(sentence(number), None) for number in range(200)]}
    with_texts = save_dataset(
        workspace, "support", rows, parent=confused, run_key="texts", made_by="import_examples"
    ).id
    annotated = [*read_rows(workspace, confused, "train"), make_example("not here yet", "delivery", origin="annotated")]
    again = save_dataset(
        workspace, "support", {"train": annotated}, parent=with_texts, run_key="again", made_by="annotate_examples"
    ).id
    for dataset in (with_texts, again):
        result = analysed(workspace, model, dataset, rows=40)
        assert result.next_step.startswith("Call annotate_examples")
        assert f"plan={result.plan!r}" in result.next_step


@pytest.mark.parametrize(
    ("verdict", "start", "helps"),
    [
        ("undecided", "Call annotate_examples", "plan="),
        (
            "no gain",
            "support-m1 does not gain on support-m2",
            "annotate_examples(task='support', dataset='support-d1')",
        ),
        ("loss", "support-m1 is worse than support-m2", "annotate_examples(task='support', dataset='support-d1')"),
    ],
)
def test_a_comparison_says_which_rows_to_go_on_with_and_labels_for_texts_go_before_more_writing(
    workspace: Workspace, confused: str, model: str, verdict: str, start: str, helps: str
) -> None:
    """A lead that may be chance is gone on with, though texts were labelled before."""
    labelled = [make_example("where is it now", "delivery", origin="annotated")] if verdict == "undecided" else []
    rows = {
        "unlabelled": [make_example(sentence(number), None) for number in range(200)],
        "train": [*read_rows(workspace, confused, "train"), *labelled],
    }
    dataset = save_dataset(workspace, "support", rows, parent=confused, run_key="texts", made_by="import_examples").id
    workspace.publish("model", "support", lambda _: None, run_key="other", facts={"dataset": "support-d1"})
    facts = {"model": model, "against": "support-m2", "verdict": verdict}
    workspace.publish("report", "support", lambda _: None, run_key="compared", facts=facts)

    result = analysed(workspace, model, dataset, rows=40)

    assert result.next_step.startswith(start)
    assert helps in result.next_step


def test_where_nothing_is_wrong_nothing_is_planned(workspace: Workspace, dataset: str, model: str) -> None:
    result = analysed(workspace, model, dataset)

    assert (result.errors, result.plan, result.plan_items) == (0, None, ())
    assert "There is no plan to follow" in result.next_step


def test_a_label_with_hardly_any_training_rows_is_written_for_first_though_no_error_shows_it(
    workspace: Workspace, confused: str, model: str
) -> None:
    of_account = {row.id for row in written_rows() if row.label == "account"}
    validation = [row for row in read_rows(workspace, confused, "validation") if row.label != "account"]
    few = [row for row in written_rows() if row.id not in {*sorted(of_account)[:4]}]
    result = analysed(workspace, model, dataset_of(workspace, train=few, validation=validation), rows=80)

    first, *_ = result.plan_items
    assert (first.label, first.contrast, first.count) == ("account", None, 12)
    assert first.reason.endswith("it has 2 training rows, and 0 of 0 rows were mistaken.")
    labels = [item.label for item in result.plan_items]
    assert labels == sorted(labels, key="account".__ne__)


def test_confused_pairs_that_the_rows_do_not_reach_are_told(workspace: Workspace, model: str) -> None:
    swapped = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(f"{text}!", swapped[label]) for label, texts in REAL.items() for text in texts]
    result = analysed(workspace, model, dataset_of(workspace, train=written_rows(), validation=wrong), rows=12)

    assert re.search(r"2 confused pairs with \d+ errors get no texts: allow for more with `rows`", result.summary)


def test_the_plan_of_a_second_round_is_numbered_after_it(workspace: Workspace, dataset: str, model: str) -> None:
    later = [
        make_example(f"{row.text} Thanks.", row.label, origin="written", provenance=row.provenance)
        for row in written_rows(round_=4)
    ]
    hard = make_example("give me back the money that i paid", "delivery")
    second = dataset_of(workspace, train=[*written_rows(), *later], validation=[*real_rows(), hard])

    result = analysed(workspace, model, second)

    assert result.plan
    assert workspace.document(result.plan, "plan", RegenerationPlan).round == 5


def test_an_empty_cell_of_the_tree_is_found_and_planned(workspace: Workspace, dataset: str, model: str) -> None:
    holed = dataset_of(workspace, train=written_rows()[3:], validation=real_rows())

    result = analysed(workspace, model, holed)

    missing = [finding for finding in result.cells if finding.finding == "missing"]
    assert [(finding.cell.label, finding.cell.topic, finding.rows) for finding in missing] == [("refund", "money", 0)]
    assert result.plan
    plan = workspace.document(result.plan, "plan", RegenerationPlan)
    cells = [item for item in plan.items if item.contrast is None]
    assert [(item.label, item.cells, item.count) for item in cells] == [("refund", (missing[0].cell,), 3)]


def banking_rows(*parts: str) -> tuple[list[Example], set[tuple[str, str]]]:
    """Return the rows that fill the tree, and the (label, contrast) pairs that the writer wrote contrasts for."""
    rows, pairs = [], set()
    for part in parts:
        for line in (BANKING12 / "completions" / f"{part}.jsonl").read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            if said["kind"] == "contrast":
                pairs.add((said["label"], said["contrast"]))
            if said["kind"] == "examples":
                cell = Cell(**{name: said[name] for name in ("label", "topic", "subtopic", "source_type")})
                made = Provenance(cell=cell, writer="recorded")
                rows += [make_example(t, cell.label, origin="written", provenance=made) for t in said["items"]]
    return rows, pairs


def test_most_pairs_with_errors_are_those_that_a_careful_writer_chose_by_hand(workspace: Workspace) -> None:
    train, _ = banking_rows("part_a", "part_b")
    _, chosen = banking_rows("part_c", "part_d")
    lines = (BANKING12 / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    validation = [make_example(row["text"], row["label"]) for row in map(json.loads, lines)]
    names = dict.fromkeys(row.label for row in train if row.label)
    workspace.save_task(
        Task(slug="banking12", instruction="Classify a message.", labels=tuple(Label(name=name) for name in names))
    )
    dataset = dataset_of(workspace, "banking12", train=train, validation=validation)

    result = analysed(workspace, trained_on(workspace, dataset, "banking12"), dataset)

    assert result.plan
    plan = workspace.document(result.plan, "plan", RegenerationPlan)
    planned = {(item.label, item.contrast) for item in plan.items if item.contrast}
    assert len(chosen) == 24
    assert len(chosen & planned) >= 14
    assert len(planned) <= 30
    assert 250 < plan.rows <= 300
    assert len(result.model_dump_json()) < 10_000
