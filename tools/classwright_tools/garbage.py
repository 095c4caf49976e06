"""Garbage collection while a process imports what it works with: it costs a quarter of a start, and finds nothing."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage while modules are imported inside, nor later among what was made by then: it stays.

    Where all of them were imported before, as for a further server of one process, what was made is collected as ever.
    """
    imported = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > imported:
            gc.freeze()
        gc.enable()
