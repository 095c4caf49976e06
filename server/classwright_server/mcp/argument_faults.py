"""Faults in the arguments of a call, in the terms of JSON: one for each mistake, at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from classwright_tools.domain.schema_places import Place, Schema, fields_at, schemas_at

MAX_NAME_CHARS = 80
"""Of a field's name, which the caller may have made up."""
SHOWN_FAULTS = 8

_KINDS = {
    "list": "is not a list: write [...], also around a single entry",
    "tuple": "is not a list: write [...], also around a single entry",
    "dict": "is not an object: write {...}",
    "model": "is not an object: write {...}",
    "string": "is not a string",
    "int": "is not a whole number",
    "float": "is not a number",
    "bool": "is not true or false",
}
# The parts of a pydantic location that name a choice of a union, not a place in what was sent.
_CHOICE = re.compile(r"\[|^(?:str|int|float|bool|none)$")


def faults_in(error: ValidationError, arguments: type[BaseModel]) -> list[str]:
    """Return each fault with its place; the values themselves are left out. More than `SHOWN_FAULTS` are counted.

    What the model of the `arguments` takes is named where something else was passed.
    """
    schema = arguments.model_json_schema()
    counted: dict[tuple[str, str], tuple[str, int]] = {}  # by kind of place and words: the first place, and how many
    for place, words in _faults(error.errors(include_url=False, include_input=False), schema):
        kind = re.sub(r"\[\d+\]", "[]", path_of(place)), words
        first, count = counted.get(kind, (path_of(place), 0))
        counted[kind] = first, count + 1
    lines = [
        f"{first}{f' and {count - 1} more like it' if count > 1 else ''}: {words}"
        for (_, words), (first, count) in counted.items()
    ]
    more = len(lines) - SHOWN_FAULTS
    return [*lines[:SHOWN_FAULTS], f"and {more} more"] if more > 0 else lines


def lacks_task(error: ValidationError) -> bool:
    """Whether a call named no task where it has to."""
    return any(fault["type"] == "missing" and fault["loc"] == ("task",) for fault in error.errors())


def path_of(place: Place) -> str:
    """Return a place in the arguments as one writes it: labels[3].name."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:MAX_NAME_CHARS]}"
    return text.lstrip(".") or "the call"


def _faults(problems: Sequence[ErrorDetails], schema: Schema) -> Iterator[tuple[Place, str]]:
    """Yield the place and the words of each mistake: a list of bad entries is not too short as well, and of the choices
    of a union the one counts that came furthest, or all where none did."""
    placed = [(_place_of(problem), problem) for problem in problems]
    by_place: dict[Place, list[str]] = {}
    for place, problem in placed:
        is_deeper = [other for other, _ in placed if len(other) > len(place) and other[: len(place)] == place]
        if not is_deeper:
            words = by_place.setdefault(place, [])
            words += [message] if (message := _words(problem, place, schema)) not in words else []
    for place, words in by_place.items():
        # More than one where none of a union's choices came further: what one may write besides.
        yield place, ", or ".join([words[0], *(other.partition(": ")[2] or other for other in words[1:])])


def _place_of(problem: ErrorDetails) -> Place:
    return tuple(part for part in problem["loc"] if isinstance(part, int) or not _CHOICE.search(part))


def _words(problem: ErrorDetails, place: Place, schema: Schema) -> str:
    """Return what is wrong at a place, in the words of JSON, and what the `schema` takes there instead."""
    kind, context = problem["type"], problem.get("ctx", {})
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is not known: there are {', '.join(fields_at(schema, place[:-1]))}"
        case "too_short" | "too_long":
            bound = "at least" if kind == "too_short" else "at most"
            limit: Any = context.get("min_length", context.get("max_length"))
            return f"has {context.get('actual_length')} entries, {bound} {limit} are allowed"
        case "string_pattern_mismatch":
            example = next((str(one) for there in schemas_at(schema, place) for one in there.get("examples", ())), "")
            return f"does not fit the pattern {context['pattern']}{f', as {example!r} does' if example else ''}"
    if _is_of_kind(kind):
        return _KINDS[kind.split("_")[0]]
    return problem["msg"].removeprefix("Value error, ").replace("Input should be", "has to be")


def _is_of_kind(kind: str) -> bool:
    """Whether an error says that a value is of another kind than is wanted."""
    return kind.endswith(("_type", "_parsing", "_from_float", "_attributes_type")) and kind.split("_")[0] in _KINDS
