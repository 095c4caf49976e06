"""The kinds of writers that an operator may choose from: those that are shipped, and those of installed packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from classwright_tools.errors import InvalidInput
from classwright_tools.installed import entry_points_of
from classwright_tools.writing.backends.settings import WriterSettings

GROUP = "classwright.writers"
"""Of the entry points by which a package brings a writer: each names a subclass of `WriterSettings`."""
_SHIPPED = {
    "endpoint": "endpoint_settings:EndpointSettings",
    "local": "local_settings:LocalSettings",
    "recorded": "recorded:RecordedSettings",
    "scripted": "scripted:ScriptedSettings",
}


@cache
def writer_kinds() -> dict[str, type[WriterSettings]]:
    """Return the settings of every kind of writer, by the kind's name.

    Raises:
        InvalidInput: a package brings one that cannot be loaded, or that has the name of another.
    """
    shipped = [EntryPoint(name, f"{__package__}.{place}", GROUP) for name, place in _SHIPPED.items()]
    kinds: dict[str, type[WriterSettings]] = {}
    for entry in (*shipped, *entry_points_of(GROUP)):
        kind = _loaded(entry)
        if entry.name in kinds:
            raise _unusable(entry, "has the name of another writer")
        kinds[entry.name] = kind
    return kinds


def _loaded(entry: EntryPoint) -> type[WriterSettings]:
    try:
        found = entry.load()
    except Exception as error:  # whatever a stranger's module raises
        raise _unusable(entry, f"cannot be loaded ({type(error).__name__}: {error})") from error
    if not (isinstance(found, type) and issubclass(found, WriterSettings) and found.flags()):
        raise _unusable(entry, "is no subclass of WriterSettings with a flag")
    if found.model_fields["kind"].default != entry.name:
        raise _unusable(entry, f"does not have this name as the default of its field `kind`, but {found.__name__}'s")
    return found


def _unusable(entry: EntryPoint, reason: str) -> InvalidInput:
    return InvalidInput(f"writer {entry.name!r} ({entry.value})", reason, "Correct or uninstall its package.")


def _of_its_kind(settings: Any) -> Any:
    """Return what was dumped as the settings of the kind that it names."""
    if not isinstance(settings, dict):
        return settings
    return writer_kinds()[settings["kind"]].model_validate(settings)


AnyWriterSettings = Annotated[SerializeAsAny[WriterSettings], BeforeValidator(_of_its_kind)]
"""Settings of any kind of writer, in a model that goes to another process as JSON."""
