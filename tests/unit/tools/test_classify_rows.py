"""`classify` sorts the unlabelled rows of a dataset: counts, the least sure ones, and all rows with labels as a CSV."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from classwright_tools.classify import LEAST_SURE_SHOWN, ClassifyRequest, ClassifyResult, classify
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on, dataset_of, real_rows, trained_on, written_rows
from support.pair import pair_rows, pair_task, save_pairs
from support.several import LABELS, several_dataset, several_rows

OWN = tuple(f"{words}, order {number}" for number in range(9) for words in ("my parcel is late", "money back", "hm"))


def unlabelled() -> list[Example]:
    return [make_example(text, None) for text in OWN]


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return dataset_of(workspace, train=written_rows(), validation=real_rows(), unlabelled=unlabelled())


@pytest.fixture
def model(workspace: Workspace, dataset: str) -> str:
    return trained_on(workspace, dataset)


def sorted_by(workspace: Workspace, model: str, dataset: str, threshold: float | None = None) -> ClassifyResult:
    return classify(ClassifyRequest(model=model, dataset=dataset, threshold=threshold), context_on(workspace))


def table_of(workspace: Workspace, found: ClassifyResult) -> list[dict[str, str]]:
    assert found.report
    path: Path = workspace.artifact(found.report, "report").path / "answers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_counted_by_label_and_the_least_sure_come_first(
    workspace: Workspace, dataset: str, model: str
) -> None:
    found = sorted_by(workspace, model, dataset, threshold=0.5)

    assert found.sure_by_label
    assert sum(found.sure_by_label.values()) + found.abstained == len(OWN)
    probabilities = [one.probability for one in found.results]
    assert probabilities == sorted(probabilities)
    assert len(probabilities) == LEAST_SURE_SHOWN
    assert {one.text for one in found.results} <= set(OWN)
    assert found.shown_in_part
    assert f"not sure of {found.abstained}" in found.summary


def test_the_table_has_every_row_of_the_person_with_a_label_and_who_decided(
    workspace: Workspace, dataset: str, model: str
) -> None:
    found = sorted_by(workspace, model, dataset)

    rows = table_of(workspace, found)
    own = {row["text"]: row for row in rows if row["decided_by"] == "model"}
    given = {row["text"]: row["label"] for row in rows if row["decided_by"] == "person"}
    assert set(own) == set(OWN)
    assert given == {row.text: row.label for row in real_rows()}  # written rows are none of the person's
    least = found.results[0]
    assert least.text
    assert own[least.text]["label"] == least.likeliest[0][0]
    assert float(own[least.text]["probability"]) == pytest.approx(least.probability, abs=1e-5)
    assert own[least.text]["sure"] == str(least.sure).lower()
    assert found.uris["answers"].endswith("/files/answers.csv")
    assert found.uris["answers"] in found.next_step


def test_labels_that_a_model_gave_a_dataset_are_none_of_a_persons(workspace: Workspace, task: Task, model: str) -> None:
    annotated = make_example("the box is late", "delivery", origin="annotated")
    dataset = dataset_of(workspace, train=[annotated], validation=real_rows(), unlabelled=unlabelled())

    [row] = [row for row in table_of(workspace, sorted_by(workspace, model, dataset)) if row["split"] == "train"]

    assert (row["text"], row["label"], row["decided_by"], row["probability"]) == (
        "the box is late",
        "delivery",
        "model",
        "",
    )


def test_pairs_have_both_their_texts_in_the_table_and_in_the_answer(workspace: Workspace) -> None:
    pair_task(workspace)
    own = [make_example(f"{trait} mower", None, text_pair=f"{trait} lawn mower") for trait in ("red", "small")]
    dataset = save_pairs(workspace, {"train": pair_rows(), "unlabelled": own})

    found = sorted_by(workspace, trained_on(workspace, dataset, task="shop"), dataset)

    rows = table_of(workspace, found)
    asked = [(row["text"], row["text_pair"]) for row in rows if row["split"] == "unlabelled"]
    assert asked == [(row.text, row.text_pair) for row in own]
    assert len(rows) == len(pair_rows()) + len(own)
    assert {one.text for one in found.results} == {row.shown for row in own}


def test_of_a_task_with_several_labels_a_row_counts_for_each_of_its_own(workspace: Workspace) -> None:
    labelled = several_dataset(workspace)
    model = trained_on(workspace, labelled, task="mail")
    own = [make_example(text, None) for text in OWN]
    dataset = dataset_of(workspace, task="mail", train=several_rows(), unlabelled=own)

    found = sorted_by(workspace, model, dataset, threshold=0.0)

    rows = table_of(workspace, found)
    answers = [row["label"].split("|") for row in rows if row["split"] == "unlabelled"]
    counted = Counter(label for names in answers for label in names if label in LABELS)
    assert found.sure_by_label == counted
    assert sum(counted.values()) > 0
    assert [row["label"] for row in rows if row["split"] == "train"] == [row.labels_name for row in several_rows()]
    assert all(one.labels is not None and one.label is None for one in found.results)


def test_a_dataset_without_unlabelled_rows_is_told_so(workspace: Workspace, task: Task, model: str) -> None:
    labelled = dataset_of(workspace, train=real_rows())
    with pytest.raises(NotEnoughData, match="no rows without labels"):
        sorted_by(workspace, model, labelled)


def test_a_dataset_of_another_task_is_refused(workspace: Workspace, task: Task, model: str) -> None:
    workspace.save_task(task.model_copy(update={"slug": "other"}))
    other = dataset_of(workspace, task="other", unlabelled=unlabelled())
    with pytest.raises(InvalidInput, match="belongs to task 'other'"):
        sorted_by(workspace, model, other)


def test_texts_and_a_dataset_are_not_classified_in_one_call() -> None:
    with pytest.raises(ValidationError, match="one of these"):
        ClassifyRequest(model="support-m1", texts=("a",), dataset="support-d1")
