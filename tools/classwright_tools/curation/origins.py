"""Origins of arriving rows: as an export of a dataset says, and as this workspace knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic import TypeAdapter, ValidationError

from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import REAL_TEXTS, Example, Origin, Provenance, example_id
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.pair import Content, apart
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.reading.rows import CELL_COLUMNS, CELL_LABEL, MAKING_COLUMNS
from classwright_tools.workspace.row_columns import table_of
from classwright_tools.workspace.written_rows import WrittenRows

_NOT_REAL = frozenset(get_args(Origin)) - {"real"}
_TOLD = Provenance(writer="language model")
"""Of a text of which nothing more is known."""
_LACKING = (None, "")  # the second is how a CSV file has the first


class Made(NamedTuple):
    """A row's origin, and how it came to be, as far as that is known."""

    origin: Origin
    provenance: Provenance | None

    def as_json(self) -> str:
        """Return it as a string that `made_from_json` reads."""
        return _ADAPTER.dump_json(self).decode()


_ADAPTER: TypeAdapter[Made] = TypeAdapter(Made)


def made_from_json(made: str) -> Made:
    """Return what `Made.as_json` wrote."""
    return _ADAPTER.validate_json(made)


def claimed(given: Mapping[str, Any], content: Content, label: str | None, *, several: bool) -> Made | None:
    """Return what a source says of its row `content`, or None if it says nothing.

    `label` is the row's, or where rows have `several` what `joined_labels` made of them.

    `given` are the values of `ORIGIN_COLUMNS`. They count where the source is an export of a dataset: the row has its
    writer, or the id that its content gives. Elsewhere a column "origin" may mean anything.
    """
    origin, nested = given.get("origin"), given.get("provenance")
    values = nested if isinstance(nested, Mapping) else given
    named = given.get("id") == example_id(content)
    if origin == "real":
        return Made("real", None) if named else None
    if not isinstance(origin, str) or origin not in _NOT_REAL or not (named or isinstance(values.get("writer"), str)):
        return None
    return Made(origin, _provenance(values, content, _cell_label(values) if several else label))  # type: ignore[arg-type]  # one of its words


def _cell_label(values: Mapping[str, Any]) -> str | None:
    """Return the label that a text was written for, where rows have several."""
    cell = values.get("cell")
    label = cell.get("label") if isinstance(cell, Mapping) else values.get(CELL_LABEL)
    return label if isinstance(label, str) and label else None


def _provenance(values: Mapping[str, Any], content: Content, label: str | None) -> Provenance | None:
    """Return how the row was made; None where that is not told, or not as a dataset tells it."""
    writer = values.get("writer")
    if not isinstance(writer, str) or (not writer and values.get("round") in _LACKING):  # a CSV file has "" for nothing
        return None
    cell = values.get("cell")
    places = cell if isinstance(cell, Mapping) else values
    known = {name: _clean(values[name]) for name in MAKING_COLUMNS if values.get(name) not in _LACKING}
    try:
        at = {name: _clean(places[name]) for name in CELL_COLUMNS if places.get(name) not in _LACKING}
        return Provenance(cell=Cell(label=label, item=apart(content)[1], **at) if label else None, **known)
    except ValidationError:
        return None


def _clean(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else value


class Origins:
    """Makes the rows of a dataset out of what arrives, each under its own origin, and counts those that are not real.

    `known` counts the rows that this workspace holds as made by a tool, `stated` those that only the source says are,
    `told` those that are written by the word of who imports them.
    """

    def __init__(self, held: WrittenRows, task: Task, *, written: bool) -> None:
        """Make rows of `task`, and know those that the workspace `held` already.

        With `written` a language model wrote all texts, whatever the source says.
        """
        self._held = held
        self._task = task
        self._written = written
        self.known: Counter[Origin] = Counter()
        self.stated: Counter[Origin] = Counter()
        self.declared: Counter[Origin] = Counter()

    @property
    def not_real(self) -> Counter[Origin]:
        """The rows that are not real, by origin."""
        return self.known + self.stated + self.declared

    def tables(self, arrivals: Iterable[Any]) -> Iterator[Any]:
        """Yield the rows of the record batches `arrivals` (content, label, what `Made.as_json` returned) as tables."""
        for batch in arrivals:
            contents, labels, stated = (column.to_pylist() for column in batch.columns)
            ids = [example_id(content) for content in contents]
            held = self._held.of(dict(zip(ids, contents, strict=True)))
            made: list[Made | None] = [None] * len(ids)
            if held or self._written or batch.column("made").null_count < len(ids):
                made = [
                    self._made(label, made_from_json(one) if one else None, held.get(id_))
                    for id_, label, one in zip(ids, labels, stated, strict=True)
                ]
            texts, pairs = contents, [None] * len(ids)
            if self._task.kind == "pair":
                texts, pairs = map(list, zip(*map(apart, contents), strict=True))
            if self._task.multi_label:
                labels = [None if label is None else labels_apart(label) for label in labels]
            yield table_of(
                self._task,
                ids=ids,
                texts=texts,
                pairs=pairs,
                labels=labels,
                origins=[one.origin if one else "real" for one in made],
                made=[one and one.provenance for one in made],
            )

    def remark(self, imported: int) -> str:
        """Return the sentence on those of the `imported` rows that are not real; nothing where all are."""
        told = f"{counted(self.declared.total(), 'counts', 'count')} as written, as you say." if self.declared else ""
        both = self.known + self.stated
        if not both:
            return told
        counts = ", ".join(f"{rows} {origin}" for origin, rows in both.most_common())
        by = [f"{self.known.total()} are in this workspace as such"] if self.known else []
        by += [f"the source says so of {self.stated.total()}"] if self.stated else []
        kept = f"{both.total()} of the {imported} are no real rows and keep their origin: {counts} ({', '.join(by)})."
        return f"{kept} {told}".strip()

    def _made(self, label: str | None, stated: Made | None, held: Example | None) -> Made | None:
        """Return how a row was made that has this `label`, or labels joined, and count it; None of a real one."""
        made = stated
        if self._written and (made is None or made.origin in REAL_TEXTS):
            stated, made = None, Made("written", _TOLD)
        if stated is not None and stated.origin == "real":
            return None  # whatever equal text a tool wrote here
        if held is not None:
            several = self._task.multi_label and label is not None
            made = Made(held.origin, held.provenance if several else _under(held.provenance, label))
            self.known[made.origin] += 1
        elif stated is not None:
            self.stated[stated.origin] += 1
        elif made is not None:
            self.declared[made.origin] += 1
        return made


def _under(provenance: Provenance | None, label: str | None) -> Provenance | None:
    """Return `provenance` for a row that may have come back under another label, or under none."""
    if provenance is None or provenance.cell is None:
        return provenance
    cell = provenance.cell.model_copy(update={"label": label}) if label else None
    return provenance.model_copy(update={"cell": cell})
