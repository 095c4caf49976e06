"""Encoders that a call names: fetched from the hub, as files by name, into the caller's own workspace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path, PurePosixPath

from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.errors import InvalidInput
from classwright_tools.hub.repository import open_repository
from classwright_tools.learning.encoder_checks import OTHER_FORMATS, pickled
from classwright_tools.learning.encoder_folders import FETCHED, cached_folder, folder_at_hand, folder_in, repository_of
from classwright_tools.learning.encoders import Encoder, open_encoder, opened_once
from classwright_tools.workspace.atomic import move_folder, staged_folder, storage_errors
from classwright_tools.workspace.folders import own_folder
from classwright_tools.workspace.workspace import write_json


def callers_encoder(name: str, context: ToolContext) -> Encoder:
    """Return the encoder that a call names, fetching it into the caller's workspace if need be.

    Only the operator's own calls find what the operator has in the Hugging Face cache; it may not be for everybody.

    Raises:
        NotFound: the hub has none of that name for everybody, or cannot be reached.
        InvalidInput: it is a folder or no name, the operator has switched the hub off, or it cannot be opened safely.
        StorageFailed: the caller's workspace has no room for it.
    """
    if name == context.encoder:
        return open_encoder(name)
    if Path(name).is_absolute():
        raise InvalidInput(
            "the encoder", "is a folder, and a call may only name models of the hub", "Name one, or leave it out."
        )
    repository, own = repository_of(name), context.workspace.encoders
    if repository == DEFAULT_ENCODER:
        return open_encoder(name)
    there = _folder_for(repository, context)
    if there:
        return opened_once(there, name)
    fetched = _fetched(repository, own, context)
    try:
        return opened_once(fetched, name)
    except InvalidInput:  # it would count against the workspace's room, and a mended one could not be fetched
        shutil.rmtree(fetched, ignore_errors=True)  # of two who fetched it, the other one may be first
        raise


def callers_encoder_here(name: str, context: ToolContext) -> Encoder | None:
    """Return the encoder that a call names, as `callers_encoder` does, if it need not be fetched; else None."""
    if name == context.encoder or repository_of(name) == DEFAULT_ENCODER:
        return open_encoder(name) if folder_at_hand(name) else None
    there = _folder_for(repository_of(name), context)
    return opened_once(there, name) if there else None


def _folder_for(repository: str, context: ToolContext) -> Path | None:
    """Return the folder on this machine of an encoder that the caller may use, if there is one."""
    there = folder_in(context.workspace.encoders, repository)
    return there or (cached_folder(repository) if context.is_operator else None)


def _fetched(repository: str, own: Path, context: ToolContext) -> Path:
    """Fetch `repository` into the folder `own`, and return the folder in it."""
    found = open_repository("model", repository, context)
    wanted = [file for file in found.files if _is_fetched(PurePosixPath(file.name))]
    if not any(file.name.endswith(".safetensors") for file in wanted):
        raise pickled(repository)

    def fill(folder: Path) -> None:
        found.fetch(wanted, folder, context)
        _drop_places(folder)

    with storage_errors(f"encoder {repository!r}"), staged_folder(own.parent, fill) as staged:
        final = own / repository
        if folder_in(own, repository) is None:  # one that another process fetched meanwhile is being read there
            own_folder(final.parent)
            move_folder(staged, final)
    return final


def _is_fetched(path: PurePosixPath) -> bool:
    return path.parts[0] not in OTHER_FORMATS and any(path.match(pattern) for pattern in FETCHED)


def _drop_places(folder: Path) -> None:
    """Take out of the settings of a tokenizer where its files were when it was saved: they are beside it."""
    for path in folder.rglob("tokenizer_config.json"):
        try:
            settings = json.loads(path.read_bytes())
        except (ValueError, RecursionError):  # whoever opens it will say so
            continue
        if isinstance(settings, dict):
            kept = {name: value for name, value in settings.items() if not name.endswith(("_file", "_files", "_path"))}
            write_json(path, kept)
