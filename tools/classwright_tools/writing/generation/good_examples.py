"""Good examples: rows that somebody marked as such, which show a writer the style of their label."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import Split
from classwright_tools.workspace.datasets import iterate_rows, read_edits
from classwright_tools.workspace.workspace import Workspace

MOST_SHOWN = 5  # of a label: a prompt has room for no more
_SEEN: tuple[Split, ...] = ("train", "validation")


def good_examples(workspace: Workspace, dataset: str | None) -> dict[str, tuple[str, ...]]:
    """Return the texts of the good examples of each label, or set of labels, in `dataset`, those marked last first.

    Raises:
        DamagedArtifact: its rows or its edits do not read back.
    """
    marked = {id_: place for place, id_ in enumerate(Decided(read_edits(workspace, dataset)).good_examples)}
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for split in _SEEN if marked else ():
        for row in chain.from_iterable(iterate_rows(workspace, dataset or "", split)):
            if row.id in marked and row.labels_name is not None:
                found[row.labels_name].append((marked[row.id], row.text))
    return {label: tuple(text for _, text in sorted(own, reverse=True)[:MOST_SHOWN]) for label, own in found.items()}
