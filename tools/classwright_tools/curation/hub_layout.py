"""The layout of a hub dataset: the configuration and the split that the names of its files tell.

A README is not asked: it may call any address a file of the dataset. The layouts are those that the hub itself writes:
`data/train-00000-of-00001.parquet`, and a folder for each configuration where there are several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import listed
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.folders import files_of_split, is_data, splits_of

_TOGETHER = "data"  # the folder of the only configuration
_SHARD = re.compile(r"-\d{5}-of-\d{5}\b.*")


def files_of(names: Sequence[str], config: str | None, wanted: str | None, split: Split, subject: str) -> list[str]:
    """Return those of `names` that hold the split `wanted`, or else the one to import as `split`, of `config`.

    Raises:
        InvalidInput: the names do not tell which they are.
    """
    there = [path for name in names if is_data(path := PurePosixPath(name))]
    if not there:
        raise InvalidInput(
            subject,
            "has no JSONL, CSV or Parquet file, and no script or archive is opened",
            "Choose another, or download it, convert it and pass the files as `path`.",
        )
    of_config = _of_config(there, config, subject)
    chosen = _of_wanted(of_config, wanted, subject) if wanted else files_of_split(of_config, split, subject)
    stems = {path.name[: found.start()] for path in chosen if (found := _SHARD.search(path.name))}
    if len(stems) > 1:
        raise InvalidInput(
            subject, f"has several splits for {split!r}: {_some(stems)}", "Name one of them: 'owner/name@split'."
        )
    return [path.as_posix() for path in chosen]


def _of_config(paths: list[PurePosixPath], config: str | None, subject: str) -> list[PurePosixPath]:
    """Return the files of a configuration; with None of the only one."""
    groups: dict[str, list[PurePosixPath]] = {}
    for path in paths:
        groups.setdefault(_config_of(path), []).append(path)
    if config is None and (len(groups) == 1 or "" in groups):
        return groups.get("") or next(iter(groups.values()))
    if config in groups and config:
        return groups[config]
    if config == "default" and "" in groups:
        return groups[""]
    names = _some(set(groups) - {""}) or "none"
    reason = f"has no folder of a configuration {config!r}" if config else "has several configurations"
    raise InvalidInput(
        subject,
        f"{reason}; its folders of data are {names}",
        "Name one as 'owner/name:folder', or download the files that you want and pass them as `path`.",
    )


def _config_of(path: PurePosixPath) -> str:
    """Return the folder of a file's configuration; none where the folders are those of splits or of all data."""
    folders = [part for part in path.parts[:-1] if part != _TOGETHER]
    return folders[0] if folders and not splits_of(PurePosixPath(folders[0])) else ""


def _of_wanted(paths: list[PurePosixPath], wanted: str, subject: str) -> list[PurePosixPath]:
    """Return the files of the split that is called `wanted`."""
    for chosen in (
        [path for path in paths if _stem(path) == wanted],
        [path for path in paths if wanted in path.parts[:-1]],
    ):
        if chosen:
            return chosen
    raise InvalidInput(subject, f"has no split {wanted!r}", f"Pass one of {_some({_stem(path) for path in paths})}.")


def _stem(path: PurePosixPath) -> str:
    """Return the name of a file without its ending and its number among several."""
    return _SHARD.sub("", path.name).partition(".")[0]


def _some(names: set[str]) -> str:
    return listed(map(as_name, sorted(names)), 20)
