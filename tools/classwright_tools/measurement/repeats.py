"""Rows that nearly equal an earlier one: looked for once for each version of a dataset, kept in a file."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from classwright_tools.context import ToolContext
from classwright_tools.measurement.kept_files import keep_file, kept_file
from classwright_tools.workspace.row_columns import contents_of
from classwright_tools.workspace.workspace import write_json


def repeats_in(context: ToolContext, dataset: str, table: Any) -> dict[str, str]:
    """Return the ids of the rows of `table` that repeat an earlier one, with what is to be said of each.

    They are those of `dataset`, or what became of them; test rows are left out. The likest come first. Pairs
    repeat each other only where they are equal: the size in which two nearly equal ones differ may decide about them.
    """
    import pyarrow.compute as pc

    from classwright_tools.curation.bulk_duplicates import BulkDuplicates
    from classwright_tools.curation.spool import spool_folder

    kind = context.workspace.task(context.workspace.artifact(dataset, "dataset").task).kind
    seen = table.filter(pc.not_equal(table["split"], "test"))
    ids = seen["id"].to_pylist()
    digest = hashlib.sha256("".join((kind, *ids)).encode()).hexdigest()  # an id is one of its content
    kept = kept_file(context.workspace, f"{dataset}.repeats.{digest[:16]}.json")
    try:
        known: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        contents = contents_of(seen)
        anything = np.ones((1, 1), bool)
        with spool_folder(context.workspace.root) as folder:
            compared = BulkDuplicates(folder, anything, anything & (kind != "pair"))
            compared.add(contents, 0)
            found = list(
                compared.repeats(
                    lambda rows: [contents[row] for row in rows],
                    lambda done: context.progress(done, "comparing the rows"),
                )
            )
        found.sort(key=lambda repeat: (-repeat.similarity, repeat.row))
        known = {
            ids[one.row]: f"equals {ids[one.of]}"
            if one.similarity == 1.0
            else f"repeats {ids[one.of]}, similarity {one.similarity:.2f}"
            for one in found
        }
        keep_file(kept, lambda beside: write_json(beside, known))
    return known
