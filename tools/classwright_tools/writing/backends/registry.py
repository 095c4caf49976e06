"""The kinds of writers that an operator may choose from: those that are shipped, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from classwright_tools.errors import InvalidInput
from classwright_tools.installed import entry_points_of, loaded, unusable
from classwright_tools.writing.backends.settings import WriterSettings

GROUP = "classwright.writers"
"""Of the entry points by which a package brings a writer: each names a subclass of `WriterSettings`."""
_OWN = "writer_"
"""How the names of their flags begin, so that none is that of a setting of the server."""
_SHIPPED = {
    "endpoint": "endpoint_settings:EndpointSettings",
    "local": "local_settings:LocalSettings",
    "recorded": "recorded:RecordedSettings",
    "scripted": "scripted:ScriptedSettings",
}


def writer_kinds() -> dict[str, type[WriterSettings]]:
    """Return the settings of every kind of writer that can be used, by the kind's name."""
    return found_kinds()[0]


@cache
def found_kinds() -> tuple[dict[str, type[WriterSettings]], tuple[InvalidInput, ...]]:
    """Return what `writer_kinds` does, and why each other one that a package brings cannot be used."""
    kinds: dict[str, type[WriterSettings]] = {}
    faults: list[InvalidInput] = []
    for name, place in _SHIPPED.items():
        kinds[name] = EntryPoint(name, f"{__package__}.{place}", GROUP).load()
    for entry in entry_points_of(GROUP):
        try:
            kinds[entry.name] = _brought(entry, kinds)
        except InvalidInput as error:
            faults.append(error)
    return kinds, tuple(faults)


def _brought(entry: EntryPoint, others: Mapping[str, type[WriterSettings]]) -> type[WriterSettings]:
    """Return the settings that `entry` of another package names, beside the `others`.

    Raises:
        InvalidInput: they cannot be loaded, or are none, or have a name or a flag of the others.
    """
    found = loaded(entry)
    if not (isinstance(found, type) and issubclass(found, WriterSettings) and found.flags()):
        raise unusable(entry, "is no subclass of WriterSettings with a flag")
    if entry.name in others:
        raise unusable(entry, "has the name of another writer")
    named = found.model_fields["kind"].default
    if named != entry.name:
        raise unusable(entry, f"has {named!r} as its `kind`, which must be the name of its entry point too")
    taken = {flag.name: flag for kind in others.values() for flag in kind.flags().values()}
    for flag in found.flags().values():
        if not flag.name.startswith(_OWN):
            raise unusable(entry, f"has the flag {flag.option}, and those of a writer begin with --writer-")
        if taken.get(flag.name, flag) != flag:
            raise unusable(entry, f"has the flag {flag.option} of another writer")
    return found


def _of_its_kind(settings: Any) -> Any:
    """Return what was dumped as the settings of the kind that it names."""
    if not isinstance(settings, dict):
        return settings
    return writer_kinds()[settings["kind"]].model_validate(settings)


AnyWriterSettings = Annotated[SerializeAsAny[WriterSettings], BeforeValidator(_of_its_kind)]
"""Settings of any kind of writer, in a model that goes to another process as JSON."""
