"""Garbage collection, left out where a look would see many objects and free few: imports, and a trace of a network."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unsearched() -> Iterator[None]:
    """Look for no garbage meanwhile: for work of seconds that makes many objects, of which each look sees all."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage while modules are imported inside, nor later among what was made by then: it stays.

    Where all of them were imported before, as for a further server of one process, what was made is collected as ever.
    """
    imported = len(sys.modules)
    with unsearched():
        try:
            yield
        finally:
            if len(sys.modules) > imported:
                gc.freeze()
