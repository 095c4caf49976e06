"""The figures behind the page's pictures: the map's points, the confusion matrix, cells, rounds and agreement."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.desk import Desk, Places
from classwright_tools.review.standing import Standing
from classwright_tools.statistics.share_interval import wilson

MOST_CELLS = 12
SCALE = 65_535


def points(desk: Desk, doubts: Doubts, places: Places) -> dict[str, Any]:
    """Return the rows at `places` as points: base64 of little-endian arrays, one value a row.

    `x` and `y` are 0 to 65,535; `label` is a place in `labels`, or one past its end; of `kind` the lowest bit says that
    a row was written, the next one that a classifier disagrees with its label, the next one that it has none.
    """
    xy = np.round(doubts.places[places] * SCALE).astype("<u2")
    label = desk.label_places[places]
    origins = desk.table["origin"].to_pylist()
    written = np.array([origins[place] not in REAL_TEXTS for place in places.tolist()], np.uint8)
    wrong = doubts.of_kind("disagrees")[places]
    kind = written + 2 * wrong.astype(np.uint8) + 4 * (label < 0).astype(np.uint8)
    return {
        "labels": list(desk.names),
        "place": _base64(places.astype("<u4")),
        "x": _base64(xy[:, 0]),
        "y": _base64(xy[:, 1]),
        "label": _base64(np.where(label < 0, len(desk.names), label).astype("<u2")),
        "kind": _base64(kind.astype("<u1")),
    }


def insights(desk: Desk, standing: Standing, doubts: Doubts | None, places: Places) -> dict[str, Any]:
    """Return the figures over the rows at `places`."""
    rows = desk.table.take(places)
    return {
        "confusion": _confusion(desk, doubts, places) if doubts else None,
        "cells": _cells(rows),
        "rounds": _rounds(rows),
        "agreement": _agreement(desk, standing, doubts) if doubts else None,
    }


def _confusion(desk: Desk, doubts: Doubts, places: Places) -> dict[str, Any]:
    """Return the rows of each label by the label that was found likeliest, as those cells that have some."""
    number = {name: place for place, name in enumerate(desk.names)}
    found = np.array([number.get(name, -1) for name in doubts.labels.tolist()], np.int64)
    asked = places[doubts.answered[places] & (desk.label_places[places] >= 0)]
    pairs = Counter(zip(desk.label_places[asked].tolist(), found[doubts.guesses[asked, 0]].tolist(), strict=True))
    return {"labels": list(desk.names), "cells": [[true, guess, rows] for (true, guess), rows in sorted(pairs.items())]}


def _cells(rows: Any) -> dict[str, Any]:
    """Return how many cells have rows, and those with the fewest."""
    names = ("label", "topic", "subtopic", "source_type")
    counts = Counter(zip(*(rows[name].to_pylist() for name in names), strict=True))
    cells = [(cell, count) for cell, count in counts.items() if cell[1] is not None]
    cells.sort(key=lambda one: (one[1], one[0][0] or ""))
    fewest = [
        {**{name: value for name, value in zip(names, cell, strict=True) if value}, "rows": count}
        for cell, count in cells[:MOST_CELLS]
    ]
    return {"total": len(cells), "fewest": fewest}


def _rounds(rows: Any) -> list[dict[str, Any]]:
    """Return how many rows of each label every round wrote."""
    written = Counter(
        (number, label)
        for number, label, origin in zip(
            *(rows[name].to_pylist() for name in ("round", "label", "origin")), strict=True
        )
        if number is not None and origin == "written"
    )
    rounds: dict[int, dict[str, int]] = {}
    for (number, label), count in sorted(written.items()):
        rounds.setdefault(number, {})[label] = count
    return [{"round": number, "labels": labels} for number, labels in rounds.items()]


def _agreement(desk: Desk, standing: Standing, doubts: Doubts) -> dict[str, Any] | None:
    """Return in how many rows that a person labelled the classifier finds the person's label likeliest."""
    same = labelled = 0
    for row, entry in standing.rows.items():
        place = desk.place_of.get(row)
        if place is None or entry.decision.action not in ("accept", "relabel") or not doubts.answered[place]:
            continue
        label = entry.decision.label or desk.table["label"][place].as_py()
        labelled += 1
        same += int(doubts.labels[doubts.guesses[place, 0]] == label)
    if not labelled:
        return None
    share = wilson(same, labelled)
    return {"rows": labelled, "same": same, "share": share.value, "low": share.low, "high": share.high}


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()
