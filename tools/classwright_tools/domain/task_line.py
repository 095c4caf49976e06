"""A task as one is told of it: what it holds, which model is in use and how good it is, what is open, what happened."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from classwright_tools.domain.example import Split
from classwright_tools.domain.kinds import DatasetId, ModelId
from classwright_tools.domain.noun import Noun, Slug


class UsedModel(Noun):
    """The model in use."""

    model: ModelId
    since: str = Field(description="The date.")
    why: str
    learnt: DatasetId = Field(description="The version that it was trained on.")
    figure: str = Field(description="How good it was found when it was trained, and on which rows.")


class TaskLine(Noun):
    """What one learns first of a task."""

    task: Slug
    instruction: str
    labels: str = Field(description="Their names, of many the first.")
    rows: dict[Split, int] = Field(default_factory=dict)
    dataset: DatasetId | None = Field(default=None, description="The newest version; None: there is none yet.")
    made: str | None = Field(default=None, description="The date of it.")
    in_use: UsedModel | None = None
    open: tuple[str, ...] = Field(description="What was begun, or waits, a sentence each.")


class Event(Noun):
    """A version, a model, a measurement or an export: what it is, who made it, and why."""

    id: str
    when: str = Field(description="To the minute.")
    what: str
    by: str = ""
    why: str = ""

    @model_serializer(mode="wrap")
    def _what_is_known(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not known: a page then holds more of them."""
        return {name: value for name, value in dump(self).items() if value}
