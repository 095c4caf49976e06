"""A disk that can be filled: some memory, mounted, where the system allows that (root on Linux may)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTES = 1024
"""What a disk holds that has room for jobs. It takes memory only for what is written on it."""


class SmallDisk:
    """A mounted disk, at `at`."""

    def __init__(self, at: Path) -> None:
        self.at = at

    def fill(self) -> None:
        """Leave no room on it: it shrinks to what it holds."""
        stat = os.statvfs(self.at)
        self._remount(f"{(stat.f_blocks - stat.f_bfree) * stat.f_frsize}")

    def make_room(self) -> None:
        """Give it its whole size again."""
        self._remount(f"{MEGABYTES}m")

    def _remount(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.at)], check=True)


@contextmanager
def small_disk(at: Path) -> Iterator[SmallDisk | None]:
    """Mount a disk at `at`; gives None where that is not allowed."""
    at.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(at)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield SmallDisk(at) if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(at)], check=True)
