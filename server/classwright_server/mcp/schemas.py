"""The JSON schemas of a tool: what a caller needs to know and no more, since a client's model pays for every word."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

NULL = {"type": "null"}
_PLAIN = (("minLength", 1), ("pattern", r"^[^\x00-\x1f\x7f]+$"))
_OF_NAMES = ("properties", "$defs")
"""Inside these the keys are names, not keywords: a property may itself be called "title"."""
_RULES = ("additionalProperties", "default", "examples", "format", "pattern", "minLength", "maxLength", "minItems",
          "maxItems", "minimum", "maximum", "exclusiveMinimum", "required")  # fmt: skip
"""Of a result; all its fields are always there."""


class _PlainDefaults(GenerateJsonSchema):
    """Pydantic's schemas, but no serializer is made for a default that is JSON already: a server waits for each."""

    def encode_default(self, dft: Any) -> Any:
        """Return the default as JSON."""
        return dft if dft is None or type(dft) in (bool, int, float, str) else super().encode_default(dft)


@cache
def input_schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a tool's arguments without titles, which repeat names, and without empty defaults.

    An argument that is left out has its default; to offer null for the same beside it is to say it twice. Nor does it
    say that a text must not be empty, or that a name holds no control characters: nobody means to send such. Examples
    are for whoever passed something else.
    """
    lean: dict[str, Any] = _each(arguments.model_json_schema(schema_generator=_PlainDefaults), _without_what_is_plain)
    return lean


def output_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a tool's result: the names, types and meanings, without the rules that arguments need."""
    lean: dict[str, Any] = _each(schema, _without_rules)
    return lean


def _each(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return `schema` with every schema in it changed, the inner ones first, and without titles."""
    if isinstance(schema, list):
        return [_each(item, change) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return change(
        {
            key: {name: _each(item, change) for name, item in value.items()}
            if key in _OF_NAMES
            else _each(value, change)
            for key, value in schema.items()
            if key != "title" or not isinstance(value, str)
        }
    )


def _without_empty_default(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` without a default of nothing; what is said outside of a choice with null comes before its own."""
    schema = _without_words_of_class(schema)
    if "default" not in schema or schema["default"] not in (None, "", []):
        return schema
    if schema["default"] is not None:
        return {key: value for key, value in schema.items() if key != "default"}
    outer = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    choices = [choice for choice in schema["anyOf"] if choice != NULL]
    return choices[0] | outer if len(choices) == 1 else {"anyOf": choices} | outer


def _without_what_is_plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` without an empty default, and without what a text must not be in any case."""
    lean = _without_empty_default(schema)
    return {
        key: value
        for key, value in lean.items()
        if (key, value) not in _PLAIN and not (key == "examples" and "pattern" in lean)
    }


def _without_rules(schema: dict[str, Any]) -> dict[str, Any]:
    """Return `schema` with its types alone."""
    schema = _without_words_of_class(schema)
    lean = {key: value for key, value in schema.items() if key not in _RULES or _is_mapping(key, value)}
    if "enum" in lean:  # which tells the type
        lean.pop("type", None)
    return lean


def _without_words_of_class(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a class of ours without its description: its fields say what it is."""
    return {key: value for key, value in schema.items() if key != "description" or "properties" not in schema}


def _is_mapping(key: str, value: Any) -> bool:
    """Whether a keyword says what the values of a mapping are."""
    return key == "additionalProperties" and isinstance(value, dict)
