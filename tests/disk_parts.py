"""A disk that can be filled: some memory, mounted, where the system allows that (root on Linux may)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[bool]:
    """Mount a disk of so many megabytes at `at`; gives False where that is not allowed."""
    at.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(at)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(folder: Path) -> Path:
    """Take all that is left of the disk of `folder`, and return the file whose end gives it back."""
    ballast = folder / "ballast"
    stat = os.statvfs(folder)
    with ballast.open("wb") as file:
        file.write(b"\0" * (stat.f_bavail * stat.f_frsize))
    return ballast
