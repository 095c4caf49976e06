"""The edits of a dataset on disk: a file beside its rows, one edit a line, the oldest first.

A version has those of the version that its rows come from, and its own: what was decided goes along with the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from classwright_tools.domain.edits import Edit
from classwright_tools.errors import DamagedArtifact
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Artifact

EDITS = "edits.jsonl"


def stored_edits(dataset: Artifact, digest: str | None) -> bytes:
    """Return the file of the edits of `dataset`, whose SHA-256 is `digest`; nothing where that is None.

    Raises:
        DamagedArtifact: it is gone, or is not what was written.
    """
    if digest is None:
        return b""
    try:
        content = read_own(dataset.path / EDITS)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError("its bytes are not those that were written")
    except (OSError, ValueError) as error:
        raise DamagedArtifact(
            f"dataset {dataset.id!r}", f"its {EDITS} cannot be read back", "Use its parent, or make it again."
        ) from error
    return content


def edits_of(content: bytes) -> tuple[Edit, ...]:
    """Return the edits in the `content` of a file."""
    return tuple(Edit.model_validate_json(line) for line in content.splitlines())


def lines_of(edits: Iterable[Edit]) -> bytes:
    """Return `edits` as the file has them."""
    return b"".join(f"{edit.model_dump_json(exclude_defaults=True)}\n".encode() for edit in edits)
