"""The arguments of the tools that the review page calls."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from classwright_tools.domain.decision import Action, Decision, DecisionId, Person
from classwright_tools.domain.kinds import DatasetId, ModelId
from classwright_tools.domain.look import MOST_PLACES, Look, Order
from classwright_tools.domain.noun import MAX_LABELS, LabelName, Slug, ToolRequest

MOST_A_PAGE = 200
Cursor = Annotated[int, Field(ge=0, le=2**53, description="The `cursor` of the answer before; 0: none.")]


class Reviewed(ToolRequest):
    """The dataset that is looked at, and the model whose answers are shown."""

    dataset: DatasetId
    model: ModelId | None = Field(default=None, description="As review_open returned it.")


class OpenRequest(ToolRequest):
    """What to review."""

    task: Slug | None = Field(default=None, description="Default: that of the dataset, or the one changed last.")
    dataset: DatasetId | None = Field(default=None, description="Default: the newest of the task.")
    model: ModelId | None = Field(default=None, description="Default: the newest of the task.")
    person: Person | None = Field(default=None, description="As in review_news.")


class Looked(Reviewed):
    """The rows that are looked at."""

    look: Look = Field(default=Look(), description="Default: all but test rows.")


class RowsRequest(Looked):
    """A page of rows."""

    order: Order = Field(default="doubt", description="'doubt': the most doubtful first.")
    seed: int = Field(default=0, ge=0, le=2**31, description="Of the random order.")
    offset: int = Field(default=0, ge=0, le=10**9, description="Rows to leave out.")
    limit: int = Field(default=50, ge=0, le=MOST_A_PAGE, description="Rows to show.")
    whole: bool = Field(default=False, description="Texts are not cut.")


class NewsRequest(Reviewed):
    """Since when."""

    person: Person = Field(description="Who asks: what the page made up, behind the name that was given.")
    after: Cursor = 0


class DecideRequest(NewsRequest):
    """Decisions, in their order."""

    decisions: tuple[Decision, ...] = Field(default=(), max_length=1_000, description="Those to store.")


class DecideAllRequest(Looked, NewsRequest):
    """One decision about all rows that meet the conditions."""

    id: DecisionId = Field(description="Of the decision.")
    action: Action = Field(description="What is decided.")
    label: LabelName | None = Field(default=None, description="Of 'relabel'.")
    labels: tuple[LabelName, ...] | None = Field(
        default=None, max_length=MAX_LABELS, description="Of 'relabel' where rows may have several."
    )
    rows: int = Field(ge=1, le=MOST_PLACES, description="How many were counted before; with another count it fails.")


class HistoryRequest(ToolRequest):
    """Whose history."""

    task: Slug
    offset: int = Field(default=0, ge=0, le=10**9, description="Decisions to leave out, the newest first.")
    versions_offset: int = Field(default=0, ge=0, le=10**9, description="Versions to leave out, the newest first.")
