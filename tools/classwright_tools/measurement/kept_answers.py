"""Answers kept beside an evaluation's report, so that no model classifies a row twice."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.example import HELD_OUT
from classwright_tools.measurement.held_out import Answers, Given
from classwright_tools.workspace.own_files import open_own
from classwright_tools.workspace.workspace import Workspace

FILE = "predictions.parquet"
_KEPT = ["id", "probabilities", "out_of_scope"]
_LABELS = b"labels"  # in the schema's metadata


def write_answers(folder: Path, found: Answers, *, with_labels: bool) -> None:
    """Write a row an example: its id, predicted label or labels, and probabilities in the order of the model's labels.

    Whether it is out of scope is there too, where that is told. The file names these labels.

    Its own label is there only `with_labels`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "id": [row.id for row in found.rows],
        "predicted": _named(found, found.predicted),
        "probabilities": found.proba.tolist(),
    }
    if found.foreign is not None:
        columns["out_of_scope"] = found.foreign.tolist()
    if with_labels:
        columns["label"] = _named(found, found.true)
    pq.write_table(pa.table(columns, metadata={_LABELS: _in_file(found.labels)}), folder / FILE)


def _named(found: Answers, given: npt.NDArray[Any]) -> list[Any]:
    """Return the name of each row's label, or a list of those of its labels."""
    if given.ndim > 1:
        return [[found.labels[place] for place in np.flatnonzero(row)] for row in given]
    return [found.labels[place] for place in given]


def _in_file(labels: Sequence[str]) -> bytes:
    """Return the `labels` as a file names them."""
    return json.dumps(list(labels)).encode()


def kept_answers(
    workspace: Workspace, task: str, model: str, ids: Collection[str], labels: Sequence[str]
) -> dict[str, Given]:
    """Return what `model` gave to those rows of `ids` on which it was measured before, by id.

    A file whose labels are not these `labels`, in this order, that does not read back, or that does not say what is
    out of scope, is passed over: the model can be asked again.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = set(ids)
    known: dict[str, Given] = {}
    for report in workspace.artifacts(task, "report"):
        if report.facts.get("about") != "evaluation" or report.facts.get("model") != model:
            continue
        if report.facts.get("split") not in HELD_OUT:
            continue  # answers of a probe, which stood for the model
        if wanted <= known.keys():
            break
        try:
            with open_own(report.path / FILE) as file:
                table = pq.read_table(file, columns=_KEPT)
            if (table.schema.metadata or {}).get(_LABELS) != _in_file(labels):
                continue  # so many others may have been merged
            rows = zip(*(table[name].to_pylist() for name in _KEPT), strict=True)
        except (OSError, KeyError, pa.ArrowException):
            continue
        known |= {row: Given(np.array(proba, np.float64), foreign) for row, proba, foreign in rows if row in wanted}
    return known
