"""Thresholds of single labels that an export uses by itself, without being asked to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.exports.export import LABELS
from classwright_tools.workspace.workspace import write_json


def bake_thresholds(folder: Path, method: str, thresholds: Mapping[str, float]) -> None:
    """Write the `thresholds` of labels into the export of a `method` in `folder`, for its program to use by default.

    Raises:
        InvalidInput: the export has no such program.
    """
    if not thresholds:
        return
    path = folder / LABELS
    if not path.is_file():
        reason = f"cannot be kept in an export of method {method!r}, which has no predict.py"
        raise InvalidInput("thresholds", reason, "Leave them out.")
    facts = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, facts | {"label_thresholds": dict(thresholds)})


def baked_in_words(thresholds: Mapping[str, float]) -> str:
    """Return the sentence on the `thresholds` of an export; nothing where it has none."""
    if not thresholds:
        return ""
    named = listed((f"{label!r} from {threshold_in_words(one)}" for label, one in thresholds.items()), 10)
    return f"By default predict.py gives {named} on, and only then."
