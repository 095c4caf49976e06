"""Excerpts: the leading part of a list that an answer shows, counted, with where the whole is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from classwright_tools.domain.noun import Noun, Part

N = TypeVar("N", bound=Noun | str)
F = TypeVar("F", bound=Noun)

ANSWER_BYTES = 9_500
"""Of a structured result as JSON. Some hosts cut answers at 10 kB, in the middle of a word."""
SHORT = 160
"""Characters of a text that a finding quotes."""
_QUOTED = ("text", "examples")


class Excerpts:
    """Takes the excerpts of one answer, which stays under 10 kB: hosts cut longer ones. `parts` counts what is cut."""

    def __init__(self, uri: str) -> None:
        """Take excerpts of what is whole at `uri`."""
        self.parts: dict[str, Part] = {}
        self._uri = uri

    def of(
        self, name: str, items: Sequence[N], max_bytes: int, *, most: int | None = None, least: int = 1
    ) -> tuple[N, ...]:
        """Return for the field `name` the first of `items` whose JSON fits into `max_bytes`, `most` of them.

        The first `least` are returned in any case.
        """
        kept: list[N] = []
        used = 0
        for item in items[:most]:
            used += len((item.model_dump_json() if isinstance(item, Noun) else item).encode())
            if used > max_bytes and len(kept) >= least:
                break
            kept.append(item)
        self.note(name, len(kept), len(items))
        return tuple(kept)

    def quoting(self, name: str, items: Sequence[F], max_bytes: int, examples: int | None = None) -> tuple[F, ...]:
        """Return an excerpt of findings whose texts are cut to `SHORT` characters, with so many `examples` each."""
        kept = self.of(name, [_quoting(item, examples) for item in items], max_bytes)
        for field in _QUOTED:
            self.note(
                f"{name}.{field}, in characters", _characters(kept, field), _characters(items[: len(kept)], field)
            )
        return kept

    def note(self, name: str, shown: int, total: int) -> None:
        """Say of what `name` shows how much there is, if it is more."""
        if shown < total:
            self.parts[name] = Part(shown=shown, total=total, uri=self._uri)


def shortened(text: str, length: int = 200) -> str:
    """Return `text` in at most `length` characters, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def told_below(value: float, least: float) -> str:
    """Return a `value` less than `least` with three digits after the point, or as many as tell the two apart."""
    places = next(places for places in range(3, 18) if round(value, places) < least)
    return f"{value:.{places}f}"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with what it counts: "1 row", "2 rows"; what is not made by an s is given as `many`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def the_first(shown: int) -> str:
    """Return that of several things the first are shown, to follow on "Here"."""
    return "is the first" if shown == 1 else f"are the first {shown}"


def listed(names: Iterable[str], most: int) -> str:
    """Return the first `most` names in one line, and how many more there are."""
    there = list(names)
    more = f" and {len(there) - most:,} more" if len(there) > most else ""
    return ", ".join(there[:most]) + more


def _characters(findings: Sequence[Any], field: str) -> int:
    """Return the length of the texts that `findings` have in a field: one each, or a tuple of them."""
    return sum(len("".join(getattr(finding, field, ()))) for finding in findings)


def _quoting(finding: F, examples: int | None) -> F:
    """Return a finding with its texts cut, and with so many examples."""
    texts: dict[str, Any] = {}
    if hasattr(finding, "text"):
        texts["text"] = shortened(finding.text, SHORT)
    if hasattr(finding, "examples"):
        texts["examples"] = tuple(shortened(text, SHORT) for text in finding.examples[:examples])
    return finding.model_copy(update=texts)
