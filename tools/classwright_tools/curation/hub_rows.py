"""Rows of a dataset on the hub: its files are fetched into a folder of the workspace, read, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from classwright_tools.context import ToolContext
from classwright_tools.curation.hub_layout import files_of
from classwright_tools.curation.sources import Source
from classwright_tools.curation.spool import spool_folder
from classwright_tools.domain.example import Split
from classwright_tools.errors import InvalidInput
from classwright_tools.hub.repository import HubRepository, open_repository
from classwright_tools.reading.files import read_as, read_file
from classwright_tools.reading.folders import is_data, taken_remark
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow


def read_hub(name: str, columns: Columns, split: Split, position: Position, context: ToolContext) -> Source:
    """Return the rows of the public dataset `name`, 'owner/name' with ':config' and '@split' if need be.

    Its files are fetched when the first row is asked for.

    Raises:
        NotFound: there is no such dataset for everybody, or the hub cannot be reached.
        InvalidInput: the names of its files do not tell the configuration or the split, or they cannot be read.
        StorageFailed: there is no room for them.
    """
    path, _, wanted = name.partition("@")
    path, _, config = path.partition(":")
    repository = open_repository("dataset", path, context)
    names = [file.name for file in repository.files]
    taken = files_of(names, config or None, wanted or None, split, repository.subject)
    there = [file for file in map(PurePosixPath, names) if is_data(file)]
    remark = taken_remark(repository.subject, split, [PurePosixPath(name) for name in taken], there)
    return Source(_rows(repository, taken, columns, position, context), remark)


def _rows(
    repository: HubRepository, names: Sequence[str], columns: Columns, position: Position, context: ToolContext
) -> Iterator[SourceRow]:
    """Yield the rows of the files `names`."""
    with spool_folder(context.workspace.root) as folder:
        repository.fetch([file for file in repository.files if file.name in names], folder, context)
        for place in names:
            if read_as(folder / place):  # the answer's remarks are made before the files are there
                reason, repair = "is not in UTF-8, and looks like Windows-1252", "Download it, and import it by `path`."
                raise InvalidInput(f"file {place!r}", reason, repair)
            yield from read_file(folder / place, columns, position)
