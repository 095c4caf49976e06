"""The figures behind the page's pictures: the map's points, the confusion matrix, cells, rounds and agreement."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.label_sets import in_one_name, key_in_words
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.cells import cell_columns
from classwright_tools.review.desk import Desk, Places
from classwright_tools.review.people import people
from classwright_tools.review.standing import Standing
from classwright_tools.statistics.share_interval import wilson

MOST_CELLS = 12
SCALE = 65_535


def points(desk: Desk, standing: Standing, doubts: Doubts, places: Places) -> dict[str, Any]:
    """Return the rows at `places` as points: base64 of little-endian arrays, one value a row.

    `x` and `y` are 0 to 65,535; `label` is a place in `labels`, or one past its end; of `kind` the lowest bit says that
    a row was written, the next one that a classifier disagrees with its label, the next one that it has none. Labels
    are those that persons have given by now, saved or not.
    """
    xy = np.round(doubts.places[places] * SCALE).astype("<u2")
    labels, wrong = desk.label_places.copy(), doubts.of_kind("disagrees").copy()
    number = {name: place for place, name in enumerate(desk.colours)}
    for row in standing.rows:
        said = _labels_said(desk, row, standing) if row in desk.place_of else None
        if said is not None:
            place = desk.place_of[row]
            labels[place] = number.get(in_one_name(said), -1)  # a label that has ended since is none
            wrong[place] = doubts.answered[place] and set(said) != set(doubts.suggested(place))
    label = labels[places]
    origins = desk.table["origin"].to_pylist()
    written = np.array([origins[place] not in REAL_TEXTS for place in places.tolist()], np.uint8)
    kind = written + 2 * wrong[places].astype(np.uint8) + 4 * (label < 0).astype(np.uint8)
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
        "cells": _cells(rows, cell_columns(desk.table)),
        "rounds": _rounds(rows),
        "agreement": agreement(desk, standing, doubts) if doubts else None,
        "people": people(desk.tally(standing).opinions, desk.labels, several=desk.several),
    }


def _confusion(desk: Desk, doubts: Doubts, places: Places) -> dict[str, Any]:
    """Return the rows of each label by the label that was found likeliest, as those cells that have some.

    Where rows may have several labels, these are the rows in which the one was missed and the other added; on the
    diagonal those that have the label and were given it. Two places past the labels are a line and a column each: rows
    that have none of the labels, or are given none; then rows of whose labels none was missed, or to which none was
    added. `of` has how many rows there are of each line, and `errors` for each label in how many it was missed, and to
    how many it was added.
    """
    if desk.several:
        return _confusion_of_sets(desk, doubts, places)
    number = {name: place for place, name in enumerate(desk.names)}
    found = np.array([number.get(name, -1) for name in doubts.labels.tolist()], np.int64)
    asked = places[doubts.answered[places] & (desk.label_places[places] >= 0)]
    pairs = Counter(zip(desk.label_places[asked].tolist(), found[doubts.guesses[asked, 0]].tolist(), strict=True))
    cells = [[true, guess, rows] for (true, guess), rows in sorted(pairs.items())]
    of = np.bincount(desk.label_places[asked], minlength=len(desk.names)).tolist()
    return {"labels": list(desk.names), "cells": cells, "of": of}


def _confusion_of_sets(desk: Desk, doubts: Doubts, places: Places) -> dict[str, Any]:
    number = {name: place for place, name in enumerate(desk.names)}
    pairs: Counter[tuple[int, int]] = Counter()
    none, nothing = len(number), len(number) + 1
    of: Counter[int] = Counter()
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
        lines = missed or [nothing if own else none]
        pairs.update((one, other) for one in lines for other in added or [nothing if given else none])
        of.update([*(number[label] for label in own), *([] if missed and own else lines)])
        missed_in.update(missed)
        added_to.update(added)
    every = missed_in + added_to
    errors = [[label, missed_in[label], added_to[label]] for label, _ in every.most_common()]
    cells = [[true, guess, rows] for (true, guess), rows in sorted(pairs.items())]
    return {
        "labels": list(desk.names),
        "cells": cells,
        "of": [of[line] for line in range(nothing + 1)],
        "rows": asked,
        "right": asked - wrong,
        "errors": errors,
    }


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


def agreement(desk: Desk, standing: Standing, doubts: Doubts) -> dict[str, Any] | None:
    """Return in how many rows that a person labelled the classifier gives the same label, or the same set of labels.

    It is of rows that were decided on the page: rows are edited in the chat where the classifier said so, at times.
    """
    same = labelled = 0
    for row in standing.rows:
        place = desk.place_of.get(row)
        said = None if place is None or not doubts.answered[place] else _labels_said(desk, row, standing)
        if place is not None and said is not None:
            labelled += 1
            same += set(doubts.suggested(place)) == set(said)
    if not labelled:
        return None
    share = wilson(same, labelled)
    return {"rows": labelled, "same": same, "share": share.value, "low": share.low, "high": share.high}


def _labels_said(desk: Desk, row: str, standing: Standing) -> tuple[str, ...] | None:
    """Return the label, or all labels, that a person gave to a row or accepted; None where nobody did."""
    done, own = desk.done(row, standing), desk.own(desk.place_of[row])
    if not done or "remove" in done:
        return None
    entry = done.get("relabel", done.get("accept"))
    if entry is None:
        return own if row in desk.decided or "accept" in done else None
    decision = entry.decision
    if not decision.says_labels:
        return own
    return decision.labels if decision.labels is not None else (decision.label or "",)


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()
