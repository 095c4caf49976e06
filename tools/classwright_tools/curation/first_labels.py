"""The labels that a source has, told to whoever imports it into a task that has none: ready to name them by."""

from __future__ import annotations

import json
from itertools import islice

from classwright_tools.context import ToolContext
from classwright_tools.curation.chosen_source import chosen_source, label_names
from classwright_tools.curation.unknown_values import UnknownValues
from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.example import Division, Split
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.source import GivenSource
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.label_names import label_text
from classwright_tools.reading.opening import Position

ROWS_READ = 200_000
MOST_NAMED = 120
"""Of a column with more values, which is hardly one of labels, the first few are told."""


def refuse_without_labels(given: GivenSource, split: Split | Division, task: Task, context: ToolContext) -> None:
    """Return if `task` has labels, or the rows that arrive for `split` are to have none.

    Raises:
        InvalidInput: rows are to have labels, and the task has none yet: those of the source are listed with their
            rows, as `propose_topics` takes them. Or the source cannot be read, as `chosen_source` says.
        NotFound: there is no such source.
    """
    if split == "unlabelled" or task.labels:
        return
    names = label_names(given.model_copy(update={"label_names": {}}), task, {})
    source = chosen_source(given, split, task, names, context, Position())
    found = UnknownValues(names, "test" in ((split,) if isinstance(split, str) else split))
    read = 0
    for row in islice(source.rows, ROWS_READ):
        read += 1
        if row.problem is None and not names.is_missing(row.label):
            for name in names.names_in(row.label):
                found.add(label_text(name))
    raise InvalidInput(
        f"split {split!r}",
        f"is for rows with labels, and task {task.slug!r} has none yet",
        "Name the labels first (propose_topics), or import the texts as split='unlabelled'."
        + _told(found, read, given.label_column),
    )


def _told(found: UnknownValues, rows: int, column: str) -> str:
    """Return the sentence on the labels `found` in a `column` of so many `rows`; empty where none may be told."""
    values = found.told
    if not values:
        return ""
    if len(values) > MOST_NAMED:
        some = listed(map(as_name, values), 3)
        return f" Column {column!r} has {some}: more values than a task has labels. Pass another `label_column`."
    named = json.dumps([{"name": name} for name in values], ensure_ascii=False)
    by_value = ", ".join(f"{as_name(name)} {count:,}" for name, count in values.items())
    return (
        f" Column {column!r} has {counted(len(values), 'label')} in {counted(rows, 'row')}: labels={named}. "
        f"Give those that need it a description. Rows by label: {by_value}."
    )
