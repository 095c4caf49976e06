"""Files that two artifacts have alike, stored once: artifacts never change, so one file serves both."""

from __future__ import annotations

import contextlib
import filecmp
from pathlib import Path

LEAST_BYTES = 2**20
"""Smaller files are not worth a look."""


def share_files(folder: Path, other: Path) -> None:
    """Let large files in `folder` that are the same as one in the artifact's folder `other` be that one.

    Where the file system has no hard links, they stay copies.
    """
    there = [path for path in _files(other) if path.stat().st_size >= LEAST_BYTES]
    for path in _files(folder):
        for same in there:
            if path.stat().st_size == same.stat().st_size and filecmp.cmp(path, same, shallow=False):
                linked = path.with_name(f"{path.name}.linked")
                with contextlib.suppress(OSError):
                    linked.hardlink_to(same)
                    linked.replace(path)
                break


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
