"""The rows of a dataset that a selection means."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classwright_tools.context import ToolContext
from classwright_tools.curation.row_changes import row_changes
from classwright_tools.curation.row_filter import filtered, named
from classwright_tools.curation.row_sources import row_sources
from classwright_tools.curation.rows_language import languages_of_rows
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.edits import Edit, edits_apart
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.opinions import Opinions, marked
from classwright_tools.domain.row_history import histories
from classwright_tools.domain.selection import LabelDoubt, RowConditions, RowFilter, RowSearch, RowsLike
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.reading_languages import unread_remark_at_hand
from classwright_tools.measurement.repeats import repeats_in
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.labelled_rows import labelled_rows
from classwright_tools.workspace.row_columns import contents_of, example_of


@dataclass(frozen=True)
class Selected:
    """Rows of `dataset`, as a table of those that `read_table` returns, in the order of the selection.

    `similarities` (n,) are there where rows were looked for by their meaning, the nearest first; `notes` say of rows
    by their ids what is in doubt about them, or what changed. `judged` is how many rows were looked through for a
    doubt of their labels, of which a classifier answered so many; None where no such doubt was asked for.
    """

    dataset: str
    table: Any
    similarities: NDArray[np.float32] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    judged: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def ids(self) -> list[str]:
        """The ids of the rows."""
        return list(self.table["id"].to_pylist())

    def rows(self, begin: int = 0, end: int | None = None) -> list[tuple[Split, Example]]:
        """Return the rows from `begin` to `end`, each with its split."""
        part = self.table.slice(begin, None if end is None else end - begin)
        return [(row["split"], example_of(row)) for row in part.to_pylist()]

    def among(self, ids: Collection[str]) -> Selected:
        """Return those of the rows that have one of `ids`, in their order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        return replace(self, table=self.table.filter(pc.is_in(self.table["id"], pa.array(ids, pa.string()))))

    def unlabelled(self) -> Selected:
        """Return those of the rows that are unlabelled."""
        import pyarrow.compute as pc

        return replace(self, table=self.table.filter(pc.equal(self.table["split"], "unlabelled")))

    def of(self, notes: Mapping[str, str]) -> Selected:
        """Return those of the rows that `notes` say something of, in the order of these."""
        import pyarrow as pa
        import pyarrow.compute as pc

        places = pc.index_in(pa.array(list(notes), pa.string()), value_set=self.table["id"].combine_chunks())
        return replace(self, table=self.table.take(places.drop_null()), notes=notes)

    def shuffled(self, seed: int) -> Selected:
        """Return the rows in a random order, which `seed` decides."""
        order = np.random.default_rng(seed).permutation(len(self))
        alike = None if self.similarities is None else self.similarities[order]
        return replace(self, table=self.table.take(order), similarities=alike)


def select(context: ToolContext, dataset: str, search: RowSearch) -> Selected:
    """Return the rows of `dataset` that are looked for.

    They are in the order of the ids, else in that of the dataset; the most doubtful, or the nearest, come first.

    Raises:
        NotFound: there is no such dataset, label or model; the nearest is named.
        InvalidInput: an id, a topic, a subtopic, a source type or a contrast is that of no row.
        DamagedArtifact: the dataset does not read back.
    """
    labels = context.workspace.task(context.workspace.artifact(dataset, "dataset").task).label_names
    table = read_table(context.workspace, dataset)
    if search.ids:
        return _with_history(context, select_in(context, dataset, table, search, labels), labels)
    by_edits = search.mark or (search.where and search.where.decided_by)
    edits = read_edits(context.workspace, dataset) if by_edits else ()
    found = select_in(context, dataset, table, search, labels, edits)
    by_whom = search.mark == "disputed" or (search.where and search.where.decided_by)
    return _with_history(context, found, labels) if by_whom and not found.notes else found


def select_in(
    context: ToolContext,
    dataset: str,
    table: Any,
    selection: RowConditions,
    labels: Sequence[str],
    edits: Sequence[Edit] = (),
) -> Selected:
    """Return the rows of `table`, those of `dataset` or what became of them by `edits`, that `selection` means.

    `labels` are those of the task. Doubts are about the rows as `dataset` has them. The order and what is raised are
    those of `select`.
    """
    if selection.ids:
        return Selected(dataset, table.take(named(table, selection.ids, dataset)))
    sources = partial(row_sources, context.workspace, dataset, edits or None)
    there = Selected(dataset, table.take(filtered(table, selection.where or RowFilter(), labels, sources, edits)))
    if selection.mark:
        there = there.among(marked(edits, selection.mark, labels))
    if selection.mark == "fits_none":
        there = there.unlabelled()
    if selection.doubt == "repeats":
        there = there.of(repeats_in(context, dataset, table))  # the likest first
    elif selection.doubt == "out_of_scope":
        there = _foreign(context, there, selection.model or "")
    elif selection.doubt:
        there = _doubtful(context, there, selection.doubt, selection.model)
    like = selection.like
    return _nearest(context, there, _sought(table, like, dataset), like) if like else there


class Changed(NamedTuple):
    """The rows of a filter that differ between two versions, how many did so in which way, and what is left out.

    That are the test rows that the filter would let through, were they named.
    """

    rows: Selected
    counts: dict[str, int]
    test_rows: int


