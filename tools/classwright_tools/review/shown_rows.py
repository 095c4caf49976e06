"""Rows as the review page shows them: small mappings of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.decisions import Entry
from classwright_tools.review.desk import Desk
from classwright_tools.review.standing import Standing

CUT_CHARS = 1_500
"""Of a text in a list; `characters` then tells how many there are."""


def shown_rows(
    desk: Desk,
    places: Sequence[int],
    standing: Standing,
    doubts: Doubts | None,
    *,
    whole: bool = False,
    hidden: bool = False,
) -> list[dict[str, Any]]:
    """Return the rows at `places`, in their order, with the likeliest labels and, if not `hidden`, what was decided."""
    rows = desk.table.take(list(places)).to_pylist() if len(places) else []
    return [
        _without_nothing(
            {
                "place": int(place),
                "id": row["id"],
                **_text("text", row["text"], whole=whole),
                **_text("text_pair", row.get("text_pair"), whole=whole),
                "label": None if desk.several else row["label"],
                "labels": row.get("labels"),
                "split": row["split"],
                "origin": row["origin"],
                "round": row["round"],
                "cell": [name for name in (row["topic"], row["subtopic"], row["source_type"]) if name],
                "contrast": row["contrast"],
                "guesses": guesses(doubts, int(place)),
                "given": int(doubts.given[place]) if doubts and doubts.answered[place] else None,
                "sure": list(doubts.sure(int(place))) if doubts else None,
                "disagrees": bool(doubts is not None and doubts.disagrees[place]) or None,
                "suspect": bool(doubts is not None and doubts.suspect[place]) or None,
                "unfit": row["id"] in desk.unfit or None,
                "stands": None if hidden else stands(desk, standing, row["id"]),
                "heard": None if hidden else standing.cursor,
                "disputed": None if hidden else _differing(desk, standing, row["id"]),
            }
        )
        for place, row in zip(places, rows, strict=True)
    ]


def stands(desk: Desk, standing: Standing, row: str) -> dict[str, Any] | None:
    """Return how a row stands: the last decision, and all that was `done` and holds, each with who did it."""
    done = desk.done(row, standing)
    if not done:
        return None
    shown: dict[str, Any] = {"action": [*done][-1]}
    for entry in filter(None, done.values()):  # the last one tells its id; each tells what it alone says
        shown |= shown_decision(entry, standing)
    people = [(action, entry and standing.person(entry)) for action, entry in done.items()]
    return {**shown, "done": [[action, person] if person else [action] for action, person in people]}


def _differing(desk: Desk, standing: Standing, row: str) -> dict[str, str] | None:
    """Return what each of several persons said of a row about which they differ, in words by their names."""
    said = desk.tally(standing).disputed.get(row)
    return said.told if said else None


def shown_decision(entry: Entry, standing: Standing) -> dict[str, Any]:
    """Return a decision as the page shows it beside a row."""
    decision = entry.decision
    return _without_nothing(
        {
            "id": decision.id,
            "action": decision.action,
            "label": decision.label,
            "labels": None if decision.labels is None else list(decision.labels),
            "text": decision.text,
            "text_pair": decision.text_pair,
            "person": standing.person(entry),
            "version": standing.version(entry),
        }
    )


def guesses(doubts: Doubts | None, place: int) -> list[list[Any]] | None:
    """Return the likeliest labels of a row with their probabilities, best first; None without an answer."""
    if doubts is None or not doubts.answered[place]:
        return None
    names, chances = doubts.labels[doubts.guesses[place]], doubts.chances[place].astype(float).round(3)
    return [[name, chance] for name, chance in zip(names.tolist(), chances.tolist(), strict=True)]


def _text(name: str, text: str | None, *, whole: bool) -> dict[str, Any]:
    if text is None or whole or len(text) <= CUT_CHARS:
        return {name: text}
    return {name: text[:CUT_CHARS], f"{name}_characters": len(text)}


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and (value != [] or name == "labels")}
