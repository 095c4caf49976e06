"""Users of the system that a test is for a while."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be a user without rights, who may look into what `folder` is in; who runs the tests as one is one."""
    if os.geteuid():
        yield
        return
    above = [(path, path.stat().st_mode) for path in (folder, *folder.parents)]
    for path, mode in above:
        path.chmod(stat.S_IMODE(mode) | 0o011)
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in above:
            path.chmod(stat.S_IMODE(mode))
