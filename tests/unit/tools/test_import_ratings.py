"""Labels that are the steps of a rating: the import says what they are, and what a person may make of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.rating import labels_are_steps, steps_of
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Label, Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.workspace.datasets import read_rows


def task_of(*names: str, kind: str = "pair", mismatch: str | None = None) -> Task:
    labels = tuple(Label(name=name) for name in names)
    return Task(slug="shop", instruction="Rate it.", labels=labels, kind=kind, mismatch=mismatch)  # type: ignore[arg-type]  # one of its words


def imported(context: ToolContext, task: Task, steps: tuple[str, ...], **fields: object) -> ImportExamplesResult:
    """Import two pairs of each step."""
    context.workspace.save_task(task)
    rows = [
        GivenRow(text=f"search {n} at {step}", text_pair=f"product {n} of {step}", label=step)
        for n, step in enumerate(steps * 2)
    ]
    request = ImportExamplesRequest.model_validate({"task": "shop", "split": "train", "rows": rows, **fields})
    return import_examples(request, replace(context, run_key=f"import {fields}"))


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["3", "0", "2", "1"], ["0", "1", "2", "3"]),
        (["5 stars", "1 star", "3 stars", "2 stars", "4 stars"], [f"{n} star{'s'[: n - 1]}" for n in range(1, 6)]),
        ([f"relevance_{n}" for n in (4, 1, 2, 3)], [f"relevance_{n}" for n in (1, 2, 3, 4)]),
        ([str(n) for n in range(11)], [str(n) for n in range(11)]),
        (["0", "1", "2"], []),
        ([str(n) for n in range(12)], []),
        (["1", "2", "4", "5"], []),
        (["1", "2", "3", "other"], []),
        (["form 1", "form 2", "letter 3", "letter 4"], []),
        (["1 of 4", "2 of 4", "3 of 4", "4 of 4"], []),
        (["1", "01", "2", "3"], []),
    ],
    ids=str,
)
def test_names_are_steps_if_they_differ_by_a_number_that_counts_up(names: list[str], steps: list[str]) -> None:
    assert list(steps_of(names)) == steps


def test_ratings_that_are_no_labels_of_the_task_come_with_a_mapping_that_works(context: ToolContext) -> None:
    task, steps = task_of("fits", "mismatch", mismatch="mismatch"), ("1", "2", "3", "4", "5")

    with pytest.raises(InvalidInput, match="look like the 5 steps of a rating") as refused:
        imported(context, task, steps)

    assert "rows of '3', in the middle, are then skipped" in refused.value.repair
    found = re.search(r"`label_names`=(\{.*?\})", refused.value.repair)
    assert found
    mapped = json.loads(found[1].replace("'", '"'))
    result = imported(context, task, steps, label_names=mapped)
    assert (result.labels, result.skipped) == ({"fits": 4, "mismatch": 4}, {"label not in the task": 2})
    low = [row.text for row in read_rows(context.workspace, str(result.dataset), "train") if row.label == "mismatch"]
    assert {text[-1] for text in low} == {"1", "2"}


def test_ratings_of_test_rows_are_told_only_where_several_rows_have_each(context: ToolContext) -> None:
    task, steps = task_of("fits", "mismatch"), ("0", "1", "2", "3")
    once = [GivenRow(text=f"search {step}", text_pair=f"product {step}", label=step) for step in steps]

    for rows in ({}, {"rows": once}):
        with pytest.raises(InvalidInput) as refused:
            imported(context, task, steps, split="test", **rows)

        assert ("rating" in str(refused.value)) == (not rows)


@pytest.mark.parametrize(("mismatch", "left"), [(None, ("1", "3")), ("0", ("0", "3"))])
def test_a_task_of_ratings_is_told_at_its_first_import_and_the_merge_that_is_named_works(
    mismatch: str | None, left: tuple[str, ...], context: ToolContext
) -> None:
    steps = ("0", "1", "2", "3")

    result = imported(context, task_of(*steps, mismatch=mismatch), steps)

    assert "The labels '0' to '3' look like the 4 steps of a rating. A model learns them as kinds" in result.summary
    assert ("`mismatch` names the one of pairs that do not belong together" in result.summary) == (mismatch is None)
    found = re.search(r"changes=(\[.*?\])", result.summary)
    assert found
    changes = json.loads(found[1].replace("'", '"'))
    edit = EditExamplesRequest.model_validate({"task": "shop", "reason": "two kinds are enough", "changes": changes})
    edit_examples(edit, replace(context, run_key="merge"))
    assert context.workspace.task("shop").label_names == left
    more = imported(context, task_of(*steps), steps, rows=[{"text": "a", "text_pair": "b", "label": "0"}])
    assert "rating" not in more.summary


def test_labels_with_words_and_labels_that_rows_may_have_several_of_are_no_steps() -> None:
    several = task_of("1", "2", "3", "4", kind="text").model_copy(update={"multi_label": True})

    assert labels_are_steps(several) == ""
    assert labels_are_steps(task_of("good", "fair", "poor", "bad")) == ""
    assert "mismatch" not in labels_are_steps(task_of("1", "2", "3", "4", kind="text"))
