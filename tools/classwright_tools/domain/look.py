"""A look at a dataset: which of its rows a person wants to see on the review page, and in what order."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from classwright_tools.domain.decision import PageAction
from classwright_tools.domain.noun import LabelName, Noun, PersonName
from classwright_tools.domain.selection import MOST_IDS, LabelDoubt, RowFilter, RowId
from classwright_tools.domain.topic_tree import Cell

Order = Literal["doubt", "dataset", "random"]
MOST_PLACES = 200_000
Place = Annotated[int, Field(ge=0, le=10**9)]


class Look(Noun):
    """Conditions that a row meets all of."""

    where: RowFilter = Field(default=RowFilter(), description="What the rows are.")
    state: Literal["open", "decided", "disputed", "wrong"] | PageAction | None = Field(
        default=None,
        description="'open': nobody has decided yet; 'disputed': persons differ; 'wrong': so in a fair sample; "
        "'fits_none': no label fits; an action: that was done, and holds.",
    )
    not_by: PersonName | None = Field(
        default=None, description="Rows whose labels others decided on, and this person did not."
    )
    doubt: LabelDoubt | None = Field(
        default=None,
        description="A classifier finds another label, the label is doubted, or two labels are about as likely.",
    )
    guess: LabelName | None = Field(default=None, description="A label that a classifier gives; '|': it gives none.")
    missed: LabelName | None = Field(
        default=None,
        description="A label of the row that a classifier does not give; '|': it gives all that there are.",
    )
    added: LabelName | None = Field(
        default=None, description="A label that it gives and the row does not have; '|': it gives labels, and no such."
    )
    cell: Cell | None = Field(
        default=None, description="The cell that rows were written for, and no more than it names."
    )
    unlabelled: bool = Field(default=False, description="Only rows without a label.")
    ids: tuple[RowId, ...] = Field(default=(), max_length=MOST_IDS, description="Rows, such as those like another.")
    places: tuple[Place, ...] = Field(
        default=(), max_length=MOST_PLACES, description="Places of rows in the dataset, such as those in a lasso."
    )
