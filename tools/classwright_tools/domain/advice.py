"""Advice from evidence has three answers: use it, do not, or it cannot be told, and then how many rows would tell."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import Literal

from pydantic import Field

from classwright_tools.domain.noun import Noun

Verdict = Literal["use it", "do not use it", "cannot be told"]

POWERED = 2.8
"""Standard errors of an effect that is told from chance, at 5% and two-sided, four times in five: 1.96 + 0.84 (Cohen
1988, "Statistical power analysis for the behavioral sciences", section 2.4)."""


class Advice(Noun):
    """Whether something helps, on the evidence of so many rows."""

    verdict: Verdict
    rows: int = Field(ge=0, description="Of the verdict: real ones held out in turn, with those of validation.")
    rows_to_tell: int | None = Field(default=None, description="About so many would tell; null if the rows do.")


def rows_to_tell(rows: int, effect: float, error: float) -> int | None:
    """Return about how many rows tell an `effect` from chance four times in five, to two digits.

    `error` is its standard error on `rows`, which falls as the square root of the rows does. None without an effect.
    """
    if not effect or not error:
        return None
    needed = rows * (POWERED * error / effect) ** 2
    unit: int = 10 ** max(0, floor(log10(max(needed, 1))) - 1)
    return ceil(needed / unit) * unit
