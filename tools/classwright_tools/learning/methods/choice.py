"""The choice of a method in a request: its name is checked, and the methods themselves say what each is for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.methods.registry import AUTO, METHODS


def _known(name: str) -> str:
    if name not in (AUTO, *METHODS):
        raise ValueError(f"should be one of {_listed([AUTO, *METHODS])}")
    return name


def _describe(schema: dict[str, Any]) -> None:
    schema["enum"] = [AUTO, *METHODS]
    schema["description"] = " ".join(_sentences())


def _sentences() -> list[str]:
    methods = METHODS.values()
    said = [_told("", [one for one in methods if len(one.kinds) > 1])]
    said += [_told("Texts: ", [one for one in methods if one.kinds == ("text",)])]
    said += [_told("Pairs: ", [one for one in methods if one.kinds == ("pair",)])]
    tried = _listed([one.name for one in methods if one.auto])
    return [*filter(None, said), f"{AUTO!r}: the best by validation of {tried}, of those that fit the task."]


def _told(start: str, methods: list[Method]) -> str:
    return f"{start}{'; '.join(f'{one.name!r}: {one.summary}' for one in methods)}." if methods else ""


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def tell_unable(schema: dict[str, Any]) -> None:
    """Add to the schema of `imbalance` the methods that treat none."""
    unable = [one.name for one in METHODS.values() if one.imbalance == ("none",)]
    schema["description"] += f" Not for {_listed(unable)}."


MethodName = Annotated[str, AfterValidator(_known), Field(json_schema_extra=_describe)]
"""A method in the registry, or "auto"."""
