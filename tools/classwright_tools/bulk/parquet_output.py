"""Rows written as Parquet, whose columns have one type each: a column of values of several types becomes text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode


def write_parquet(path: Path, names: Sequence[str], rows: Iterable[list[list[Any]]]) -> tuple[str, ...]:
    """Write `rows`, whose columns are called `names`, part by part; return the names of those that became text.

    A column has the type that holds its values in all parts. Where there is none, as of numbers and words or of objects
    without a field, what is no text stands as JSON. `rows` are gone through several times.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = _types(len(names), rows)
    schema = pa.schema([(name, pa.string() if of is None else of) for name, of in zip(names, types, strict=True)])
    with pq.ParquetWriter(path, schema) as writer:
        for part in rows:
            columns = [
                [_as_text(value) for value in values] if of is None else list(values)
                for of, values in zip(types, zip(*part, strict=True), strict=True)
            ]
            writer.write_table(pa.table(columns, schema=schema))
    return tuple(name for name, of in zip(names, types, strict=True) if of is None)


def _types(columns: int, rows: Iterable[list[list[Any]]]) -> list[Any]:
    """Return the type that holds all values of each of so many columns; None where there is none."""
    import pyarrow as pa

    found: list[Any] = [pa.null()] * columns
    widened: set[int] = set()
    for part in rows:
        for place, values in enumerate(zip(*part, strict=True)):
            if found[place] is not None:
                own = _type_of(list(values))
                of_both = _together(found[place], own)
                widened |= {place} if {found[place], own} - {pa.null(), of_both} else set()
                found[place] = of_both
    for part in rows if widened else ():  # a whole number may be too large for the type that fractions gave its column
        for place, values in enumerate(zip(*part, strict=True)):
            if place in widened and found[place] is not None and not _holds(found[place], list(values)):
                found[place] = None
    return [None if of is None or _lacks_fields(of) else of for of in found]


def _type_of(values: list[Any]) -> Any:
    """Return the type of an array of `values`, None where they are of several."""
    import pyarrow as pa

    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return None


def _together(one: Any, other: Any) -> Any:
    """Return the type that holds the values of both types, if there is one."""
    import pyarrow as pa

    if one is None or other is None:
        return None
    try:
        both = (pa.schema([("", of)]) for of in (one, other))
        return pa.unify_schemas(list(both), promote_options="permissive").field(0).type
    except pa.ArrowException:
        return None


def _lacks_fields(of: Any) -> bool:
    """Return whether a type holds objects without a field, which Parquet does not store."""
    import pyarrow as pa

    inner = [of.field(place).type for place in range(of.num_fields)]
    return any(map(_lacks_fields, inner)) or (pa.types.is_struct(of) and not inner)


def _holds(of: Any, values: list[Any]) -> bool:
    import pyarrow as pa

    try:
        pa.array(values, type=of)
    except (pa.ArrowException, OverflowError):
        return False
    return True


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _ENCODE(value)
