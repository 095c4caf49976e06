"""The overview of a review: labels, what the dataset holds, and how far the persons have come."""

from __future__ import annotations

from collections import Counter
from typing import Any

from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import NO_LABELS, labels_apart
from classwright_tools.domain.look import Look
from classwright_tools.domain.selection import LabelDoubt
from classwright_tools.domain.task import Task
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.desk import Desk
from classwright_tools.review.standing import Standing
from classwright_tools.statistics.share_interval import wilson


def overview(task: Task, desk: Desk, standing: Standing, doubts: Doubts | None) -> dict[str, Any]:
    """Return what the page shows around the rows; of test rows their number alone."""
    import pyarrow.compute as pc

    rows = desk.table.filter(pc.not_equal(desk.table["split"], "test"))
    return {
        "task": task.slug,
        "kind": task.kind,
        "multi_label": task.multi_label,
        "dataset": desk.dataset,
        "labels": [{"name": label.name, "description": label.description} for label in task.labels],
        "rows": len(desk),
        "splits": _counted(desk.table, "split"),
        "origins": _counted(rows, "origin"),
        "rounds": sorted(number for number in _counted(rows, "round") if number is not None),
        "topics": sorted(name for name in _counted(rows, "topic") if name),
        "source_types": sorted(name for name in _counted(rows, "source_type") if name),
        "label_rows": _by_label(rows),
        "doubts": _doubt_counts(desk, standing, doubts),
        **progress(desk, standing),
    }


def progress(desk: Desk, standing: Standing) -> dict[str, Any]:
    """Return how many rows were decided and how, and how many decisions wait for a version."""
    tally = desk.tally(standing)
    rows, right = tally.judged
    return {
        "decided": tally.decided,
        "waiting": len(standing.waiting),
        "waiting_rows": len(standing.waiting_rows),
        "disputed": len(tally.disputed),
        "sample": {"rows": rows, "right": right, **_interval(wilson(right, rows))} if rows else None,
        "cursor": standing.cursor,
    }


def _interval(share: Estimate) -> dict[str, float]:
    return {"share": share.value, "low": share.low, "high": share.high}


def _doubt_counts(desk: Desk, standing: Standing, doubts: Doubts | None) -> dict[str, int] | None:
    """Return how many rows in doubt nobody has decided on: those that the queue of each kind has."""
    if doubts is None:
        return None
    kinds: tuple[LabelDoubt, ...] = ("disagrees", "suspect")
    return {kind: len(desk.find(Look(state="open", doubt=kind), standing, doubts)) for kind in kinds}


def _by_label(table: Any) -> dict[str, int]:
    """Return the rows of each label; one with several is in the count of each, one with none in that of `NO_LABELS`."""
    rows: Counter[str] = Counter()
    for key, count in _counted(table, "label").items():
        rows.update(dict.fromkeys(labels_apart(key) or [NO_LABELS], count) if key else {})
    return dict(rows)


def _counted(table: Any, column: str) -> dict[Any, int]:
    """Return how often each value of a column is there; splits in their order."""
    import pyarrow.compute as pc

    counts = {one["values"]: one["counts"] for one in pc.value_counts(table[column]).to_pylist()}
    return {split: counts[split] for split in SPLITS if split in counts} if column == "split" else counts