def changed(context: ToolContext, dataset: str, earlier: str, where: RowFilter) -> Changed:
    """Return what differs between `dataset` and the version `earlier` in rows of `where`: see `row_changes`.

    Raises:
        NotFound: there is no such dataset, or no such label; the nearest is named.
        InvalidInput: a topic, a subtopic, a source type or a contrast is that of no row.
        DamagedArtifact: a dataset does not read back.
    """
    workspace = context.workspace
    labels = workspace.task(workspace.artifact(dataset, "dataset").task).label_names
    edits, known = (read_edits(workspace, version) for version in (dataset, earlier))
    since, before = ([edit for edit in own if not edit.brought] for own in edits_apart(edits, known))
    found = row_changes(read_table(workspace, earlier), read_table(workspace, dataset), before, since)
    sources = partial(row_sources, workspace, dataset)
    table = found.table.take(filtered(found.table, where, labels, sources, since))
    tests = where.model_copy(update={"splits": ("test",)})
    unseen = 0 if where.splits else len(filtered(found.table, tests, labels, sources, since))
    ids = table["id"].to_pylist()
    rows = Selected(dataset, table, notes={id_: found.of_row[id_].note for id_ in ids})
    return Changed(_with_annotators(context, _with_opinions(rows, edits, labels)), found.counts(ids), unseen)


def _with_history(context: ToolContext, there: Selected, labels: Sequence[str]) -> Selected:
    """Return the rows with what was done to each last, and who labelled those that were annotated."""
    edits = read_edits(context.workspace, there.dataset)
    past = histories(edits, {row.id: row.label_key for _, row in there.rows()}) if edits else {}
    last = {id_: found[0].in_words for id_, found in past.items() if found}
    return _with_annotators(context, _with_opinions(replace(there, notes=last), edits, labels))


def _with_opinions(there: Selected, edits: Sequence[Edit], labels: Sequence[str]) -> Selected:
    """Return the rows with what persons who differ, or differed, said of each, behind what their notes say."""
    of_row = Opinions(edits, labels).of_row
    said = {id_: of_row[id_].in_words for id_ in there.ids if id_ in of_row}
    told = {id_: "; ".join(filter(None, (there.notes.get(id_), words))) for id_, words in said.items() if words}
    return replace(there, notes={**there.notes, **told})


def _with_annotators(context: ToolContext, there: Selected) -> Selected:
    """Return the rows with who labelled those that were annotated, behind what their notes say."""
    import pyarrow.compute as pc

    task = context.workspace.task(context.workspace.artifact(there.dataset, "dataset").task)
    annotated = there.table.filter(pc.equal(there.table["origin"], "annotated"))["id"].to_pylist()
    labelled = labelled_rows(context.workspace, task, annotated)
    told = {id_: "; ".join(filter(None, (there.notes.get(id_), one.in_words))) for id_, one in labelled.items()}
    return replace(there, notes={**there.notes, **told})


def _doubtful(context: ToolContext, there: Selected, kind: LabelDoubt, model: str | None) -> Selected:
    """Return the rows of `there` whose labels are in doubt, the most doubtful first."""
    from classwright_tools.measurement.judging import doubts_about

    doubts = doubts_about(context, there.dataset, model)
    ids = np.asarray(read_table(context.workspace, there.dataset)["id"])
    places = np.flatnonzero(doubts.of_kind(kind))
    places = places[np.argsort(-doubts.doubt[places], kind="stable")]
    judged = len(there), len(there.among(ids[doubts.answered].tolist()))
    found = there.of(dict(zip(ids[places].tolist(), map(doubts.in_words, places.tolist()), strict=True)))
    return replace(found, judged=judged)


def _foreign(context: ToolContext, there: Selected, model: str) -> Selected:
    """Return the rows of `there` that are out of the model's scope, the least like its rows first."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from classwright_tools.measurement.foreign_rows import foreign_rows

    context.workspace.resolve(model, "model", context.workspace.artifact(there.dataset, "dataset").task)
    unseen = pa.array(["validation", "unlabelled"])
    asked = there.table.filter(pc.is_in(there.table["split"], unseen))
    contents = dict(zip(asked["id"].to_pylist(), contents_of(asked), strict=True))
    return replace(there.of(foreign_rows(context, contents, model)), judged=(len(there), len(asked)))


def _sought(table: Any, like: RowsLike, dataset: str) -> str:
    """Return the content that the rows are to be like."""
    if like.row is None:
        sought = clean_text(like.text or "")
        if not sought:
            raise InvalidInput("like.text", "holds no characters that can be seen", "Say in words what to look for.")
        return sought
    return str(contents_of(table.take(named(table, [like.row], dataset)))[0])


def unread_remark_of(context: ToolContext, found: Selected, then: str) -> str:
    """Return that the encoder hardly reads the language of the rows `found`, and what comes of it `then`; else ""."""
    task = context.workspace.task(task_of(found.dataset))
    spoken = languages_of_rows(task, contents_of(found.table), len(found)).languages
    unread = unread_remark_at_hand(context.encoder, spoken, context.workspace.encoders)
    return f" {unread} {then}" if unread else ""


def _nearest(context: ToolContext, there: Selected, sought: str, like: RowsLike) -> Selected:
    """Return the rows of `there` whose meaning is nearest to `sought`; the row that they are to be like is none."""
    import pyarrow.compute as pc

    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.learning.row_search import similarities

    table = there.table.filter(pc.not_equal(there.table["id"], like.row)) if like.row else there.table
    if not len(table):
        return replace(there, table=table)
    context.progress(0.0, "reading the rows")
    alike = similarities(
        contents_of(table),
        sought,
        open_encoder(context.encoder),
        EmbeddingCache(context.workspace.embeddings),
        lambda done: context.progress(done, "reading the rows"),
    )
    nearest = np.argsort(-alike, kind="stable")[: like.count]
    return replace(there, table=table.take(nearest), similarities=alike[nearest])
