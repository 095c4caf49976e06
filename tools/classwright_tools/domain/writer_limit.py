"""The writer as the limit of a dataset: one rule, for every answer and report that says so."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from classwright_tools.domain.outcome import ENDED
from classwright_tools.domain.usage import WriterUsage

LEAST_KEPT = 0.5
"""Of the texts that a writer gave, the share that becomes rows. All of 63 texts of a large model did, and none of a
model of 135 million parameters (docs/guides/writing.md, "A small local model"); nothing between them is measured."""
CHANCE = 2.33
"""Standard errors that the share must lie below it: a one-sided test at 0.01, by the normal approximation."""
REASONS_TOLD = 3


class WritingAccount(Protocol):
    """The account of one writing."""

    @property
    def accepted(self) -> int:
        """How many texts became rows."""
        ...

    @property
    def refused(self) -> Mapping[str, int]:
        """How many did not, by reason."""
        ...

    @property
    def usage(self) -> WriterUsage | None:
        """What that took; None if a calling model wrote."""
        ...


def writer_limit(writings: Iterable[WritingAccount]) -> str:
    """Return that the writer is the limit, why, what its texts took and what would help; empty if it is not, or that
    may be chance.
    """
    writings = [one for one in writings if one.usage]
    refused: Counter[str] = Counter()
    for one in writings:
        refused.update({reason: n for reason, n in one.refused.items() if reason != ENDED})
    kept = sum(one.accepted for one in writings)
    judged = kept + refused.total()
    if not judged or kept > LEAST_KEPT * judged - CHANCE * math.sqrt(LEAST_KEPT * (1 - LEAST_KEPT) * judged):
        return ""
    usages = [one.usage for one in writings if one.usage]
    tokens = sum(usage.tokens_in + usage.tokens_out for usage in usages)
    why = ", ".join(f"{reason} {n}" for reason, n in refused.most_common(REASONS_TOLD))
    each = f", {tokens / kept:,.0f} a row" if kept else ""
    took = f"They took {tokens:,} tokens{each}. " if tokens else ""  # stored answers take none
    return (
        f"The writer is the limit: of {judged} texts that {usages[-1].writer!r} was to give, {kept} could be used "
        f"({why}). {took}A larger model, or the calling model as the writer (a server "
        "without one), would help most; so would labels for real texts (annotate_examples)."
    )
