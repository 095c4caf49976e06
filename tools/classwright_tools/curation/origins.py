"""Origins of arriving rows: as an export of a dataset says, and as this workspace knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict, get_args

from pydantic import TypeAdapter, ValidationError

from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import REAL_TEXTS, Example, Origin, Provenance, example_id, make_example
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.pair import Content, apart
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.reading.rows import CELL_COLUMNS, CELL_LABEL, MAKING_COLUMNS
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


class _Given(TypedDict):
    """What a row says of itself, besides its text."""

    label: str | None
    labels: tuple[str, ...] | None
    text_pair: str | None


class Origins:
    """Makes the rows of a dataset out of what arrives, each under its own origin, and counts those that are not real.

    `known` counts the rows that this workspace holds as made by a tool, `stated` those that only the source says are,
    `told` those that are written by the word of who imports them.
    """

    def __init__(self, held: WrittenRows, *, several: bool, written: bool) -> None:
        """Take the rows that the workspace `held` already; with `several` a row's labels are joined into one string.

        With `written` a language model wrote all texts, whatever the source says.
        """
        self._held = held
        self._several = several
        self._written = written
        self.known: Counter[Origin] = Counter()
        self.stated: Counter[Origin] = Counter()
        self.declared: Counter[Origin] = Counter()

    @property
    def not_real(self) -> Counter[Origin]:
        """The rows that are not real, by origin."""
        return self.known + self.stated + self.declared

    def rows(self, arrivals: Iterable[Sequence[tuple[Content, str | None, str | None]]]) -> Iterator[Example]:
        """Yield the rows of batches of (content, label, what `Made.as_json` returned)."""
        for batch in arrivals:
            held = self._held.of([content for content, _, _ in batch])
            for content, label, made in batch:
                own = held.get(example_id(content)) if held else None
                yield self._row(content, label, made_from_json(made) if made else None, own)

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

    def _row(self, content: Content, label: str | None, stated: Made | None, held: Example | None) -> Example:
        text, text_pair = apart(content)
        made = stated
        given: _Given = {"label": label, "labels": None, "text_pair": text_pair}
        if self._several and label is not None:
            given = {"label": None, "labels": labels_apart(label), "text_pair": text_pair}
        if self._written and (made is None or made.origin in REAL_TEXTS):
            stated, made = None, Made("written", _TOLD)
        if stated is not None and stated.origin == "real":
            return make_example(text, **given)  # whatever equal text a tool wrote here
        if held is not None:
            made = Made(held.origin, held.provenance if given["labels"] is not None else _under(held.provenance, label))
            self.known[made.origin] += 1
        elif stated is not None:
            self.stated[stated.origin] += 1
        elif made is not None:
            self.declared[made.origin] += 1
        if made is None:
            return make_example(text, **given)
        return make_example(text, **given, origin=made.origin, provenance=made.provenance)


def _under(provenance: Provenance | None, label: str | None) -> Provenance | None:
    """Return `provenance` for a row that may have come back under another label, or under none."""
    if provenance is None or provenance.cell is None:
        return provenance
    cell = provenance.cell.model_copy(update={"label": label}) if label else None
    return provenance.model_copy(update={"cell": cell})
