"""Entry points of the packages that are installed: by them a package brings training methods, or writers.

What one brings and cannot be used is kept as an error that names it, so that only who needs it meets it: a command
that needs no method and no writer runs all the same.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

from classwright_tools.errors import InvalidInput

_METHODS, _WRITERS = "classwright.methods", "classwright.writers"
GROUPS = {_METHODS: "method", _WRITERS: "writer"}
"""The groups that are read, each with what an entry of it brings."""


def entry_points_of(group: str) -> EntryPoints:
    """Return the entry points of `group` in every installed package."""
    found: EntryPoints = all_entry_points().select(group=group)
    return found


def loaded(entry: EntryPoint) -> Any:
    """Return what `entry` names.

    Raises:
        InvalidInput: its module or its name is not there, or its code raises.
    """
    try:
        return entry.load()
    except Exception as error:  # whatever their code raises
        raise unusable(entry, f"cannot be loaded ({type(error).__name__}: {error})") from error


def unusable(entry: EntryPoint, reason: str) -> InvalidInput:
    """Return the error that says for what `reason` what `entry` brings cannot be used."""
    subject = f"{GROUPS[entry.group]} {entry.name!r} ({entry.value})"
    return InvalidInput(subject, reason, "Correct its package, or uninstall it.")


@cache
def all_entry_points() -> Any:
    """Return those of all groups, by Python 3.11 in another type: a start waits for the reading, so it is done once."""
    return entry_points()
