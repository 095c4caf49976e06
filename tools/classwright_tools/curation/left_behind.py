"""Labels that persons gave to rows of the newest dataset, and that a new dataset of the task leaves behind."""

from __future__ import annotations

import json
from collections import defaultdict

from classwright_tools.curation.row_changes import states
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import labels_apart, named_together
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Artifact, Workspace

MOST_IDS = 50  # in a call that a model copies


def labels_left_behind(workspace: Workspace, made: Artifact) -> str:
    """Return the sentence on rows that the new dataset `made` has otherwise than a person said before; "" of none.

    They are those of the task's newest dataset before it. The call that gives the labels again follows; test rows,
    which no call edits, are counted alone.

    Raises:
        DamagedArtifact: a dataset does not read back.
    """
    older = (one for one in workspace.artifacts(made.task, "dataset") if one.number < made.number)
    before = next(older, None)
    decided = Decided(read_edits(workspace, before.id)).by_person if before else {}
    if before is None or not decided:
        return ""
    were, rows = (states(read_table(workspace, dataset)) for dataset in (before.id, made.id))
    again: defaultdict[str, list[str]] = defaultdict(list)
    test_rows = 0
    for id_ in sorted(decided.keys() & were.keys() & rows.keys()):
        label = were[id_].label
        if label is None or label == rows[id_].label:
            continue
        if rows[id_].split == "test":
            test_rows += 1
        else:
            again[named_together(labels_apart(label))].append(id_)
    total = sum(map(len, again.values()))
    in_source = ""
    if test_rows:
        have = counted(test_rows, "test row has", "test rows have")
        in_source = (
            f"{have} another label than a person gave in {before.id}: test rows are not edited, so correct the source."
        )
    if not total:
        return in_source
    changes = [{"action": "relabel", "rows": {"ids": ids}, "label": label} for label, ids in again.items()]
    call = json.dumps(changes, ensure_ascii=False) if total <= MOST_IDS else f"[...] (compare it with {before.id})"
    have = counted(total, "row has the source's label", "rows have the source's labels")
    return (
        f"{have} again, not what a person gave in {before.id}: edit_examples(task={made.task!r}, dataset={made.id!r}, "
        f"reason=..., changes={call}). {in_source}"
    ).rstrip()
