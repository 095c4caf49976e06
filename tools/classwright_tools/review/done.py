"""The deeds on a row: the decisions about it that hold side by side."""

from __future__ import annotations

from collections.abc import Iterable

from classwright_tools.review.decisions import Entry

BESIDE_A_LABEL = ("flag", "good_example", "edit")
"""Actions that say nothing of a row's label; what they did stays where its label is said."""
_LABEL_OR_GONE = ("accept", "relabel", "remove", "fits_none")
_IN_THE_PLACE_OF = {
    "accept": _LABEL_OR_GONE,
    "relabel": _LABEL_OR_GONE,
    "remove": (*_LABEL_OR_GONE, "edit"),
    "edit": ("edit", "remove"),
    "fits_none": _LABEL_OR_GONE,
}


def put_together(before: Iterable[str], entries: Iterable[Entry]) -> dict[str, Entry | None]:
    """Return the actions that hold after those of `before` and the decisions of `entries`, the latest last.

    A label and a removal take the place of each other, and of what was said of them before; all else stays beside them.
    """
    done: dict[str, Entry | None] = dict.fromkeys(before)
    for entry in entries:
        action = entry.decision.action
        for replaced in _IN_THE_PLACE_OF.get(action, (action,)):
            done.pop(replaced, None)
        done[action] = entry
    return done
