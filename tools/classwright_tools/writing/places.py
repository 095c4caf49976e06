"""Quotas while they are being filled: what was accepted, what was refused, and what may still be asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from classwright_tools.domain.example import Example
from classwright_tools.domain.outcome import Shortfall
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.writing.quotas import Quota


@dataclass
class Place:
    """A quota while it is being filled."""

    quota: Quota
    seen: list[str]
    accepted: dict[str, Example] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    reasks: int = 0
    failure: str = ""

    @property
    def short(self) -> int:
        """How many rows are still missing of the quota."""
        return max(0, self.quota.rows - len(self.accepted))

    @property
    def reason(self) -> str:
        """Why rows are missing."""
        causes = ", ".join(f"{reason} {n}" for reason, n in self.refused.most_common())
        end = self.failure or ("the candidates are used up" if causes else "the writer gave fewer texts than asked")
        return f"{end} (refused before: {causes})" if causes else end


@dataclass
class Branch:
    """The places whose rows may stand in for each other: the cells of one label, or one contrast by itself."""

    places: list[Place]
    wanted: int
    candidates_left: int
    accepted: int = 0
    helping_rounds: int = 0

    @property
    def short(self) -> int:
        """How many rows are still missing, whichever place they come from."""
        return self.wanted - self.accepted

    def granted(self, wanted: int) -> int:
        """Take up to `wanted` from the candidates that may still be asked for, and return how many."""
        granted = min(wanted, self.candidates_left)
        self.candidates_left -= granted
        return granted

    def shortfalls(self) -> Iterator[Shortfall]:
        """Yield what is missing, place by place: rows that others wrote over their quota fill up the first gaps."""
        stand_ins = sum(max(0, len(place.accepted) - place.quota.rows) for place in self.places)
        for place in self.places:
            replaced = min(stand_ins, place.short)
            stand_ins -= replaced
            missing = place.short - replaced
            if missing:
                quota = place.quota
                yield Shortfall(cell=quota.cell, contrast=quota.contrast, missing=missing, reason=place.reason)


def make_branches(quotas: Iterable[Quota], candidates_per_row: float, existing: Iterable[Example]) -> list[Branch]:
    """Return the branches of `quotas`, each with its share of candidates; `existing` rows count as seen."""
    written = _texts_by_place(existing)
    places: dict[tuple[str, str | None], list[Place]] = {}
    for quota in quotas:
        place = Place(quota, seen=written.get((quota.cell, quota.contrast), []))
        places.setdefault((quota.cell.label, quota.contrast), []).append(place)
    branches = []
    for together in places.values():
        wanted = sum(place.quota.rows for place in together)
        branches.append(Branch(together, wanted, math.ceil(candidates_per_row * wanted)))
    return branches


def _texts_by_place(examples: Iterable[Example]) -> dict[tuple[Cell, str | None], list[str]]:
    """Return the texts of `examples` by the cell and the contrast that they were written for."""
    texts: dict[tuple[Cell, str | None], list[str]] = {}
    for example in examples:
        made = example.provenance
        if made and made.cell:
            texts.setdefault((made.cell, made.contrast), []).append(example.text)
    return texts
