"""Where rows to import come from: a file or a folder. Each is read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePath
from typing import Any, TypeVar

from classwright_tools.curation.cleaning import as_name
from classwright_tools.domain.example import Split
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.files import file_format, read_file
from classwright_tools.reading.opening import Position
from classwright_tools.reading.parquet import arrow_rows, plain_columns
from classwright_tools.reading.rows import Columns, SourceRow

ARROW_BATCH = 2_000
SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval"),
    "unlabelled": ("unlabelled", "unlabeled", "unsupervised"),
}
_NO_ROWS = ("dataset_info.json", "dataset_infos.json", "card.json", "config.json")


def read_path(path: Path, columns: Columns, split: Split, position: Position) -> Iterator[SourceRow]:
    """Yield the rows of the file or folder `path`; of a folder with several splits those of `split`.

    Raises:
        InvalidInput: its kind is not known, it has no such column, or it cannot be read.
    """
    if path.is_file():
        return read_file(path, columns, position)
    if (path / "dataset_dict.json").is_file():
        path = path / _chosen([p.name for p in path.iterdir() if p.is_dir()], split, f"folder {path.name!r}")
    if (path / "state.json").is_file():
        return _read_saved(path, columns)
    files = _files_of(path, split)
    return chain.from_iterable(read_file(file, columns, position) for file in files)


def _files_of(folder: Path, split: Split) -> list[Path]:
    """Return the data files of `split` in a folder that `datasets.load_dataset` would read, by its naming convention.

    The file's or its folder's name holds the split's name; where no name does, all files are one split.
    """
    subject = f"folder {folder.name!r}"
    files = sorted(file for file in folder.rglob("*") if file.is_file() and is_data(file))
    if not files:
        raise InvalidInput(
            subject,
            "holds no JSONL, CSV or Parquet file and is no saved dataset",
            "Pass a folder that does, or a file.",
        )
    return [folder / name for name in files_of_split([file.relative_to(folder) for file in files], split, subject)]


def is_data(path: PurePath) -> bool:
    """Whether a file of that name holds rows."""
    return bool(file_format(path)) and path.name[0] != "." and path.name not in _NO_ROWS


P = TypeVar("P", bound=PurePath)


def files_of_split(files: list[P], split: Split, subject: str) -> list[P]:
    """Return those of the `files`, named relative to their folder, that hold `split`; all where no name tells a split.

    Raises:
        InvalidInput: they hold several splits, none of which is called `split`.
    """
    by_split = {name: [file for file in files if names_split(file.as_posix(), name)] for name in SPLIT_NAMES}
    there = [name for name, found in by_split.items() if found]
    if not there:
        return files
    return by_split[_chosen(list(there), split, subject)]  # type: ignore[index]  # a key of it


def names_split(path: str, split: Split) -> bool:
    """Whether `path` holds a name of `split` as a word."""
    words = set(path.lower().replace("/", " ").replace("-", " ").replace("_", " ").replace(".", " ").split())
    return bool(words & set(SPLIT_NAMES[split]))


def _chosen(there: list[str], split: Split, subject: str) -> str:
    """Return the split of a source to import as `split`: the one of that name, or the only one."""
    for name in SPLIT_NAMES[split]:
        if name in there:
            return name
    if len(there) == 1:
        return there[0]
    names = ", ".join(as_name(name) for name in sorted(there)[:20]) or "none"
    raise InvalidInput(
        subject,
        f"has no split for {split!r}; it has {names}",
        "Pass the path of the split itself, or name it behind the hub name: 'owner/name@split'.",
    )


def _read_saved(folder: Path, columns: Columns) -> Iterator[SourceRow]:
    """Yield the rows of a folder that `datasets.Dataset.save_to_disk` wrote."""
    import datasets

    subject = f"folder {folder.name!r}"
    damaged = InvalidInput(subject, "cannot be read as a saved dataset", "Save it again with `save_to_disk`.")
    try:
        state = json.loads((folder / "state.json").read_bytes())
        inside = all(Path(str(file["filename"])).name == file["filename"] for file in state["_data_files"])
        saved = datasets.load_from_disk(str(folder)) if inside else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged from error
    if saved is None:
        raise damaged
    yield from _dataset_rows(saved, columns, subject)


def _dataset_rows(dataset: Any, columns: Columns, subject: str) -> Iterator[SourceRow]:
    """Yield the rows of a `datasets.Dataset`."""
    columns = columns.found_in(subject, list(dataset.column_names))
    columns = plain_columns(subject, dataset.features.arrow_schema, columns)
    feature = dataset.features[columns.label] if columns.label else None
    names = list(getattr(feature, "names", None) or [])
    for table in dataset.with_format("arrow").iter(batch_size=ARROW_BATCH):
        for batch in table.to_batches():
            yield from arrow_rows(subject, batch, columns, names)
