"""Places in what a JSON Schema describes: what may stand there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Place = tuple[int | str, ...]
"""The names of fields and the numbers of entries that lead there, as pydantic tells the place of an error."""
Schema = Mapping[str, Any]
"""In JSON Schema, with the classes inside under `$defs`."""


def schemas_at(schema: Schema, place: Place) -> list[Schema]:
    """Return what `schema` has at a place: more than one where there is a choice, none where there is no such place."""
    found = _choices(schema, schema)
    for part in place:
        inner = [schema_of for one in found if (schema_of := _inner(one, part)) is not None]
        found = [choice for one in inner for choice in _choices(one, schema)]
    return found


def fields_at(schema: Schema, place: Place) -> list[str]:
    """Return the names of the fields that an object at a place may have."""
    return list(dict.fromkeys(name for one in schemas_at(schema, place) for name in one.get("properties", ())))


def _inner(schema: Schema, part: int | str) -> Schema | None:
    """Return the schema of an entry of a list, or of a field or a key of an object."""
    if isinstance(part, int):
        inner = schema.get("items")
    else:
        inner = schema.get("properties", {}).get(part, schema.get("additionalProperties"))
    return inner if isinstance(inner, Mapping) else None


def _choices(schema: Schema, whole: Schema) -> list[Schema]:
    """Return a schema, or those that it leaves the choice of; some stand under `$defs` of the whole.

    What is said beside a choice, such as examples, is said of each.
    """
    if "$ref" in schema:
        return _choices(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in schema:
        beside = {name: value for name, value in schema.items() if name != "anyOf"}
        return [{**beside, **one} for choice in schema["anyOf"] for one in _choices(choice, whole)]
    return [schema]
