"""A row as a source holds it, and the columns that it is read from."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from classwright_tools.domain.cleaning import as_name, clean_text, is_broken
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.invisible import plain_text
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.errors import InvalidInput

ONE_LABEL, SEVERAL_LABELS = "label", "labels"
# As in the program of an export, which stands alone: the agent, which reads rows too, may not load what that needs.
USUAL_PAIR, OTHER_PAIR = ("text", "text_pair"), ("query", "item")
TOO_LONG, BROKEN = "too long", "broken characters"
# What the files and the resources of a dataset say of a row beside its texts and its label: its id, its origin, and
# how it was made, flat or as one object. They are read where a source has them: see `curation/origins.py`.
CELL_COLUMNS, MAKING_COLUMNS = ("topic", "subtopic", "source_type"), ("contrast", "round", "writer", "prompt")
CELL_LABEL = "cell_label"  # where rows have several labels: the one that a text was written for
ORIGIN_COLUMNS = ("id", "origin", "provenance", CELL_LABEL, *CELL_COLUMNS, *MAKING_COLUMNS)
_ARGUMENTS = ("text_column", "pair_column", "label_column")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class SourceRow(NamedTuple):
    """A row as it stands in the source; `problem` says in a few words why it could not be read, if so.

    `detail` says more of the problem, with the repair; `file` and `line` (from 1) are where the row begins. `origin`
    holds the values of those `ORIGIN_COLUMNS` that it has. `columns` are all columns of the source, in its order, and
    `texts` those of its texts.
    """

    text: Any = None
    label: Any = None
    problem: str | None = None
    text_pair: Any = None
    origin: Mapping[str, Any] = _NOTHING
    file: str | None = None
    line: int | None = None
    detail: str | None = None
    columns: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def place(self) -> str | None:
        """The place where the row begins, or None where a source has no lines."""
        return None if self.line is None else f"file {self.file!r}, line {self.line:,}"

    def in_order(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the values as the source has them, first what it has not; its texts are in columns called `texts`.

        Another column of such a name, where its texts are called otherwise, is numbered.
        """
        origin = dict(self.origin)
        if tuple(texts) != self.texts:
            origin = {_beside(name, texts, self.columns): value for name, value in origin.items()}
        values = origin | dict(zip(texts, (self.text, self.text_pair), strict=False))
        places = {name: place for place, name in enumerate(self.columns)}
        return dict(sorted(values.items(), key=lambda one: places.get(one[0], -1)))


def _beside(name: str, texts: Sequence[str], columns: Sequence[str]) -> str:
    """Return the `name` of a column beside the `texts`, with the first number that none of the `columns` has."""
    if name not in texts:
        return name
    return next(one for one in (f"{name}_{number}" for number in count(1)) if one not in columns)


def _is_none(_label: str) -> bool:
    return False


class NoColumn(InvalidInput):
    """A source has not the column that is wanted."""


