"""Rows that earlier edits removed: what they were, out of the versions that still have them."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from classwright_tools.domain.decided import Decided
from classwright_tools.editing.draft import Draft
from classwright_tools.editing.row_table import keyed, with_values
from classwright_tools.errors import NotFound
from classwright_tools.workspace.datasets import read_table


@dataclass(frozen=True)
class Removed:
    """Rows as a table with the columns of the draft's, and of each the place of the edit that removed it."""

    table: Any
    edits: list[int]


def removed_rows(draft: Draft) -> Removed:
    """Return the rows that edits removed and that are not there again.

    What was removed before the dataset came from elsewhere is in no version here, and does not return.

    Raises:
        DamagedArtifact: a version that has them does not read back.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    there = set(draft.table["id"].to_pylist())
    gone = Decided(draft.edits).removed - there
    removal = {
        id_: number
        for number, edit in enumerate(draft.edits)
        if edit.takes_rows_out
        for id_ in edit.rows
        if id_ in gone
    }
    by_version: defaultdict[str, list[str]] = defaultdict(list)
    for id_, number in removal.items():
        by_version[draft.edits[number].dataset].append(id_)
    parts = [draft.table.slice(0, 0)]
    for version, ids in by_version.items():
        with contextlib.suppress(NotFound):
            table = keyed(read_table(draft.context.workspace, version))
            parts.append(table.filter(pc.is_in(table["id"], pa.array(ids, pa.string()))))
    table = pa.concat_tables(parts).combine_chunks()
    order = [removal[id_] for id_ in table["id"].to_pylist()]
    # A change before it in the same call may have given it another label than that version has.
    labels = {
        place: draft.edits[number].rows[id_] or None
        for place, (id_, number) in enumerate(zip(table["id"].to_pylist(), order, strict=True))
    }
    return Removed(with_values(table, "label", labels), order)
