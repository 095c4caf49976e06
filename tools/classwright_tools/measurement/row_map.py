"""A map of rows that were found, as a picture: near each other where they mean the same, in a colour for each label."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from classwright_tools.charts.png import picture
from classwright_tools.charts.scatter import label_map
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import in_one_name
from classwright_tools.errors import NotEnoughData
from classwright_tools.measurement.judging import doubts_about
from classwright_tools.measurement.selecting import Selected
from classwright_tools.measurement.text_map import LEAST_TEXTS
from classwright_tools.workspace.datasets import read_table

MOST_DRAWN = 1_000
"""More hide each other, and make a picture that is too large for an answer."""
NO_LABEL = "no label"


def picture_of_rows(context: ToolContext, found: Selected, model: str | None) -> str:
    """Return the map of `found` rows, where they lie on that of their dataset, as a PNG in base64.

    Rows of which a classifier that has not seen them, or `model`, finds another label likelier are ringed.

    Raises:
        NotEnoughData: the dataset has too few rows for a map, or none was found.
        NotFound: there is no such model.
    """
    ids = read_table(context.workspace, found.dataset)["id"].to_pylist()
    if len(ids) < LEAST_TEXTS or not len(found):
        raise NotEnoughData(
            f"{counted(len(found), 'row')} of {found.dataset!r}",
            f"a map takes one row, of a dataset with {LEAST_TEXTS} or more",
            "Leave `picture` out.",
        )
    doubts = doubts_about(context, found.dataset, model, mapped=True)
    table = found.table.take(_sample(len(found), context.seed))
    place_of = {id_: place for place, id_ in enumerate(ids)}
    places = np.array([place_of[id_] for id_ in table["id"].to_pylist()])
    column = "labels" if "labels" in table.column_names else "label"
    there = [_named(labels) for labels in table[column].to_pylist()]
    names = [label for label, _ in Counter(there).most_common()]
    labels = np.array([names.index(label) for label in there])
    real = np.isin(table["origin"].to_pylist(), REAL_TEXTS)
    at = doubts.places[places]
    some = f"{len(table):,} of the {len(found):,} rows, chosen at random." if len(table) < len(found) else ""
    chart = label_map(
        at[real].tolist(),
        labels[real].tolist(),
        at[~real].tolist(),
        labels[~real].tolist(),
        names,
        made_are="written",
        ringed=at[doubts.of_kind("disagrees")[places]].tolist(),
        note=some,
    )
    return picture(chart)


def _named(labels: str | list[str] | None) -> str:
    """Return what the colour of a row with a label, or with a list of them, is called."""
    if labels is None:
        return NO_LABEL
    return labels if isinstance(labels, str) else in_one_name(labels)


def _sample(rows: int, seed: int) -> NDArray[np.intp]:
    """Return the places of up to `MOST_DRAWN` of so many rows."""
    chosen = np.random.default_rng(seed).permutation(rows)[:MOST_DRAWN]
    ordered: NDArray[np.intp] = np.sort(chosen)
    return ordered
