"""The disk quota: whether there is room for one more job or decision, on the disk and in a principal's share of it."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

from classwright_tools.errors import StorageFailed

MIN_FREE_BYTES = 2**29
"""With less than 512 MiB free no job begins: it would fail half-way, and take the index and other jobs along."""

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def check_room(root: Path, most_bytes: float) -> None:
    """Return if the disk of the folder `root` has room, and `root`, a principal's, holds no more than `most_bytes`.

    Raises:
        StorageFailed: it has not, or it does.
    """
    if shutil.disk_usage(root).free < MIN_FREE_BYTES:
        raise StorageFailed(
            "the server's disk",
            f"has less than {size_told(MIN_FREE_BYTES)} free, and no job begins and no decision is stored below that",
            "Free some space on that machine, then call again: nothing was lost.",
        )
    if most_bytes != math.inf and (held := _bytes_in(root)) > most_bytes:
        raise StorageFailed(
            "your workspace",
            f"holds {size_told(held)}, and {size_told(most_bytes)} are allowed",
            "Ask the server's operator to take a task away that is not needed, by "
            f"`classwright remove TASK --principal {root.name}`, or to raise --workspace-gb.",
        )


def room_left(root: Path, most_bytes: float) -> float:
    """Return how many bytes more the folder `root` may hold, by its disk and by `most_bytes`; below 0 if none."""
    free = shutil.disk_usage(root).free - MIN_FREE_BYTES
    return free if most_bytes == math.inf else min(free, most_bytes - _bytes_in(root))


def _bytes_in(root: Path) -> int:
    """Return the size of all files under `root`, one of several names once; those that vanish count nothing."""
    sizes: dict[tuple[int, int], int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                stat = (Path(folder) / name).lstat()
            except FileNotFoundError:
                continue
            sizes[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(sizes.values())


def size_told(count: float) -> str:
    """Return a number of bytes as people read it."""
    unit, name = next((one for one in _UNITS if count >= one[0]), _UNITS[-1])
    return f"{count / unit:.1f} {name}"
