"""Where rows to import come from: a file, a folder, the hub. Each is read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from classwright_tools.curation.cleaning import as_name
from classwright_tools.domain.example import Split
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.reading.files import file_format, read_file
from classwright_tools.reading.opening import Position
from classwright_tools.reading.parquet import arrow_rows, plain_columns
from classwright_tools.reading.rows import Columns, SourceRow

ARROW_BATCH = 2_000
_SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval"),
    "unlabelled": ("unlabelled", "unlabeled", "unsupervised"),
}
_HUB_FORMATS = ("parquet", "json", "csv", "arrow", "text", "cache")  # the last: loaded before, and kept


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
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file_format(file) and file.name[0] != ".")
    files = [file for file in files if file.name not in ("dataset_info.json", "dataset_infos.json", "card.json")]
    if not files:
        raise InvalidInput(
            subject,
            "holds no JSONL, CSV or Parquet file and is no saved dataset",
            "Pass a folder that does, or a file.",
        )
    by_split = {name: [f for f in files if _named(f.relative_to(folder), name)] for name in _SPLIT_NAMES}
    there = [name for name, found in by_split.items() if found]
    if not there:
        return files
    return by_split[_chosen(list(there), split, subject)]  # type: ignore[index]  # a key of it


def _named(path: Path, split: Split) -> bool:
    words = set(path.as_posix().lower().replace("/", " ").replace("-", " ").replace("_", " ").replace(".", " ").split())
    return bool(words & set(_SPLIT_NAMES[split]))


def _chosen(there: list[str], split: Split, subject: str) -> str:
    """Return the split of a source to import as `split`: the one of that name, or the only one."""
    for name in _SPLIT_NAMES[split]:
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


def read_hub(name: str, columns: Columns, split: Split) -> Iterator[SourceRow]:
    """Yield the rows of the Hugging Face dataset `name`, as 'owner/name', with ':config' and '@split' if need be.

    Raises:
        NotFound: there is no such dataset, or the hub cannot be reached and it is not in the cache.
        InvalidInput: the configuration or the split is missing.
    """
    import datasets

    subject = f"hub dataset {name!r}"
    path, _, wanted = name.partition("@")
    path, _, config = path.partition(":")
    _refuse_local(path, subject)
    try:
        builder = datasets.load_dataset_builder(path, config or None)
        _refuse_other_formats(builder, subject)
        builder.download_and_prepare()
        loaded = builder.as_dataset()
    except (OSError, datasets.exceptions.DatasetNotFoundError) as error:
        raise NotFound(
            subject,
            "is not in the cache, and the hub has no such dataset or cannot be reached",
            "Check the name and the connection (HF_HUB_OFFLINE must not be set), or pass a file or `rows`.",
        ) from error
    except (ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise InvalidInput(
            subject,
            "cannot be loaded as it is named, or only by code of its own",
            "Name its configuration: 'owner/name:config'; a dataset that is a script is not loaded.",
        ) from error
    chosen = wanted if wanted in loaded else _chosen(sorted(loaded), split, subject)
    if wanted and chosen != wanted:
        raise InvalidInput(
            subject, f"has no split {wanted!r}", f"Pass one of {', '.join(map(as_name, sorted(loaded)))}."
        )
    yield from _dataset_rows(loaded[chosen], columns, subject)


def _refuse_local(path: str, subject: str) -> None:
    """Refuse a name that `datasets` would look for on this machine before it asks the hub.

    It takes a folder of that name, seen from where the server runs, for the dataset, and some names for formats.
    """
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    if path in _PACKAGED_DATASETS_MODULES or path.startswith("buckets/") or Path(path).exists():
        raise InvalidInput(
            subject,
            "names a format or a folder on the server, not a dataset of the hub",
            "Pass 'owner/name'; for files, `path` inside an import folder.",
        )


def _refuse_other_formats(builder: Any, subject: str) -> None:
    """Refuse a dataset that is not of tables: archives are not unpacked, and images and sounds hold no texts."""
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in _HUB_FORMATS:
        raise InvalidInput(
            subject,
            f"is of the format {kind!r}, which is not read",
            f"Pass one in {', '.join(_HUB_FORMATS[:-1])}, or rows exported from it.",
        )


def _dataset_rows(dataset: Any, columns: Columns, subject: str) -> Iterator[SourceRow]:
    """Yield the rows of a `datasets.Dataset`."""
    columns = columns.found_in(subject, list(dataset.column_names))
    columns = plain_columns(subject, dataset.features.arrow_schema, columns)
    feature = dataset.features[columns.label] if columns.label else None
    names = list(getattr(feature, "names", None) or [])
    for table in dataset.with_format("arrow").iter(batch_size=ARROW_BATCH):
        for batch in table.to_batches():
            yield from arrow_rows(subject, batch, columns, names)
