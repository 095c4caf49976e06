"""The figures behind the page's pictures: the map's points, the confusion matrix, cells, rounds and agreement."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.label_sets import key_in_words
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.desk import Desk, Places
from classwright_tools.review.people import people
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
        "labels": list(desk.colours),
        "place": _base64(places.astype("<u4")),
        "x": _base64(xy[:, 0]),
        "y": _base64(xy[:, 1]),
        "label": _base64(np.where(label < 0, len(desk.colours), label).astype("<u2")),
        "kind": _base64(kind.astype("<u1")),
    }


def insights(desk: Desk, standing: Standing, doubts: Doubts | None, places: Places) -> dict[str, Any]:
    """Return the figures over the rows at `places`."""
    rows = desk.table.take(places)
    return {
        "confusion": _confusion(desk, doubts, places) if doubts else None,
        "cells": _cells(rows, desk.cell_columns),
        "rounds": _rounds(rows),
        "agreement": _agreement(desk, standing, doubts) if doubts else None,
        "people": people(desk.opinions(standing), desk.labels, several=desk.several),
    }


def _confusion(desk: Desk, doubts: Doubts, places: Places) -> dict[str, Any]:
    """Return the rows of each label by the label that was found likeliest, as those cells that have some.

    Where rows may have several labels, these are the rows in which the one was missed and the other added; on the
    diagonal those that have the label and were given it. `errors` has for each label in how many rows it was missed,
    and to how many it was added.
    """
    if desk.several:
        return _confusion_of_sets(desk, doubts, places)
    number = {name: place for place, name in enumerate(desk.names)}
    found = np.array([number.get(name, -1) for name in doubts.labels.tolist()], np.int64)
    asked = places[doubts.answered[places] & (desk.label_places[places] >= 0)]
    pairs = Counter(zip(desk.label_places[asked].tolist(), found[doubts.guesses[asked, 0]].tolist(), strict=True))
    return {"labels": list(desk.names), "cells": [[true, guess, rows] for (true, guess), rows in sorted(pairs.items())]}


def _confusion_of_sets(desk: Desk, doubts: Doubts, places: Places) -> dict[str, Any]:
    number = {name: place for place, name in enumerate(desk.names)}
    pairs: Counter[tuple[int, int]] = Counter()
    missed_in: Counter[int] = Counter()
    added_to: Counter[int] = Counter()
    asked = wrong = 0
    for place in places[doubts.answered[places]].tolist():
        own, given = desk.own(place), doubts.suggested(place)
        if own is None:
            continue
        asked, wrong = asked + 1, wrong + bool(doubts.disagrees[place])
        pairs.update((number[label], number[label]) for label in own if label in given)
        missed = [number[label] for label in own if label not in given]
        added = [number[label] for label in given if label not in own]
        pairs.update((one, other) for one in missed for other in added)
        missed_in.update(missed)
        added_to.update(added)
    every = missed_in + added_to
    errors = [[label, missed_in[label], added_to[label]] for label, _ in every.most_common()]
    cells = [[true, guess, rows] for (true, guess), rows in sorted(pairs.items())]
    return {"labels": list(desk.names), "cells": cells, "rows": asked, "right": asked - wrong, "errors": errors}


def _cells(rows: Any, columns: Sequence[str]) -> dict[str, Any]:
    """Return how many cells have rows, and those with the fewest."""
    names = ("label", "topic", "subtopic", "source_type")
    counts = Counter(zip(*(rows[name].to_pylist() for name in columns), strict=True))
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
        (number, key_in_words(label))
        for number, label, origin in zip(
            *(rows[name].to_pylist() for name in ("round", "label", "origin")), strict=True
        )
        if number is not None and label and origin == "written"
    )
    rounds: dict[int, dict[str, int]] = {}
    for (number, label), count in sorted(written.items()):
        rounds.setdefault(number, {})[label] = count
    return [{"round": number, "labels": labels} for number, labels in rounds.items()]


def _agreement(desk: Desk, standing: Standing, doubts: Doubts) -> dict[str, Any] | None:
    """Return in how many rows that a person labelled the classifier gives the same label, or the same set of labels."""
    same = labelled = 0
    for row, said in _labelled(desk, standing):
        place = desk.place_of[row]
        if doubts.answered[place]:
            labelled += 1
            same += set(doubts.suggested(place)) == set(said)
    if not labelled:
        return None
    share = wilson(same, labelled)
    return {"rows": labelled, "same": same, "share": share.value, "low": share.low, "high": share.high}


def _labelled(desk: Desk, standing: Standing) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the rows whose label, or labels, a person gave or accepted, here or in the chat, and these."""
    for row, action in desk.actions(standing).items():
        own, entry = desk.own(desk.place_of[row]), desk.entry(row, standing)
        if entry and action in ("accept", "relabel"):
            decision = entry.decision
            said = decision.labels if desk.several else tuple(filter(None, [decision.label]))
            yield row, (said if decision.says_labels else own) or ()
        elif own is not None and row in desk.decided and action != "remove":
            yield row, own


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()
