"""Entry points of the packages that are installed: by them a package brings training methods, or writers."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoints, entry_points


def entry_points_of(group: str) -> EntryPoints:
    """Return the entry points of `group` in every installed package."""
    return _all().select(group=group)


@cache
def _all() -> EntryPoints:
    """Return those of all groups: to read them, for which a start waits, takes as long as to read one group."""
    return entry_points()
