"""Tables of the fields of JSON schemas, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def table(heading: str, schema: dict[str, Any], left_out: Sequence[str] = ()) -> Iterator[str]:
    """Yield the table of a class's fields but those `left_out`, and below it those of the classes inside."""
    required, classes = schema.get("required", ()), schema.get("$defs", {})
    yield f"| {heading} | type | meaning |\n|---|---|---|"
    for name, field in schema.get("properties", {}).items():
        if name not in left_out:
            marked = f"**{name}**" if name in required else f"`{name}`"
            yield f"| {marked} | {_type(field)} | {_meaning(field)} |"
    yield ""
    for name, inner in classes.items():
        yield from table(name, inner)


def _type(field: dict[str, Any]) -> str:
    """Return the type of a field in words, with its bounds."""
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(choice) for choice in field["anyOf"]))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array":
        return f"list{_bounds(field)}" + (f" of {_type(field['items'])}" if "items" in field else "")
    return words + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    """Return how large a number, how long a list, or of how many characters a text may be."""
    least = next((field[name] for name in ("minimum", "exclusiveMinimum", "minItems") if name in field), None)
    most = next((field[name] for name in ("maximum", "maxLength", "maxItems") if name in field), None)
    if most is None:
        return ""
    unit = " characters" if "maxLength" in field else ""
    return f" ({least:,} to {most:,}{unit})" if least is not None else f" (at most {most:,}{unit})"


def _meaning(field: dict[str, Any]) -> str:
    """Return what a field means, and its default if that says anything."""
    words = field.get("description", "").replace("|", "\\|")
    told = field.get("default")
    default = "" if told in (None, "", []) or isinstance(told, dict) else f" Default: `{told}`."
    return f"{words}{default}".strip()
