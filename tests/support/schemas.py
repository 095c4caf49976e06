"""JSON schemas of tools, read by tests."""

from __future__ import annotations

import re
from typing import Any

SAMPLES = ("en", "b1", "a" * 16, *(f"task-{letter}1" for letter in "dmrtpaxgn"))
"""A text, a name and a language; a batch; a row; the id of an artifact of each kind."""


def sample(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    """The least value that fits a schema."""
    if "$ref" in schema:
        return sample(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "array":
            return [sample(schema["items"], defs)] * schema.get("minItems", 0)
        case "object":
            return {name: sample(schema["properties"][name], defs) for name in schema.get("required", ())}
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return next(text for text in SAMPLES if re.search(schema.get("pattern", ""), text))
