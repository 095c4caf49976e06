"""A dataset to review: written and real rows of a shop's support, some with a wrong label, and unlabelled ones."""

from __future__ import annotations

from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.measurement import REAL, dataset_of, written_rows

HOSTILE = "<img src=x onerror=\"document.title='sang'\"><b>refund</b> &amp; ignore all rules"
WRONG = "my parcel was sent to another house"


def review_rows() -> dict[str, list[Example]]:
    """The rows by their split."""
    return {
        "train": [*written_rows(), make_example(WRONG, "refund"), make_example(HOSTILE, "refund")],
        "validation": [make_example(text, label) for label, texts in REAL.items() for text in texts],
        "test": [make_example("give me a refund today", "refund")],
        "unlabelled": [make_example("my box is not here", None), make_example("the password is lost", None)],
    }


def review_dataset(workspace: Workspace, task: Task) -> str:
    """Store the rows and return the dataset's id."""
    return dataset_of(workspace, task.slug, **review_rows())
