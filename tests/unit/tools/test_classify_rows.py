"""`classify` sorts the unlabelled rows of a dataset: counts, the least sure ones, and all rows with labels as a CSV."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from classwright_tools.classify import LEAST_SURE_SHOWN, ClassifyRequest
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.workspace.workspace import Workspace
from support.filled import dataset as dataset
from support.filled import model as model
from support.filled import trained as trained
from support.filled import workspace as workspace
from support.measurement import WRITTEN, context_on, dataset_of, real_rows, trained_on
from support.pair import pair_rows, pair_task, save_pairs
from support.several import LABELS, several_dataset, several_rows
from support.sorted_rows import OWN, sorted_by, table_of, unlabelled
from support.sorted_rows import filled as filled


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


def test_a_label_is_a_persons_once_a_person_vouched_for_it_and_a_models_once_a_model_gave_another(
    workspace: Workspace, task: Task, model: str
) -> None:
    texts = ("the box is late", "the van is late", "the post is late")
    annotated = [make_example(text, "delivery", origin="annotated") for text in texts]
    dataset = dataset_of(workspace, train=annotated, validation=real_rows(), unlabelled=unlabelled())
    ids = [row.id for row in annotated]
    [given] = [row for row in real_rows() if row.text == "password wrong again"]
    by: dict[str, list[dict[str, object]]] = {
        "person": [
            {"action": "approve", "rows": {"ids": [ids[1]]}},
            {"action": "relabel", "rows": {"ids": [ids[2]]}, "label": "account"},
        ],
        "model": [{"action": "relabel", "rows": {"ids": [given.id]}, "label": "refund"}],
    }
    for decider, changes in by.items():
        edited = edit_examples(
            EditExamplesRequest(task="support", dataset=dataset, changes=changes, reason="read", decided_by=decider),  # type: ignore[arg-type]  # as a call brings them
            context_on(workspace),
        )
        dataset = str(edited.dataset)

    table = {row["text"]: row for row in table_of(workspace, sorted_by(workspace, model, dataset))}

    said = [(table[text]["label"], table[text]["decided_by"]) for text in (*texts, given.text, "cant log in")]
    assert said[:3] == [("delivery", "model"), ("delivery", "person"), ("account", "person")]
    assert said[3:] == [("refund", "model"), ("account", "person")]


def test_every_row_has_the_models_probabilities_beside_who_decided(
    workspace: Workspace, dataset: str, model: str
) -> None:
    found = sorted_by(workspace, model, dataset, threshold=0.5)

    table = table_of(workspace, found)
    assert len(table) == len(OWN) + len(real_rows())
    for row in table:
        assert sum(float(row[f"probability_{label}"]) for label in WRITTEN) == pytest.approx(1, abs=1e-4)
        assert float(row["probability"]) == float(row[f"probability_{row['label']}"])
        assert bool(row["sure"]) == (row["decided_by"] == "model")
    counts = Counter(row["label"] for row in table).most_common()
    assert ", ".join(f"{label} {rows}" for label, rows in counts) in found.summary


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
    shown = {one.text: dict(one.likeliest)["mismatch"] for one in found.results}
    told = [row["probability_mismatch"] for row in rows if row["split"] == "unlabelled"]
    assert [float(one) for one in told] == pytest.approx([shown[row.shown] for row in own], abs=1e-5)
    assert "Sort the table by `probability_mismatch`" in found.summary


def test_the_column_to_sort_pairs_by_is_said_as_the_table_has_it(workspace: Workspace) -> None:
    pair_task(workspace)
    model = trained_on(workspace, save_pairs(workspace, {"train": pair_rows()}), task="shop")
    own = "text,text_pair,label\nblue saw,blue hand saw,good\nold rake,yellow bucket,bad\n"
    request = ImportExamplesRequest(task="shop", split="unlabelled", csv=own, new_dataset=True)
    imported = import_examples(request, context_on(workspace))

    found = sorted_by(workspace, model, str(imported.dataset))

    assert "Sort the table by `predicted_probability_mismatch`" in found.summary
    assert all(row["predicted_probability_mismatch"] for row in table_of(workspace, found))

    own = "id,query,item,note,note\n7,blue saw,blue hand saw,x,y\n"
    request = ImportExamplesRequest(task="shop", split="unlabelled", csv=own, new_dataset=True)
    imported = import_examples(request, context_on(workspace))
    [row] = table_of(workspace, sorted_by(workspace, model, str(imported.dataset)))
    columns = {"id": "7", "query": "blue saw", "item": "blue hand saw", "note_1": "x", "note_2": "y"}
    assert list(row.items())[:5] == list(columns.items())


def test_of_a_task_with_several_labels_a_row_counts_for_each_of_its_own(workspace: Workspace) -> None:
    labelled = several_dataset(workspace)
    model = trained_on(workspace, labelled, task="mail")
    own = [make_example(text, None) for text in OWN]
    dataset = dataset_of(workspace, task="mail", train=several_rows(), unlabelled=own)

    found = sorted_by(workspace, model, dataset, threshold=0.0)

    rows = table_of(workspace, found)
    answers = [row["labels"] for row in rows if row["sure"] == "true"]
    counted = Counter(label for names in answers for label in (names.split("|") if names != "|" else ["|"]))
    assert found.sure_by_label == counted
    assert sum(counted.values()) > 0
    assert [row["labels"] for row in rows if row["split"] == "train"] == [row.labels_name for row in several_rows()]
    for row in rows:
        assert [row[f"label_{name}"] for name in LABELS] == [str(int(name in row["labels"])) for name in LABELS]
        assert set(filter(None, row["sure_labels"].split("|"))) <= set(row["labels"].split("|"))
    assert [row["sure_labels"] for row in rows if row["split"] == "train"] == [""] * len(several_rows())


def test_rows_that_are_surely_of_none_of_the_labels_are_counted_in_words(workspace: Workspace) -> None:
    model = trained_on(workspace, several_dataset(workspace), task="mail")
    own = [make_example(text, None) for text in ("greetings from the seaside to all", "my login does not work")]
    dataset = dataset_of(workspace, task="mail", train=several_rows(), unlabelled=own)

    found = sorted_by(workspace, model, dataset, threshold=0.0)

    assert found.sure_by_label == {"|": 1, "account": 1}
    assert "none of the labels 1" in found.summary
    assert "| 1" not in found.summary
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
