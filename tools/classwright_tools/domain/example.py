"""A row: a text or a pair of texts, its label or labels, where it came from, and an id made from its content."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from classwright_tools.domain.edits import Decider
from classwright_tools.domain.label_sets import joined_labels, named_together
from classwright_tools.domain.noun import LabelName, Noun, Text
from classwright_tools.domain.pair import Content, joined, shown
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell

Origin = Literal["real", "written", "annotated"]
Split = Literal["train", "validation", "test", "unlabelled"]
LabelledSplit = Literal["train", "validation", "test"]
Division = Annotated[dict[LabelledSplit, Annotated[int, Field(ge=1, le=100)]], Field(min_length=2, max_length=3)]
"""How many parts of a source each split gets."""
USUAL_DIVISION = "{'train': 2, 'validation': 1, 'test': 1}"
"""As a caller would write it."""
REAL_TEXTS: tuple[Origin, ...] = ("real", "annotated")
"""Of all other origins a model wrote the text."""
LEAST_REAL_FIRST: tuple[Origin, ...] = ("written", "annotated", "real")
"""By how little each vouches for a figure on its rows."""
Data = Literal["real", "annotated", "written", "mixed"]
"""What rows are together: real ones, real texts of which a model labelled some or all, written ones, or a mix."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test", "unlabelled")
LABELLED_BUT_TEST: tuple[Split, ...] = ("train", "validation")
"""Test rows are shown to nobody who may write training texts."""
HELD_OUT: tuple[Split, ...] = ("validation", "test")


class Provenance(Noun):
    """How a row that was not simply imported came to be."""

    cell: Cell | None = None
    contrast: LabelName | None = Field(default=None, description="The label that the text was written to resemble.")
    round: int = Field(default=0, ge=0)
    writer: str = Field(default="", max_length=200, description="The writer's name, such as 'recorded' or a model.")
    prompt: str = Field(default="", max_length=64, description="The digest of the prompt template.")

    @property
    def group(self) -> str:
        """What must stay on one side of a split: rows of one cell, or of one contrast, resemble each other."""
        cell = self.cell
        parts = (cell.label, cell.topic, cell.subtopic, cell.source_type) if cell else ()
        parts = (*parts, cell.item) if cell and cell.item else parts
        return "\x1f".join([*(part or "" for part in parts), self.contrast or ""])


class Example(Noun):
    """One row of a dataset. In a pair task `text` is the query and `text_pair` the item; else it is None.

    A row of a multi-label task has `labels`, all that apply, in the place of a `label`: () where none does, and None
    where nobody has said which do.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    text: Text
    text_pair: Text | None = None
    label: LabelName | None = None
    labels: tuple[LabelName, ...] | None = None
    origin: Origin = "real"
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _label_or_labels(self) -> Example:
        if self.label is not None and self.labels is not None:
            raise ValueError("a row has a `label`, or in a multi-label task `labels`: not both")
        return self

    @property
    def label_key(self) -> str | None:
        """The label, or all labels as one string; None of a row without labels."""
        return self.label if self.labels is None else joined_labels(self.labels)

    @property
    def labels_name(self) -> str | None:
        """The label, or all labels as callers write them; None of a row without labels."""
        return self.label if self.labels is None else named_together(self.labels)

    @property
    def content(self) -> Content:
        """The text, or both texts of a pair as one string: see `domain/pair.py`."""
        return joined(self.text, self.text_pair)

    @property
    def shown(self) -> str:
        """The text, or both texts of a pair, as a reader should see them."""
        return shown(self.content)


def origin_of_labelled(by: Decider) -> Origin:
    """Return the origin of a real text that came without a label and got one: a person's word makes it a real row."""
    return "real" if by == "person" else "annotated"


def least_real(origins: Collection[Origin]) -> Origin:
    """Return that of the `origins` which vouches for least; "real" where there is none."""
    return next((origin for origin in LEAST_REAL_FIRST if origin in origins), "real")


def data_of(origins: Collection[Origin]) -> Data:
    """Return what rows of these `origins`, of which there is one or more, are together."""
    least = least_real(origins)
    return "mixed" if least == "written" and len(set(origins)) > 1 else least


def example_id(content: Content) -> str:
    """Return the id of the row that holds `content`: 64 bits of SHA-256 of its NFC form, in hexadecimal.

    The label is left out: a dataset holds a text, or a pair, once, so two labels for one are seen as a conflict.
    """
    return hashlib.sha256(unicodedata.normalize("NFC", content).encode()).hexdigest()[:16]


def next_round(train: Iterable[Example]) -> int:
    """Return the round of the texts that are written next: 0 if `train` has none yet, else its highest and 1."""
    rounds = (row.provenance.round for row in train if row.origin == "written" and row.provenance)
    return max(rounds, default=-1) + 1


def make_example(
    text: str,
    label: str | None,
    *,
    labels: Iterable[str] | None = None,
    text_pair: str | None = None,
    origin: Origin = "real",
    provenance: Provenance | None = None,
) -> Example:
    """Return the `Example` of `text`, and of `text_pair` in a pair task, with the id that its content gives.

    A row of a multi-label task has `labels`, and no `label`.
    """
    return Example(
        id=example_id(joined(text, text_pair)),
        text=text,
        text_pair=text_pair,
        label=label,
        labels=None if labels is None else tuple(labels),
        origin=origin,
        provenance=provenance,
    )


def written_example(text: str, task: Task, cell: Cell, provenance: Provenance) -> Example:
    """Return the row of `text`, which was written for `cell` of `task`: with the cell's label or labels, and item."""
    return make_example(
        text,
        None if task.multi_label else cell.label,
        labels=task.labels_of(cell.label) if task.multi_label else None,
        text_pair=cell.item,
        origin="written",
        provenance=provenance,
    )