@dataclass(frozen=True)
class Columns:
    """The columns to read; `label` is None when labels are not wanted, `pair` when a row is one text.

    `is_label` tells of a value whether it is a label that whoever reads knows: lines that hold one are rows. With
    `several` the labels may be lists, and a column "labels" serves where "label" is wanted and not there. `origin` are
    those `others` that a source has besides: the `ORIGIN_COLUMNS`, all "plain" ones, each a value a row, or "all", also
    lists and the like; `found_in` finds them, and all columns that are `there`, in their order: of these two, those of
    one name are numbered. Errors name the arguments of the tool, or of a command `by_flags`.
    """

    text: str
    label: str | None
    pair: str | None = None
    is_label: Callable[[str], bool] = _is_none
    several: bool = False
    origin: tuple[str, ...] = ()
    others: Literal["origin", "plain", "all"] = "origin"
    by_flags: bool = False
    there: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """The columns of the texts."""
        return [name for name in (self.text, self.pair) if name is not None]

    @cached_property
    def _texts(self) -> tuple[str, ...]:  # made once, as what follows is: a row takes no longer than it must
        return tuple(self.texts)

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(self.names)

    @property
    def names(self) -> list[str]:
        """The columns that are wanted."""
        return [*self.texts, *([self.label] if self.label is not None else [])]

    @property
    def read(self) -> list[str]:
        """The columns that are wanted, and those that tell where a row came from."""
        return [*self.names, *self.origin]

    def like(self, there: list[str]) -> Columns:
        """Return these columns, or where a source has 'query' and 'item' for 'text' and 'text_pair', those.

        A name that a source writes with other code points, but so that it looks the same, is taken as it stands there.
        """
        usual = (self.text, self.pair) == USUAL_PAIR
        if usual and set(OTHER_PAIR) <= set(there) and not set(USUAL_PAIR) <= set(there):
            return replace(self, text=OTHER_PAIR[0], pair=OTHER_PAIR[1])
        if self.several and self.label == ONE_LABEL and ONE_LABEL not in there and SEVERAL_LABELS in there:
            return replace(self, label=SEVERAL_LABELS).like(there)
        as_there = {_seen(name): name for name in reversed(there)}
        named = {
            field: name if name is None or name in there else as_there.get(_seen(name), name)
            for field, name in (("text", self.text), ("pair", self.pair), ("label", self.label))
        }
        return replace(self, **named)  # type: ignore[arg-type]  # `text` is never None

    def found_in(self, source: str, there: list[str], *, by_header: bool = False) -> Columns:
        """Return the columns to read of `source`, which has the columns `there`; `by_header` its first row names them.

        Raises:
            NoColumn: a wanted column is not there, and those that are there are named.
            InvalidInput: it is there twice.
        """
        columns = self.like(there)
        arguments = ("--text-column", "--pair-column", "--label-column") if self.by_flags else _ARGUMENTS
        wanted_as = tuple(zip(arguments, (columns.text, columns.pair, columns.label), strict=True))
        for argument, wanted in wanted_as:
            if wanted is not None and wanted not in there:
                names = listed(map(as_name, there), 30) or "none"
                repair = f"Pass one of them as `{argument}`."
                # Texts stand where names should.
                if by_header and any(as_name(name) != repr(clean_text(name)) for name in there):
                    repair = f"Its first row looks like data: put a row of names above it. Or pass {repair[5:]}"
                raise NoColumn(source, f"has no column {wanted!r}; it has {names}", repair)
            if wanted is not None and there.count(wanted) > 1:
                raise InvalidInput(
                    source, f"has several columns {wanted!r}", f"Rename the one to read, and pass it as `{argument}`."
                )
        for argument, wanted in wanted_as[1:]:
            first = next((other for other, name in wanted_as if name == wanted), argument)
            if wanted is not None and first != argument:
                reason = f"has one column {wanted!r}, which is to be read as `{first}` and as `{argument}`"
                raise InvalidInput(source, reason, "Pass another column for one of the two.")
        others = [name for name in ORIGIN_COLUMNS if there.count(name) == 1]
        if self.others != "origin":
            from classwright.predict import names_apart  # it wants numpy, which the agent runs without

            others = there = names_apart(there)
        besides = (name for name in others if name not in columns.names)
        return replace(columns, origin=tuple(besides), there=tuple(there))

    def row(self, values: Mapping[str, Any], file: str | None = None, line: int | None = None) -> SourceRow:
        """Return the row with these `values` by column; those that are missing are None."""
        get, origin = values.get, _NOTHING
        if self.others != "origin":  # also fields that the first lines of a JSONL file did not have
            besides = dict.fromkeys((*self.origin, *values))
            origin = {name: value for name in besides if name not in self._named and (value := get(name)) is not None}
        elif self.origin:
            origin = {name: value for name in self.origin if (value := get(name)) is not None}
        return SourceRow(
            text=get(self.text),
            label=None if self.label is None else get(self.label),
            text_pair=None if self.pair is None else get(self.pair),
            origin=origin,
            file=file,
            line=line,
            columns=self.there,
            texts=self._texts,
        )

    def unread(self, line: str | None, problem: str, detail: str, file: str, number: int) -> SourceRow:
        """Return what could not be read as a row: a line as it stands, or None of one that is too long."""
        return SourceRow(
            line, problem=problem, detail=detail, file=file, line=number, columns=self.there, texts=self._texts
        )


def _seen(name: str) -> str:
    """Return what a reader sees of a name."""
    return unicodedata.normalize("NFC", plain_text(name)).strip()


def cell_problem(text: object) -> str | None:
    """Return why the value of a text's column cannot be used as a text, or None."""
    if text is None:
        return "no text"
    if not isinstance(text, str):
        return "text is not a string"
    if len(text) > MAX_TEXT_CHARS:
        return TOO_LONG
    return BROKEN if is_broken(text) else None
