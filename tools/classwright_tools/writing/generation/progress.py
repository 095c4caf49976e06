"""Quotas while they are being filled: what was accepted, what was refused, and what may still be asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from classwright_tools.domain.example import Example
from classwright_tools.domain.outcome import Shortfall
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.writing.generation.targets import CellTarget


@dataclass
class CellProgress:
    """A target while it is being filled."""

    target: CellTarget
    seen: list[str]
    accepted: dict[str, Example] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    reasks: int = 0
    failure: str = ""

    @property
    def short(self) -> int:
        """The number of rows still missing of the target."""
        return max(0, self.target.rows - len(self.accepted))

    def reason(self, *, used_up: bool) -> str:
        """Return why rows are missing, of a pool whose candidates are `used_up` or not."""
        causes = ", ".join(f"{reason} {n}" for reason, n in self.refused.most_common())
        asked = f"the writer was asked {self.reasks + 1} times" if self.reasks else "the writer was asked once"
        end = "the candidates are used up" if used_up else asked
        end = self.failure or (end if causes else "the writer gave fewer texts than asked")
        return f"{end} (refused before: {causes})" if causes else end


@dataclass
class LabelPool:
    """The cells whose rows may stand in for each other: the cells of one label, or one contrast by itself."""

    cells: list[CellProgress]
    wanted: int
    candidates_left: int
    accepted: int = 0
    helping_rounds: int = 0

    @property
    def short(self) -> int:
        """The number of rows still missing, whichever cell they come from."""
        return self.wanted - self.accepted

    def copy(self) -> LabelPool:
        """Return the same, of which rows are dropped by themselves."""
        cells = [replace(cell, accepted=dict(cell.accepted), refused=Counter(cell.refused)) for cell in self.cells]
        return replace(self, cells=cells)

    def granted(self, wanted: int) -> int:
        """Take up to `wanted` from the candidates that may still be asked for, and return how many."""
        granted = min(wanted, self.candidates_left)
        self.candidates_left -= granted
        return granted

    def shortfalls(self) -> Iterator[Shortfall]:
        """Yield what is missing, cell by cell: rows that others wrote over their target fill up the first gaps."""
        stand_ins = sum(max(0, len(progress.accepted) - progress.target.rows) for progress in self.cells)
        for progress in self.cells:
            replaced = min(stand_ins, progress.short)
            stand_ins -= replaced
            missing = progress.short - replaced
            if missing:
                target = progress.target
                reason = progress.reason(used_up=not self.candidates_left)
                yield Shortfall(cell=target.cell, contrast=target.contrast, missing=missing, reason=reason)


def make_pools(
    targets: Iterable[CellTarget], candidates_per_row: float, existing: Iterable[Example]
) -> list[LabelPool]:
    """Return the pools of `targets`, each with its share of candidates; `existing` rows count as seen."""
    written = _texts_by_cell(existing)
    cells: dict[tuple[str, str | None], list[CellProgress]] = {}
    for target in targets:
        progress = CellProgress(target, seen=written.get((target.cell, target.contrast), []))
        cells.setdefault((target.cell.label, target.contrast), []).append(progress)
    pools = []
    for together in cells.values():
        wanted = sum(progress.target.rows for progress in together)
        pools.append(LabelPool(together, wanted, math.ceil(candidates_per_row * wanted)))
    return pools


def _texts_by_cell(examples: Iterable[Example]) -> dict[tuple[Cell, str | None], list[str]]:
    """Return the texts of `examples` by the cell and the contrast that they were written for."""
    texts: dict[tuple[Cell, str | None], list[str]] = {}
    for example in examples:
        made = example.provenance
        if made and made.cell:
            texts.setdefault((made.cell, made.contrast), []).append(example.text)
    return texts
