"""Targets of writing: so many texts for each cell of a topic tree, or for each item of a regeneration plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from classwright_tools.curation.allotment import even_shares, proportional_shares, rows_by_cell
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import WritingKind

ROWS_A_CELL = 2


@dataclass(frozen=True)
class CellTarget:
    """So many texts of one cell, or of one label in the likeness of its neighbour `contrast`."""

    cell: Cell
    rows: int
    contrast: str | None = None
    guidance: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    contrast_style: tuple[str, ...] = ()

    @property
    def kind(self) -> WritingKind:
        """What a writer is asked for."""
        if self.cell.item:
            return "mismatch"
        return "contrast" if self.contrast else "examples"


def shown_as_style(targets: Iterable[CellTarget]) -> tuple[str, ...]:
    """Return the real texts that `targets` show. Queries of an item are not among them: a wrong one is made of them."""
    shown = (text for target in targets if not target.cell.item for text in (*target.style, *target.contrast_style))
    return tuple(dict.fromkeys(shown))


def named_by(label: str, contrast: str | None, task: Task) -> tuple[str, ...]:
    """Return the labels that a cell's `label` names, and the `contrast` if there is one."""
    return (*task.labels_of(label), *((contrast,) if contrast else ()))


def targets_of_tree(cells: Sequence[Cell], rows: int | None) -> tuple[CellTarget, ...]:
    """Return targets that spread `rows` evenly over labels and `cells`; `ROWS_A_CELL` a cell when `rows` is None."""
    cells = tuple(dict.fromkeys(cells))
    wanted = len(cells) * ROWS_A_CELL if rows is None else rows
    return tuple(CellTarget(cell, n) for cell, n in rows_by_cell(wanted, cells).items())


@dataclass(frozen=True)
class ItemWanted:
    """An item to write wrong queries for: the label that they are mistaken for, and queries that have it."""

    item: str
    mistaken_for: str
    queries: tuple[str, ...] = ()


def targets_of_items(
    items: Sequence[ItemWanted], mismatch: str, rows: int | None, guidance: tuple[str, ...]
) -> tuple[CellTarget, ...]:
    """Return targets that spread `rows` pairs of label `mismatch` evenly over `items`; one an item if it is None."""
    wanted = len(items) if rows is None else rows
    shares = even_shares(wanted, len(items))
    return tuple(
        CellTarget(Cell(label=mismatch, item=one.item), share, one.mistaken_for, guidance, style=one.queries)
        for one, share in zip(items, shares, strict=True)
        if share
    )


def targets_of_plan(plan: RegenerationPlan, rows: int | None, cells: Sequence[Cell]) -> tuple[CellTarget, ...]:
    """Return the targets of `plan`, scaled to `rows` in all unless that is None.

    An item that names no cells is spread over its label's `cells`, those of the topic tree, unless it is a contrast.
    """
    counts = [item.count for item in plan.items]
    if rows is not None:
        counts = proportional_shares(rows, counts)
    scaled = zip(plan.items, counts, strict=True)
    return _merged(target for item, count in scaled if count for target in _targets_of_item(item, count, cells))


def _targets_of_item(item: RegenerationItem, count: int, cells: Sequence[Cell]) -> list[CellTarget]:
    of_label = () if item.contrast else tuple(cell for cell in cells if cell.label == item.label)
    places = item.cells or of_label or (Cell(label=item.label),)
    return [
        CellTarget(cell, n, item.contrast, item.guidance, item.style, item.contrast_style)
        for cell, n in rows_by_cell(count, places).items()
    ]


def _merged(targets: Iterable[CellTarget]) -> tuple[CellTarget, ...]:
    """Return `targets` with those of one cell and contrast made one: they would ask a writer the same thing twice."""
    merged: dict[tuple[Cell, str | None], CellTarget] = {}
    for target in targets:
        place = (target.cell, target.contrast)
        known = merged.get(place)
        if known:
            target = replace(
                known,
                rows=known.rows + target.rows,
                guidance=tuple(dict.fromkeys((*known.guidance, *target.guidance))),
                style=tuple(dict.fromkeys((*known.style, *target.style))),
                contrast_style=tuple(dict.fromkeys((*known.contrast_style, *target.contrast_style))),
            )
        merged[place] = target
    return tuple(merged.values())
