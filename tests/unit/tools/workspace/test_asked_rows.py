"""Rows that were asked about: checks keep the labels that they had then, and the others had none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from classwright_tools.domain.annotation import Annotation, RowToLabel
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.asked_rows import known_labels, without_label
from classwright_tools.workspace.datasets import read_ids, read_table, save_dataset
from classwright_tools.workspace.workspace import Workspace

TEXTS = [f"a text about parcel {number}" for number in range(8)]


def saved(workspace: Workspace, rows: Sequence[Example], unlabelled: int, parent: str | None = None) -> str:
    """Return a dataset of `rows`, of which the last ones have no label and the first is a validation row."""
    splits = {
        "train": rows[1 : len(rows) - unlabelled],
        "validation": rows[:1],
        "unlabelled": rows[len(rows) - unlabelled :],
    }
    run = f"rows-{unlabelled}"
    return save_dataset(workspace, "support", splits, parent=parent, run_key=run, made_by="test").id  # type: ignore[arg-type]


def asking(dataset: str, rows: Sequence[Example]) -> Annotation:
    asked = tuple(RowToLabel(id=f"t{number}", row=row.id, text=row.text) for number, row in enumerate(rows))
    return Annotation(task="support", dataset=dataset, on_newest=True, order="random", pool=8, batches=(asked,))


def test_a_row_counts_as_it_was_in_the_dataset_that_was_asked_about(workspace: Workspace, task: Task) -> None:
    bare = [make_example(text, None) for text in TEXTS]
    labelled = [make_example(text, "refund") for text in TEXTS]
    first = saved(workspace, [*labelled[:4], *bare[4:]], 4)
    later = saved(workspace, [*labelled[:6], *bare[6:]], 2, first)
    asked = [bare[place] for place in (0, 3, 4, 5, 6)]

    earlier, newer = asking(first, asked), asking(later, asked[:4])

    assert known_labels(workspace, earlier) == dict.fromkeys([bare[0].id, bare[3].id], "refund")
    assert known_labels(workspace, newer) == dict.fromkeys([row.id for row in asked[:4]], "refund")
    assert without_label(workspace, [earlier, newer]) == {row.id for row in asked[2:]}
    assert without_label(workspace, [newer]) == set()


@pytest.mark.parametrize("labels", [(), ("delivery", "refund")])
def test_checks_with_several_labels_or_none_of_them_are_known_by_all(
    labels: tuple[str, ...], workspace: Workspace, task: Task
) -> None:
    workspace.save_task(task.model_copy(update={"multi_label": True}))
    rows = [make_example(text, None) for text in TEXTS]
    rows[0] = rows[0].model_copy(update={"labels": labels})
    annotation = asking(saved(workspace, rows, 7), rows[:2])

    assert known_labels(workspace, annotation) == {rows[0].id: rows[0].label_key}
    assert without_label(workspace, [annotation]) == {rows[1].id}


def test_columns_that_are_named_are_read_alone(workspace: Workspace, task: Task) -> None:
    dataset = saved(workspace, [make_example(text, "refund") for text in TEXTS], 0)

    table = read_table(workspace, dataset, ("id", "label", "labels"))

    assert table.column_names == ["id", "label", "split"]
    assert table.drop_columns(["split"]).equals(read_table(workspace, dataset).select(["id", "label"]))
    assert read_ids(workspace, dataset) == table["id"].to_pylist()
