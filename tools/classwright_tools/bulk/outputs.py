"""The output of a bulk classification: CSV, JSON lines or Parquet, by the ending of its name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from classwright.predict import RowEnds
from classwright_tools.bulk.parquet_output import write_parquet
from classwright_tools.domain.table_form import USUAL, TableForm
from classwright_tools.errors import InvalidInput

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: `json.dumps` makes its encoder anew for every value."""
CSV = ".csv"
Rows = Iterable[list[list[Any]]]
"""The values of rows, part by part; it can be gone through again."""


def check_output(output: Path) -> None:
    """Return if `output` can be written as what its name says.

    Raises:
        InvalidInput: its ending is of no kind that is written, its folder is not there, or pyarrow is missing.
    """
    if output.suffix not in (CSV, *_WRITERS):
        raise InvalidInput(f"output {output.name!r}", "is of no kind that is written", f"End it in {_listed()}.")
    if not output.parent.is_dir():
        raise InvalidInput(f"output {output.name!r}", "is in a folder that does not exist", "Make the folder first.")
    if output.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401  # whether it is there
        except ModuleNotFoundError as error:
            raise InvalidInput(f"output {output.name!r}", "needs pyarrow", "Run `pip install pyarrow`.") from error


def file_column(there: Container[str]) -> str:
    """Return what the column is called that says which file a row is of, beside the columns that are `there`."""
    name = "file"
    while name in there:
        name = f"source_{name}"
    return name


def is_table(output: Path) -> bool:
    """Whether `output` is of text cells, which hold no list."""
    return output.suffix == CSV


def write_output(output: Path, names: Sequence[str], rows: Rows, form: TableForm = USUAL) -> tuple[str, ...]:
    """Write `rows`, whose columns are called `names`, to `output`, which appears whole; CSV is of the `form`.

    Return the names of the columns whose values became text, as a Parquet column is of one type.
    """
    with appearing_whole(output) as staged:
        if not is_table(output):
            return _WRITERS[output.suffix](staged, names, rows)
        _write_csv(staged, names, rows, form)
    return ()


@contextmanager
def appearing_whole(output: Path) -> Iterator[Path]:
    """Give a file to write, which becomes `output` when it is whole."""
    staged = output.with_name(f".{output.name}.staged")
    try:
        yield staged
        staged.replace(output)
    finally:
        staged.unlink(missing_ok=True)


def _write_csv(path: Path, names: Sequence[str], rows: Rows, form: TableForm) -> None:
    with opened_table(path, names, form) as write:
        for part in rows:
            write(part)


@contextmanager
def opened_table(
    path: Path, names: Sequence[str], form: TableForm
) -> Iterator[Callable[[Iterable[Sequence[Any]]], None]]:
    """Open the CSV file `path` of the `form`, whose columns are called `names`, and give what writes rows to it."""
    with path.open("w", encoding="utf-8-sig" if form.marked else "utf-8", newline="") as file:
        writer = csv.writer(RowEnds(file, form.line_end), delimiter=form.delimiter)
        writer.writerow(names)
        yield lambda rows: writer.writerows(
            [value if isinstance(value, str) else csv_cell(value) for value in row] for row in rows
        )


def csv_cell(value: Any) -> str:
    """Return what is no text as a cell: empty for nothing, else as JSON.

    No backslash stands before a quote in it, which readers of CSV may take for an escape.
    """
    if value is None:
        return ""
    return _ENCODE(value).replace("\\\\", "\\u005c").replace('\\"', "\\u0022")


def _write_jsonl(path: Path, names: Sequence[str], rows: Rows) -> tuple[str, ...]:
    with path.open("w", encoding="utf-8") as file:
        for part in rows:
            lines = (_ENCODE(dict(zip(names, row, strict=True))) for row in part)
            file.writelines(f"{line}\n" for line in lines)
    return ()


_WRITERS: Mapping[str, Callable[[Path, Sequence[str], Rows], tuple[str, ...]]] = {
    ".jsonl": _write_jsonl,
    ".parquet": write_parquet,
}


def _listed() -> str:
    *others, last = CSV, *_WRITERS
    return f"{', '.join(others)} or {last}"
