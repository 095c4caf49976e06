"""Rows out of Parquet files and Arrow batches. pyarrow is imported where it is used: the agent runs without it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.errors import InvalidInput
from classwright_tools.reading import opening
from classwright_tools.reading.rows import Columns, SourceRow

PARQUET_BATCH = 2_000
# So many rows are read however few bytes they have.
FREE_ROWS = 1_000_000


def read_parquet(path: Path, columns: Columns) -> Iterator[SourceRow]:
    """Yield the rows of a Parquet file; integers of a `ClassLabel` column become its names.

    Raises:
        InvalidInput: it cannot be read as Parquet, or pyarrow is not installed.
        OSError: it cannot be opened.
    """
    source = f"file {path.name!r}"
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise InvalidInput(
            source,
            "is Parquet, which is read only where pyarrow is installed",
            "Save it as JSONL or CSV, or install 'classwright[server]'.",
        ) from error
    try:
        schema = pq.read_schema(path)
        columns = columns.found_in(source, list(schema.names))
        columns = plain_columns(source, schema, columns)
        names = _class_names(schema.metadata or {}, columns.label)
        # A dictionary stays one: its values are then held once, however many rows repeat them.
        plain = [name for name in columns.read if not pa.types.is_nested(schema.field(name).type)]
        with pq.ParquetFile(path, read_dictionary=plain) as file:
            refuse_endless(source, file.metadata.num_rows, path.stat().st_size)
            _refuse_parquet_bomb(source, file.metadata, columns, path.stat().st_size)
            for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=columns.read):
                yield from arrow_rows(source, batch, columns, names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; what pyarrow says of the bytes has no number
        raise InvalidInput(source, "cannot be read as Parquet", "Check that it was copied whole.") from error


def arrow_rows(source: str, batch: Any, columns: Columns, names: list[str]) -> Iterator[SourceRow]:
    """Yield the rows of an Arrow record batch; `names` are those of the label column's class numbers, if it has any.

    Raises:
        InvalidInput: a column holds dates or times that Python cannot tell.
    """
    values = {}
    for name in columns.read:
        try:
            values[name] = _values(batch.column(name))
        except (OverflowError, ValueError) as error:
            if columns.others == "plain" and name in columns.origin:
                values[name] = [None] * len(batch)  # nobody asked for it
                continue
            raise InvalidInput(
                source,
                f"holds in its column {as_name(name)} dates or times outside the years 1 to 9999, or of no known zone",
                "Pass a column of strings.",
            ) from error
    if columns.label and names:
        values[columns.label] = [_class_name(label, names) for label in values[columns.label]]
    for row in zip(*values.values(), strict=True):
        yield columns.row(dict(zip(values, row, strict=True)))


def _class_name(label: Any, names: list[str]) -> Any:
    """Return the name of the class number `label`, which pandas makes a float where some rows have none; or of several.

    A negative one is how `datasets` says that a row has no label.
    """
    if isinstance(label, list):
        return [_class_name(one, names) for one in label]
    is_number = isinstance(label, int | float) and not isinstance(label, bool) and label == label // 1
    if not is_number or label >= len(names):
        return label
    return names[int(label)] if label >= 0 else None


def plain_columns(source: str, schema: Any, columns: Columns) -> Columns:
    """Return the columns to read of an Arrow `schema`: those of where rows came from are strings or whole numbers.

    Raises:
        InvalidInput: a wanted one is of lists and the like, of which one row can be of any size; or several others
            have one name, by which none can be read.
    """
    import pyarrow as pa

    names = list(schema.names)
    if columns.others != "origin" and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(source, f"has several columns {twice!r}", "Give each a name of its own.")
    for name in columns.names:
        kind = schema.field(name).type
        if columns.several and name == columns.label and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            kind = kind.value_type
        if pa.types.is_nested(kind):
            raise InvalidInput(
                source,
                f"holds in its column {as_name(name)} no strings but {str(kind)[:60]}",
                "Pass a column of strings.",
            )
    if columns.others == "all":
        return columns
    is_taken = _is_plain if columns.others == "origin" else lambda kind: not pa.types.is_nested(kind)
    return replace(columns, origin=tuple(name for name in columns.origin if is_taken(schema.field(name).type)))


def _is_plain(kind: Any) -> bool:
    import pyarrow as pa

    return _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind) or bool(pa.types.is_integer(kind))


def refuse_endless(source: str, rows: int, size: int) -> None:
    """Refuse a source of very many rows that has less than a byte for each: nulls, or one value again and again."""
    if rows > max(FREE_ROWS, size):
        raise InvalidInput(
            source, f"says in {size:,} bytes that it has {rows:,} rows", "Pass its different rows, each of them once."
        )


def _refuse_parquet_bomb(source: str, metadata: Any, columns: Columns, size: int) -> None:
    """Refuse a file one of whose pieces unpacks to more than any honest one; a piece is what is unpacked at a time.

    So is one whose lists have very many values, and of the file's `size` less than a byte for each.
    """
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for piece in map(group.column, range(group.num_columns)):
            most = max(opening.FREE_EXPANSION_BYTES, opening.MAX_EXPANSION * piece.total_compressed_size)
            path = piece.path_in_schema
            is_in_list = columns.several and path.startswith(f"{columns.label}.")  # the rest of it is the writer's
            if (path in columns.read or is_in_list) and piece.total_uncompressed_size > most:
                raise opening.bomb(source)
            if is_in_list and piece.num_values > max(FREE_ROWS, size):
                raise opening.bomb(source)


def _values(column: Any) -> list[Any]:
    """Return the values of an Arrow column.

    Strings, and bytes, which are what some writers make of strings, are decoded so that broken UTF-8 shows as U+FFFD.
    A number of single precision has the digits that a text file would have: 0.1, not 0.10000000149011612.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        longest = pc.max(pc.binary_length(column.dictionary)).as_py() if _is_text(column.dictionary.type) else 0
        if (longest or 0) > 4 * MAX_TEXT_CHARS:  # in bytes; a copy for each row might not fit in memory
            values = _values(column.dictionary)
            return [None if place is None else values[place] for place in column.indices.to_pylist()]
        column = column.dictionary_decode()
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        digits = column.to_numpy(zero_copy_only=False)
        return [None if value is None else float(str(digits[n])) for n, value in enumerate(column.to_pylist())]
    if not _is_text(column.type):
        return list(column.to_pylist())
    raw = pc.cast(column, pa.large_binary()).to_pylist()
    return [None if value is None else value.decode("utf-8", errors="replace") for value in raw]


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    more = (pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return any(is_kind(kind) for is_kind in (*tests, *more))


def _class_names(metadata: Mapping[bytes, bytes], label: str | None) -> list[str]:
    """Return the names of the `ClassLabel` column `label`, or of one of lists of such.

    They are in what `datasets` leaves in a Parquet file's metadata.
    """
    try:
        feature = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"][label]
        feature = feature.get("feature", feature)  # of a list, that of what is in it
        return [str(name) for name in feature["names"]] if feature.get("_type") == "ClassLabel" else []
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []
