"""Rows that are longer than a model's encoder reads: how many there are, and whether its errors gather there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.reading_limits import limit_of
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, fisher_greater


def cut_remarks(
    encoder: Encoder, contents: Sequence[str], what: str, wrong: npt.NDArray[np.bool_] | None = None
) -> tuple[str, ...]:
    """Return what is to be said of the rows `contents`, which are `what` rows, that `encoder` reads only in part.

    With `wrong` (n,), which rows were answered wrongly, each by itself, it is said too if these errors gather in rows
    that are cut.
    """
    limit = limit_of(encoder)
    if limit is None:
        return ()
    cut = np.fromiter(limit.cuts(contents), bool, len(contents))
    remark = limit.remark(int(cut.sum()), len(cut), what)
    gathered = "" if wrong is None else _gathered(cut, wrong)
    return tuple(filter(None, (remark, gathered)))


def _gathered(cut: npt.NDArray[np.bool_], wrong: npt.NDArray[np.bool_]) -> str:
    """Return that a larger share of the rows that are `cut` (n,) is `wrong` (n,), if that is more than chance.

    By Fisher's exact test, in the direction of more errors.
    """
    (bad, of), (other_bad, of_others) = ((int((wrong & rows).sum()), int(rows.sum())) for rows in (cut, ~cut))
    p = fisher_greater(bad, of, other_bad, of_others)
    if p >= SIGNIFICANCE:
        return ""
    return (
        f"Errors gather in the rows that are cut: {bad} of {of} are wrong, of the others {other_bad} of "
        f"{of_others} (Fisher's exact test, p = {p:.2g}). Train with an `encoder` that reads more, or put "
        "what decides at the start of a text."
    )
