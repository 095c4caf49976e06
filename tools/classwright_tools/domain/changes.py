"""Changes: what a caller wants done to rows or labels of a dataset."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from classwright_tools.domain.edits import Action
from classwright_tools.domain.noun import (
    MAX_DESCRIPTION_CHARS,
    MAX_LABEL_CHARS,
    LabelName,
    LabelsName,
    Noun,
    Plain,
    Text,
)
from classwright_tools.domain.selection import RowSelection

Description = Annotated[str, Plain, Field(max_length=MAX_DESCRIPTION_CHARS)]

NEEDS: dict[str, tuple[str, ...]] = {
    "relabel": ("rows", "label"),
    "rewrite": ("rows", "text"),
    "remove": ("rows",),
    "restore": ("rows",),
    "approve": ("rows",),
    "good_example": ("rows",),
    "flag": ("rows",),
    "unmark": ("rows",),
    "rename_label": ("label", "to"),
    "merge_label": ("label", "to"),
    "split_label": ("label", "into"),
    "add_label": ("label",),
    "describe_label": ("label", "description"),
    "remove_label": ("label",),
}
"""The fields that a change cannot do without."""
_MAY_HAVE: dict[str, tuple[str, ...]] = {
    "rewrite": ("text_pair",),
    "restore": ("label",),
    "rename_label": ("description",),
    "merge_label": ("description",),
    "add_label": ("description",),
}


class LabelPart(Noun):
    """One of the labels that a label is split into, and the rows that go there."""

    label: LabelName = Field(description="May be the old one.")
    description: Description = Field(default="", description="What belongs to it.")
    rows: RowSelection | None = Field(default=None, description="Left out: the others.")


class Change(Noun):
    """One change. Those of a call are made one after the other."""

    action: Action = Field(description="good_example: shows writers the style. flag: for later. unmark: neither.")
    rows: RowSelection | None = Field(default=None, description="Not for ..._label.")
    label: LabelsName | None = Field(default=None, description="relabel: 'a', 'a|b'; '+a' adds. ..._label: which.")
    to: LabelName | None = Field(default=None, description="rename: new name. merge: what takes the rows.")
    description: Description | None = Field(default=None, description="Of a label.")
    text: Text | None = Field(default=None, description="rewrite.")
    text_pair: Text | None = Field(default=None, description="Of a pair task.")
    into: tuple[LabelPart, ...] = Field(default=(), max_length=20, description="split: what it becomes.")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Change:
        needs, may = NEEDS[self.action], _MAY_HAVE.get(self.action, ())
        given = {name for name in type(self).model_fields if name != "action" and getattr(self, name) not in (None, ())}
        for name in needs:
            if name not in given:
                raise ValueError(f"{self.action!r} needs {' and '.join(f'`{one}`' for one in needs)}: add `{name}`")
        for name in sorted(given - {*needs, *may}):
            raise ValueError(f"{self.action!r} does nothing with `{name}`: leave it out")
        if self.action.endswith("_label") and len(self.label or "") > MAX_LABEL_CHARS:
            raise ValueError(f"`label` is longer than the {MAX_LABEL_CHARS} characters of a label: shorten it")
        return self
