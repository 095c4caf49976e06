"""Entry points of the packages that are installed: by them a package brings training methods, or writers."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any


def entry_points_of(group: str) -> EntryPoints:
    """Return the entry points of `group` in every installed package."""
    found: EntryPoints = all_entry_points().select(group=group)
    return found


@cache
def all_entry_points() -> Any:
    """Return those of all groups, by Python 3.11 in another type: a start waits for the reading, so it is done once."""
    return entry_points()
