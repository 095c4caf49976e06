"""What the tests that classify the rows of a dataset share: one with unlabelled rows, and the table of answers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from classwright_tools.classify import ClassifyRequest, ClassifyResult, classify
from classwright_tools.domain.example import Example, make_example
from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.measurement import context_on, dataset_of, real_rows, written_rows
from support.shop import shop_task

OWN = tuple(f"{words}, order {number}" for number in range(9) for words in ("my parcel is late", "money back", "hm"))


def unlabelled() -> list[Example]:
    """Return the rows without a label."""
    return [make_example(text, None) for text in OWN]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """Workspaces with a dataset of them beside written and real rows."""

    def fill(workspace: Workspace) -> str:
        workspace.save_task(shop_task())
        return dataset_of(workspace, train=written_rows(), validation=real_rows(), unlabelled=unlabelled())

    return Filled(tmp_path_factory.mktemp("filled"), fill)


def sorted_by(workspace: Workspace, model: str, dataset: str, threshold: float | None = None) -> ClassifyResult:
    """Return the model's answers to the unlabelled rows of a dataset."""
    return classify(ClassifyRequest(model=model, dataset=dataset, threshold=threshold), context_on(workspace))


def table_of(workspace: Workspace, found: ClassifyResult) -> list[dict[str, str]]:
    """Return the rows of the table of answers."""
    assert found.report
    path: Path = workspace.artifact(found.report, "report").path / "answers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
