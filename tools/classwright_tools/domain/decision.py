"""Decisions of persons about rows, as they are taken on the review page, one by one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from classwright_tools.domain.label_sets import NONE_KEY, joined_labels, named_together
from classwright_tools.domain.noun import MAX_LABELS, GivenText, LabelName, Noun, PersonName
from classwright_tools.domain.selection import RowId

MOST_ROWS = 200_000
"""Of one decision: all rows of a filter may be decided at once."""

PageAction = Literal["accept", "relabel", "remove", "edit", "flag", "good_example", "fits_none"]
Action = Literal[PageAction, "undo", "sign"]
DecisionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
Person = PersonName
"""Of a page: the name that was given there, if one was, a hyphen, and what tells pages apart."""


def name_in(person: Person) -> str | None:
    """Return the name that was given on a page; None if none was."""
    return person.rpartition("-")[0] or None


class Decision(Noun):
    """What a person decided about a row, or about many at once.

    'sign' is about no row: the person has another name now, which stands on what of theirs waits to be saved.
    The id is made by who sends it, so that a decision which is sent twice counts once.
    """

    id: DecisionId
    action: Action
    rows: tuple[RowId, ...] = Field(default=(), max_length=MOST_ROWS)
    label: LabelName | None = Field(default=None, description="Of 'relabel'; of 'accept' where the row had none.")
    labels: tuple[LabelName, ...] | None = Field(
        default=None, max_length=MAX_LABELS, description="The same where rows may have several; empty: none applies."
    )
    text: GivenText | None = Field(default=None, description="Of 'edit': the text in the place of the row's.")
    text_pair: GivenText | None = None
    undoes: DecisionId | None = Field(default=None, description="Of 'undo': the decision that is taken back.")
    blind: bool = Field(default=False, description="Whether it was taken without the label and the model's being seen.")
    right: bool | None = Field(default=None, description="Of a blind one: whether the row's label was right.")
    second: bool = Field(default=False, description="Blind, on a row that another decided: kept beside that decision.")
    settles: bool = Field(default=False, description="Whoever took it knew that persons differ about its rows.")
    heard: int | None = Field(default=None, ge=0, description="Number of the newest decision known when it was taken.")
    apart: bool = Field(default=False, description="Others had decided on its row, and none of it was heard of.")

    @property
    def says_labels(self) -> bool:
        """Whether it says which label, or which labels, its rows have."""
        return self.label is not None or self.labels is not None

    @property
    def gives_answer(self) -> bool:
        """Whether it says what label its rows have, that none fits, or that they should go."""
        return self.action in ("accept", "relabel", "remove", "fits_none")

    @property
    def named(self) -> str | None:
        """The label, or all labels as callers write them; None where it says none."""
        return self.label if self.labels is None else named_together(self.labels)

    @property
    def key(self) -> str | None:
        """The label, or all labels joined, as `Example.label_key`; `NONE_KEY`: none fits; None: it says none."""
        if self.action == "fits_none":
            return NONE_KEY
        return self.label if self.labels is None else joined_labels(self.labels)

    @model_validator(mode="after")
    def _complete(self) -> Decision:
        if self.action == "undo":
            if self.undoes is None or self.rows:
                raise ValueError("'undo' goes with `undoes`, the id of a decision, and with no `rows`")
        elif self.action == "sign":
            if self.rows:
                raise ValueError("'sign' goes with no `rows`")
        elif not self.rows:
            raise ValueError("pass the `rows` that it is about")
        if self.action == "relabel" and not self.says_labels:
            raise ValueError("'relabel' goes with a `label`, or with `labels`")
        if self.action == "edit" and (self.text is None or len(self.rows) != 1):
            raise ValueError("'edit' goes with one row and its new `text`")
        return self
