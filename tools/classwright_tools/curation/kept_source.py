"""Sources of texts without labels, kept beside their dataset as they came: a person gets the file back with labels."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from classwright_tools.curation.sources import Source
from classwright_tools.domain.cards import KeptSource
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import example_id
from classwright_tools.domain.pair import Content, joined
from classwright_tools.errors import DamagedArtifact
from classwright_tools.reading.rows import SourceRow, cell_problem
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.datasets import SOURCE, read_card
from classwright_tools.workspace.own_files import open_own
from classwright_tools.workspace.workspace import Workspace

MOST_BYTES = 2 * 2**30
"""Of a source that is kept. A Parquet file of one value in millions of rows is small, and its rows are not."""
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""Made once: `json.dumps` makes its encoder anew for every row."""


class SourceCopy:
    """The rows of a source, a line of JSON each: its values by column, or null where a row could not be read."""

    def __init__(self, folder: Path, source: Source, name: str) -> None:
        """Copy the rows of `source`, which is called `name`, into `folder` while they are read."""
        self._path = folder / SOURCE
        self._source = source
        self._name = name
        self._texts: tuple[str, ...] = ()
        self._columns: dict[str, None] = {}
        self._order: dict[str, None] = {}  # of the columns in the source
        self._rows = 0
        self.is_too_large = False

    def rows(self) -> Iterator[SourceRow]:
        """Yield the rows; when the last was taken the copy is whole."""
        size = 0
        with storage_errors("the rows to import"), self._path.open("wb") as file:
            for row in self._source.rows:
                if not self.is_too_large:
                    size += file.write(self._line(row).encode("utf-8", "replace"))
                    self.is_too_large = size > MOST_BYTES
                yield row

    def kept(self) -> tuple[KeptSource | None, dict[str, str | Path]]:
        """Return what a card says of the copy, and the file by its name; nothing where it is too large."""
        if self.is_too_large:
            return None, {}
        texts = self._texts or self._source.texts
        held = dict.fromkeys(texts) | self._columns
        columns = tuple(name for name in self._order | held if name in held)
        kept = KeptSource(name=self._name, texts=texts, columns=columns, rows=self._rows, form=self._source.form)
        return kept, {SOURCE: self._path}

    def holds(self, rows: Iterable[Mapping[str, Any] | None], texts: Sequence[str]) -> bool:
        """Return whether the copy has the texts of `rows`, which stand in the columns `texts`, each as often."""
        left = Counter(_ids(rows, texts))
        with self._path.open("rb") as file:
            left.subtract(id_ for id_ in _ids(map(json.loads, file), self._texts) if id_ in left)
        return max(left.values(), default=0) <= 0

    @property
    def remark(self) -> str:
        """The sentence on a source that is too large to be kept."""
        if not self.is_too_large:
            return ""
        return (
            f"Its rows have over {MOST_BYTES // 2**30} GB and are not kept as they came: `classwright classify` writes "
            "labels beside the columns of such a file."
        )

    def _line(self, row: SourceRow) -> str:
        self._rows += 1
        if row.problem:
            return "null\n"
        self._texts = self._texts or row.texts or self._source.texts
        values = row.in_order(self._texts)
        self._columns |= dict.fromkeys(values)
        self._order |= dict.fromkeys(row.columns)
        return f"{_ENCODE(values)}\n"


def kept_rows(workspace: Workspace, source: KeptSource) -> Iterator[dict[str, Any] | None]:
    """Yield the rows of one of the sources that `DatasetCard.sources_of` gives, in their order: the values by column.

    None stands for a row that could not be read.

    Raises:
        DamagedArtifact: it does not read back.
    """
    holder = source.dataset or ""
    artifact = workspace.artifact(holder, "dataset")
    expected = read_card(workspace, holder).files.get(SOURCE)
    try:
        with open_own(artifact.path / SOURCE) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise ValueError("its bytes are not those that were written")
            file.seek(0)
            for line in file:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        repair = "Import the file again, and classify that version."
        raise DamagedArtifact(f"dataset {holder!r}", f"its {SOURCE} cannot be read back", repair) from error


def content_of(row: Mapping[str, Any] | None, texts: Sequence[str]) -> Content | None:
    """Return the content of a row whose texts are in the columns `texts`, as an import cleans it; None without any."""
    given = [row.get(name) for name in texts] if row else []
    if not given or any(map(cell_problem, given)):
        return None
    clean = [clean_text(text) for text in given if isinstance(text, str)]
    return joined(*clean) if all(clean) else None


def _ids(rows: Iterable[Mapping[str, Any] | None], texts: Sequence[str]) -> Iterator[str]:
    """Yield the ids of what is in the columns `texts` of rows, without those that have no text: they are small."""
    contents = (content_of(row, texts) for row in rows)
    return (example_id(content) for content in contents if content is not None)


def joined_sources(
    workspace: Workspace, datasets: Iterable[str | None], copy: SourceCopy | None, *, again: bool
) -> tuple[KeptSource, ...]:
    """Return the sources of the rows of `datasets`, and the new one that `copy` has.

    With `again` it takes the place of one of its name whose texts it has, a file that has grown, or that is damaged.
    """
    new = copy.kept()[0] if copy else None
    there = dict.fromkeys(source for one in datasets if one for source in read_card(workspace, one).sources_of(one))

    def is_replaced(source: KeptSource) -> bool:
        if not (copy and new and again and source.name == new.name):
            return False
        try:
            return copy.holds(kept_rows(workspace, source), source.texts)
        except DamagedArtifact:
            return True

    return (*(source for source in there if not is_replaced(source)), *([new] if new else []))
