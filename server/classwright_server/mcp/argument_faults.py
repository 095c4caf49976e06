"""Faults in the arguments of a call, in the terms of JSON: one for each mistake, at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

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

Place = tuple[int | str, ...]


def faults_in(error: ValidationError, taken: Sequence[str]) -> list[str]:
    """Return each fault with its place; the values themselves are left out. More than `SHOWN_FAULTS` are counted.

    The arguments that the tool has `taken` are named where another was passed.
    """
    counted: dict[tuple[str, str], tuple[str, int]] = {}  # by kind of place and words: the first place, and how many
    for place, words in _faults(error.errors(include_url=False, include_input=False), taken):
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


def _faults(problems: Sequence[ErrorDetails], taken: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Yield the place and the words of each mistake: a list of bad entries is not too short as well, and of the choices
    of a union the one counts that came furthest, or all where none did."""
    placed = [(_place_of(problem), problem) for problem in problems]
    by_place: dict[Place, list[str]] = {}
    for place, problem in placed:
        is_deeper = [other for other, _ in placed if len(other) > len(place) and other[: len(place)] == place]
        if not is_deeper:
            words = by_place.setdefault(place, [])
            words += [message] if (message := _words(problem, taken if len(place) == 1 else ())) not in words else []
    for place, words in by_place.items():
        yield place, " and ".join(words)


def _place_of(problem: ErrorDetails) -> Place:
    return tuple(part for part in problem["loc"] if isinstance(part, int) or not _CHOICE.search(part))


def _words(problem: ErrorDetails, taken: Sequence[str]) -> str:
    """Return what is wrong, in the words of JSON; an unknown argument stands among those that are `taken`."""
    kind, context = problem["type"], problem.get("ctx", {})
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is not known: there are {', '.join(taken)}" if taken else "is not known: see the tool's arguments"
        case "too_short" | "too_long":
            bound = "at least" if kind == "too_short" else "at most"
            limit: Any = context.get("min_length", context.get("max_length"))
            return f"has {context.get('actual_length')} entries, {bound} {limit} are allowed"
        case "string_pattern_mismatch":
            return f"does not fit the pattern {context['pattern']}"
    return _KINDS.get(kind.split("_")[0], "") if _is_of_kind(kind) else problem["msg"].removeprefix("Value error, ")


def _is_of_kind(kind: str) -> bool:
    """Whether an error says that a value is of another kind than is wanted."""
    return kind.endswith(("_type", "_parsing", "_from_float", "_attributes_type")) and kind.split("_")[0] in _KINDS
