"""Incoming rows: their source, what its labels are called in the dataset, and what was decided on them before."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from classwright_tools.context import ToolContext
from classwright_tools.curation.brought_edits import Edits, to_add
from classwright_tools.curation.chosen_source import chosen_source, label_names
from classwright_tools.curation.joined_edits import names_since, to_join
from classwright_tools.curation.sources import Source
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import Division, Split
from classwright_tools.domain.source import GivenSource
from classwright_tools.domain.task import Task
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.opening import Position
from classwright_tools.workspace.datasets import read_edits


class Incoming(NamedTuple):
    """A source and how far it is read, the names of its labels, and the edits that come along, with a sentence on them.

    The names are None where the rows get no label. Rows that a person `removed` from the dataset stay out of it.
    """

    source: Source
    labels: LabelNames | None
    position: Position
    removed: Collection[str]
    edits: Edits
    edits_remark: str


def incoming(
    given: GivenSource, split: Split | Division, task: Task, parent: str | None, context: ToolContext
) -> Incoming:
    """Return what arrives from the source that is `given`, for `split` of a version after `parent`.

    Raises:
        InvalidInput: as `chosen_source` and `label_names` say.
    """
    workspace, position = context.workspace, Position()
    beside = given.from_dataset if parent else None
    names = label_names(given, task, names_since(workspace, beside, parent) if beside and parent else {})
    source = chosen_source(given, split, task, names, context, position)
    known = read_edits(workspace, parent)
    removed = Decided(edit for edit in known if edit.by == "person").removed
    if beside and parent:
        edits, remark = to_join(workspace, beside, parent, (split,) if isinstance(split, str) else tuple(split))
    else:
        edits, remark = to_add(source.edits, known)
    return Incoming(source, None if split == "unlabelled" else names, position, removed, edits, remark)
