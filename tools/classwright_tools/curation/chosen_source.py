"""The source that a call of `import_examples` names, opened: its rows are read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from classwright_tools.context import ToolContext
from classwright_tools.curation.arrivals import Arrivals
from classwright_tools.curation.import_paths import resolved_import
from classwright_tools.curation.sources import Source, read_dataset, read_pasted, read_path
from classwright_tools.domain.example import Division, Split
from classwright_tools.domain.rating import steps_of, unnamed_steps
from classwright_tools.domain.source import SEPARATOR, SOURCES, GivenRow, GivenSource
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.label_sets import LabelSets
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import USUAL_PAIR, Columns, SourceRow


def label_names(given: GivenSource, task: Task, later: Mapping[str, str]) -> LabelNames:
    """Return what finds the labels of `task` for what the source calls them; `later` names are those of old ones.

    Raises:
        InvalidInput: `label_names` leads to a name that is no label of the task, or there is a separator for nothing.
    """
    names = {old: new for old, new in later.items() if new in task.label_names} | given.label_names
    if task.multi_label:
        return LabelSets(task.label_names, names, given.label_separator, says_empty=given.empty == "none")
    if given.empty != "none":
        reason = f"is given, and rows of task {task.slug!r} have one label: an empty cell is none"
        raise InvalidInput("empty", reason, "Leave it out.")
    if given.label_separator != SEPARATOR:  # a job's request is stored with all its fields: which were set is not known
        raise InvalidInput(
            "label_separator", f"is given, and rows of task {task.slug!r} have one label", "Leave it out."
        )
    return LabelNames(task.label_names, names)


def chosen_source(
    given: GivenSource,
    split: Split | Division,
    task: Task,
    names: LabelNames,
    context: ToolContext,
    position: Position,
) -> Source:
    """Return the rows of the one source that is `given`, to be imported as `split` of a dataset of `task`.

    Of a source that has several splits itself and is to be divided, its training rows are.

    Raises:
        InvalidInput: not exactly one is given, it cannot be read or divided, or a row has not as many texts as the
            task's rows.
        NotFound: there is no such file or dataset.
    """
    named = [name for name in SOURCES if getattr(given, name)]
    if len(named) != 1:
        reason = f"has {' and '.join(named)}" if named else "names no rows"
        raise InvalidInput("import_examples", reason, f"Pass exactly one of {', '.join(f'`{s}`' for s in SOURCES)}.")
    if given.pair_column and task.kind == "text":
        raise InvalidInput("pair_column", f"is given, and task {task.slug!r} is about single texts", "Leave it out.")
    if not isinstance(split, str):
        if given.from_dataset:
            raise InvalidInput("split", "divides a source, and `from_dataset` has splits of its own", "Name one split.")
        split = "train"
    columns = Columns(
        given.text_column,
        None if split == "unlabelled" else given.label_column,
        given.pair_column or (USUAL_PAIR[1] if task.kind == "pair" else None),
        names.knows,
        several=task.multi_label,
        others="plain" if split == "unlabelled" else "origin",
    )
    if given.from_dataset:
        other = context.workspace.resolve(given.from_dataset, "dataset", task.slug).id
        return read_dataset(context.workspace, other, split)
    return _from_outside(given, columns, split, task, context, position)._replace(texts=tuple(columns.texts))


def _from_outside(
    given: GivenSource, columns: Columns, split: Split, task: Task, context: ToolContext, position: Position
) -> Source:
    """Return the rows of a source that is no dataset of the workspace."""
    if given.path:
        try:
            return read_path(resolved_import(given.path, context.import_folders), columns, split, position)
        except PermissionError as error:  # of the system, which names the one of several
            reason = "may not be read by the user of the system that the server runs as"
            raise InvalidInput(f"path {Path(error.filename).name!r}", reason, "Let it: `chmod -R a+rX`.") from error
    if given.hub:
        from classwright_tools.curation.hub_rows import read_hub  # imports an HTTP client

        return read_hub(given.hub, columns, split, position, context)
    if given.csv:
        return Source(read_pasted(given.csv, columns, position, context.workspace.root))
    _check_rows(given.rows, task)
    return Source(SourceRow(row.text, row.label, text_pair=row.text_pair) for row in given.rows)


def _check_rows(rows: Iterable[GivenRow], task: Task) -> None:
    """Raise an `InvalidInput` that names the first row which has not as many texts as the task's rows have."""
    for place, row in enumerate(rows):
        if task.kind == "pair" and row.text_pair is None:
            reason = f"has no `text_pair`, and task {task.slug!r} is about pairs of texts"
            raise InvalidInput(f"rows[{place}]", reason, "Give it both: the query as `text`, the item as `text_pair`.")
        if task.kind == "text" and row.text_pair is not None:
            reason = f"has a `text_pair`, and task {task.slug!r} is about single texts"
            raise InvalidInput(f"rows[{place}]", reason, "Leave it out, or import into a pair task.")


def refuse_unusable(given: GivenSource, arrivals: Arrivals, task: Task) -> None:
    """Raise an `InvalidInput` if the source is empty, or if the labels are what keeps every row out."""
    subject = f"the source {given.name!r}"
    skipped = arrivals.skipped
    if arrivals.read == 0:
        raise InvalidInput(subject, "holds no rows", "Put rows into it, in a table under the header.")
    if skipped.counts.total() == arrivals.read and skipped.unknown_label:
        unknown = arrivals.unknown
        steps = steps_of(unknown.told)
        mapped = {**given.label_names, **unknown.likely()} or {"0": "spam"}
        mark = unknown.separator()
        values = f" {unknown.remark()}" if len(unknown.told) > 1 else ""
        raise InvalidInput(
            subject,
            f"has no row with a label of task {task.slug!r}: {skipped.unknown_label}",
            unnamed_steps(steps, task)
            if steps
            else f"Its labels stand with {mark!r} between them: pass label_separator={mark!r}."
            if mark
            else f"Map its labels with `label_names`, such as {mapped}, or pass another `label_column`.{values}",
        )
