"""Files of a folder by split, after the naming convention of Hugging Face `datasets`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple, TypeVar

from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import listed
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.files import is_read

SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
    "unlabelled": ("unlabelled", "unlabeled", "unsupervised"),
}
# What is beside the rows and in their format, or a copy of them.
_BESIDE = {
    *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json", "card.json"),
    "edits.jsonl",
}
_COPIES = {"checkpoint", "checkpoints"}
_WORDS = re.compile(r"[-._ 0-9]+")
NAMES_LISTED = 4


class FolderFiles(NamedTuple):
    """The files of a folder that are read, in order, and a sentence that names them and those that are not."""

    files: list[Path]
    remark: str


P = TypeVar("P", bound=PurePath)


def files_of(folder: Path, split: Split) -> FolderFiles:
    """Return the data files of `split` in a folder.

    Raises:
        InvalidInput: there is no such file, or the name of one says `split` and another one.
    """
    subject = f"folder {folder.name!r}"
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    paths = [path for path in paths if is_data(path)]
    if not paths:
        raise InvalidInput(
            subject,
            "holds no JSONL, CSV or Parquet file and is no saved dataset",
            "Pass a folder that does, or a file.",
        )
    taken = files_of_split(paths, split, subject)
    return FolderFiles([folder / path for path in taken], taken_remark(subject, split, taken, paths))


def taken_remark(subject: str, split: Split, taken: Sequence[PurePath], there: Sequence[PurePath]) -> str:
    """Return the sentence on which of the files that are `there` were taken as `split`, and which were not."""
    others = [path for path in there if path not in taken]
    return f"From {subject} as {split}: {_listed(taken)}" + (f"; left aside: {_listed(others)}." if others else ".")


def is_data(path: PurePath) -> bool:
    """Whether a file of that name, relative to its folder, holds rows: no hidden one, and no checkpoint."""
    return is_read(path) and path.name not in _BESIDE and not any(map(_is_left_out, path.parts))


def files_of_split(paths: Sequence[P], split: Split, subject: str) -> list[P]:
    """Return those of the files `paths`, relative to their folder, that hold `split`; all where no name says a split.

    A file's own name decides, else that of the nearest folder that says a split. No file is of two splits.

    Raises:
        InvalidInput: they hold other splits only, or the name of one says `split` and another one.
    """
    splits = {path: splits_of(path) for path in paths}
    for path, named in splits.items():
        if len(named) > 1 and split in named:
            raise InvalidInput(
                subject,
                f"holds {as_name(path.as_posix())}, whose name says {' and '.join(map(repr, named))}",
                "Rename it after one of them, or pass the path of the file itself.",
            )
    there = list(dict.fromkeys(named[0] for named in splits.values() if len(named) == 1))
    chosen = (chosen_split(there, split, subject),) if there else ()
    return [path for path in paths if splits[path] == chosen]


def splits_of(path: PurePath) -> tuple[Split, ...]:
    """Return the splits that the name of a file says, or of the nearest folder that says any; () if none does.

    A file that is named after its rows' lack of labels is of no other split.
    """
    for part in reversed(path.parts):
        words = set(_WORDS.split(part.lower()))
        named = tuple(split for split, names in SPLIT_NAMES.items() if words & set(names))
        if named:
            return ("unlabelled",) if "unlabelled" in named else named
    return ()


def chosen_split(there: Sequence[str], split: Split, subject: str) -> str:
    """Return the split of a source to import as `split`: the one of that name, or the only one.

    Raises:
        InvalidInput: there are others only.
    """
    for name in SPLIT_NAMES[split]:
        if name in there:
            return name
    if len(there) == 1:
        return there[0]
    names = listed(map(as_name, sorted(there)), 20) or "none"
    raise InvalidInput(
        subject,
        f"has no split for {split!r}; it has {names}",
        "Pass the path of the split itself, or name it behind the hub name: 'owner/name@split'.",
    )


def _is_left_out(part: str) -> bool:
    return part.startswith((".", "__")) or bool(_COPIES & set(_WORDS.split(part.lower())))


def _listed(paths: Sequence[PurePath]) -> str:
    """Return the first of some paths, and how many more there are."""
    return listed((as_name(path.as_posix()) for path in paths), NAMES_LISTED)
