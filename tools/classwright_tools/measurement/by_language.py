"""A model's right answers by language, where a task has several, as its texts are identified."""

from __future__ import annotations

from collections import Counter

from classwright_tools.curation.languages import language_of
from classwright_tools.domain.excerpt import counted
from classwright_tools.measurement.caveats import FEW_ROWS
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.share_interval import wilson


def language_remark(found: Answers, languages: tuple[str, ...]) -> str:
    """Return the sentence on the share of rows that are right in each of `languages`, BCP 47 tags, the lowest first.

    Nothing where the task has one language, or of no text it is clear.
    """
    if len(languages) < 2:
        return ""
    told = [language_of(row.text, languages) for row in found.rows]
    rows = Counter(told)
    right = Counter(code for code, wrong in zip(told, found.is_wrong, strict=True) if not wrong)
    unclear = rows.pop(None, 0)
    if not rows:
        return ""
    lowest_first = sorted((code for code in rows if code), key=lambda code: right[code] / rows[code])
    parts = ", ".join(_in_words(code, right[code], rows[code]) for code in lowest_first)
    rest = f"; of {counted(unclear, 'text')} it is not clear" if unclear else ""
    return f"By language, as it is identified from each text: {parts}{rest}."


def _in_words(code: str, right: int, rows: int) -> str:
    share = wilson(right, rows)
    interval = f" ({share.value:.3f}, {share.low:.3f} to {share.high:.3f})" if rows >= FEW_ROWS else ""
    return f"{code!r} {right} of {rows} right{interval}"
