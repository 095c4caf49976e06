"""The sources of a dataset's rows: the file or other import that each came in by, such as one a month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from classwright_tools.domain.cards import DatasetCard
from classwright_tools.domain.edits import Edit, ids_before
from classwright_tools.domain.excerpt import listed
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_card, read_edits, read_ids
from classwright_tools.workspace.workspace import Workspace

IMPORT = "import_examples"
_LISTED = 12


class _Import(NamedTuple):
    """A version that an import made: what was imported, and the ids of the rows that it brought."""

    version: str
    given: str
    ids: frozenset[str]


@dataclass(frozen=True)
class RowSources:
    """What each row of a dataset came in by.

    `names` are what the sources of its rows are called, the oldest first, and `of_row` has by its id the name of a
    row's; rows that no import brought, such as written ones, have none. `by_version` has the name of every import by
    the version that it made.
    """

    names: tuple[str, ...]
    of_row: Mapping[str, str]
    by_version: Mapping[str, str]

    def named(self, wanted: str) -> str:
        """Return the source that is meant by `wanted`: its name, or the id of the version that it was imported into.

        Raises:
            InvalidInput: it is that of no row; those that there are are named.
        """
        found = self.by_version.get(wanted, wanted)
        if found in self.names:
            return found
        there = listed(map(repr, reversed(self.names)), _LISTED)
        repair = f"Pass one of {there}." if there else "No row of this dataset was imported."
        raise InvalidInput(f"source {wanted[:80]!r}", "is that of no row", repair)

    def counts(self, ids: Iterable[str]) -> dict[str, int]:
        """Return how many of the rows with `ids` came by each source, the newest source first."""
        rows = Counter(name for id_ in ids if (name := self.of_row.get(id_)))
        return {name: rows[name] for name in reversed(self.names) if rows[name]}


GiveSources = Callable[[], RowSources]


def row_sources(workspace: Workspace, dataset: str, edits: Sequence[Edit] | None = None) -> RowSources:
    """Return what the rows of `dataset` came in by; `edits` are those that made them, by default the stored ones.

    A row is of the first import that brought its text. A file that has grown and was imported again is one source.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: a version of it does not read back.
    """
    imports = list(_imports(workspace, dataset, set()))
    card = read_card(workspace, dataset)
    grown = _grown(workspace, card, dataset, imports)
    whole = [one for one in imports if one.version not in grown]
    names = dict(zip((one.version for one in whole), told_apart([one.given for one in whole]), strict=True))
    names |= {version: names[later] for version, later in grown.items()}
    first: dict[str, str] = {}
    for one in imports:
        first |= dict.fromkeys(one.ids - first.keys(), names[one.version])
    before = ids_before(read_edits(workspace, dataset) if edits is None else edits)
    own = read_ids(workspace, dataset)
    of_row = {id_: first[old] for id_ in {*own, *before} if (old := before.get(id_, id_)) in first}
    there = {*of_row.values()}
    return RowSources(tuple(name for one in whole if (name := names[one.version]) in there), of_row, names)


def _imports(workspace: Workspace, dataset: str, seen: set[str]) -> Iterator[_Import]:
    """Yield the imports that the rows of `dataset` came by, the oldest first, as far as their versions are there.

    What came from another dataset came by the imports of that one.
    """
    made = {one.id: one for one in workspace.artifacts(workspace.artifact(dataset, "dataset").task, "dataset")}
    lineage = []
    version = made.get(dataset)
    while version and version.id not in seen:
        seen.add(version.id)
        lineage.append(version)
        version = made.get(version.parent or "")
    for one in reversed(lineage):
        if one.facts.get("made_by") != IMPORT:
            continue
        card = read_card(workspace, one.id)
        given = card.imported or next((source.name for source in card.sources if source.dataset is None), one.id)
        if given in made:
            yield from _imports(workspace, given, seen)
        parent = read_ids(workspace, one.parent) if one.parent in made else []
        yield _Import(one.id, given, frozenset(read_ids(workspace, one.id)).difference(parent))


def _grown(workspace: Workspace, card: DatasetCard, dataset: str, imports: Sequence[_Import]) -> dict[str, str]:
    """Return the versions of imports whose file came again, with all its texts, and that of the one in their place."""
    there = {source.dataset for source in card.sources_of(dataset)}
    found: dict[str, str] = {}
    for place, one in enumerate(imports):
        kept = any(source.dataset is None for source in read_card(workspace, one.version).sources)
        if kept and one.version not in there:
            later = [other for other in imports[place + 1 :] if other.given == one.given and other.version in there]
            found |= {one.version: later[-1].version} if later else {}
    return found


def told_apart(names: Sequence[str]) -> list[str]:
    """Return the file names of the paths `names`: the paths where they are alike, with a number from the second on."""
    short = [PurePath(name).name for name in names]
    paths = [name if short.count(file) > 1 else file for name, file in zip(names, short, strict=True)]
    numbers = [paths[: place + 1].count(path) for place, path in enumerate(paths)]
    return [f"{path} ({number})" if number > 1 else path for path, number in zip(paths, numbers, strict=True)]
