"""Edits that come along with the rows of an exported dataset, whose folder has them in a file."""

from __future__ import annotations

from pathlib import Path

from classwright_tools.domain.edits import Edit
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.edits import EDITS, edits_of
from classwright_tools.workspace.own_files import read_own

Edits = tuple[Edit, ...]


def edits_in(folder: Path) -> Edits:
    """Return the edits that lie in an exported `folder`, the oldest first; none where it has no such file.

    Raises:
        InvalidInput: the file holds something else, or is a link.
    """
    if not (folder / EDITS).exists():
        return ()
    try:
        return edits_of(read_own(folder / EDITS))
    except (OSError, ValueError) as error:
        repair = "Export the dataset again, or take the file away: the rows come in without it."
        raise InvalidInput(f"{EDITS} of folder {folder.name!r}", "holds no edits of a dataset", repair) from error


def to_add(brought: Edits, known: Edits) -> tuple[Edits, str]:
    """Return what a dataset with the edits `known` gets of those `brought`, and the sentence on it.

    All come with the first split that is imported, marked as brought. A dataset with others keeps its own: theirs have
    another order.
    """
    marked = tuple(edit.model_copy(update={"brought": True}) for edit in brought)
    if not brought or known[: len(brought)] in (brought, marked):
        return (), ""
    if known:
        return (), f"Edits in the folder stay behind ({len(brought)}): this dataset has edits of its own."
    return marked, f"Edits that came along, with what persons decided: {len(brought)}."
