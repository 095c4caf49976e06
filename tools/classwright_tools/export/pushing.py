"""Datasets and exported models on the hub, each with its card, by the name that a person gives them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from classwright_tools.domain.kinds import kind_of
from classwright_tools.errors import InvalidInput
from classwright_tools.export.dataset_files import export_rows
from classwright_tools.hub.publishing import publish_folder
from classwright_tools.workspace.workspace import Workspace


def push(workspace: Workspace, id_: str, name: str, *, public: bool = False) -> str:
    """Publish the dataset or the export `id_` as the repository `name` and return its address.

    Raises:
        InvalidInput: `id_` is of another kind, or the name or the token cannot be used.
        NotFound: there is no such artifact, or the hub does not take it.
        DamagedArtifact: the dataset does not read back.
    """
    kind = kind_of(id_)
    message = f"{id_}, by Classwright"
    if kind and kind.name == "export":
        folder = workspace.artifact(id_, "export").path
        return publish_folder(folder, "model", name, message, public=public)
    if kind and kind.name == "dataset":
        with tempfile.TemporaryDirectory(prefix="classwright-push-") as parent:
            folder = Path(parent) / id_
            export_rows(workspace, id_, folder, "parquet")
            return publish_folder(folder, "dataset", name, message, public=public)
    repair = "Call export_model first, and push what it makes." if kind and kind.name == "model" else "Check the id."
    raise InvalidInput(f"{id_[:80]!r}", "is neither a dataset nor an export", repair)
