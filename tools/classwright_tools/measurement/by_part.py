"""A model's right answers by part of the rows: by language as texts are identified, and by the source of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from classwright_tools.curation.languages import language_of
from classwright_tools.curation.row_sources import RowSources
from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.pair import parts as texts_of
from classwright_tools.measurement.caveats import FEW_ROWS
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, fisher
from classwright_tools.statistics.share_interval import wilson

_SOURCES_LISTED = 12
_TEST = "Fisher's exact test"


def language_remark(found: Answers, languages: tuple[str, ...]) -> str:
    """Return the sentence on the share of rows that are right in each of `languages`, BCP 47 tags, the lowest first.

    Nothing where the task has one language, or of no text it is clear.
    """
    if len(languages) < 2:
        return ""
    told = [language_of(" ".join(texts_of(row.content)), languages) for row in found.rows]
    rows, right = _counts(found, told)
    unclear = rows.pop(None, 0)
    if not rows:
        return ""
    lowest_first = sorted((code for code in rows if code), key=lambda code: right[code] / rows[code])
    parts = ", ".join(_in_words(code, right[code], rows[code]) for code in lowest_first)
    rest = f"; of {counted(unclear, 'text')} it is not clear" if unclear else ""
    return f"By language, as it is identified from each text: {parts}{rest}.{_apart(lowest_first, rows, right)}"


def source_remark(found: Answers, sources: RowSources, unknown: Sequence[Example]) -> str:
    """Return the sentence on the share of rows that are right of each source, the newest first; "" of one source.

    The rows `unknown` have labels that the model does not know: it has none of them right, and they are told beside.
    """
    rows, right = _counts(found, [sources.of_row.get(row.id) for row in found.rows])
    beside = Counter(sources.of_row.get(row.id) for row in unknown)
    named = [name for name in (*reversed(sources.names), None) if rows[name] or beside[name]]
    if len(named) < 2:
        return ""
    parts = []
    for name in named:
        part = _in_words(name, right[name], rows[name]) if name else f"others {right[name]} of {rows[name]} right"
        every = rows[name] + beside[name]
        with_these = f", with {counted(beside[name], 'row')} of labels that it does not know {right[name]} of {every}"
        parts.append(part + (with_these if beside[name] else ""))
    return f"By source, the newest first: {listed(parts, _SOURCES_LISTED)}.{_apart(named, rows, right)}"


def _counts(found: Answers, parts: Sequence[str | None]) -> tuple[Counter[str | None], Counter[str | None]]:
    """Return how many rows each of the `parts` (n,) has, and how many of them are right."""
    right = Counter(part for part, wrong in zip(parts, found.is_wrong, strict=True) if not wrong)
    return Counter(parts), right


def _apart(named: Sequence[str | None], rows: Counter[str | None], right: Counter[str | None]) -> str:
    """Return which of the `named` parts differ by more than chance, each from all the others; "" of a single one.

    Fisher's exact test, its p times the number of tests (Bonferroni): of two parts there is one.
    """
    told = [name for name in named if rows[name]]
    if len(told) < 2:
        return ""
    every, good = sum(rows[name] for name in told), sum(right[name] for name in told)
    tests = 1 if len(told) == 2 else len(told)
    found = {
        name: min(1.0, tests * fisher(right[name], rows[name], good - right[name], every - rows[name]))
        for name in told[:tests]
    }
    least = min(found.values())
    if len(told) == 2:
        chance = "is more than chance" if least < SIGNIFICANCE else "may be chance"
        return f" That the two differ {chance} ({_TEST}, p = {least:.2g})."
    apart = [
        f"{name!r} ({p:.2g})" if name else f"the others ({p:.2g})" for name, p in found.items() if p < SIGNIFICANCE
    ]
    if not apart:
        return f" None differs from all others by more than chance ({_TEST} of each, least p = {least:.2g})."
    return f" By more than chance from all others differ: {listed(apart, _SOURCES_LISTED)} ({_TEST} of each, with p)."


def _in_words(name: str | None, right: int, rows: int) -> str:
    share = wilson(right, rows)
    interval = f" ({share.value:.3f}, {share.low:.3f} to {share.high:.3f})" if rows >= FEW_ROWS else ""
    return f"{name!r} {right} of {rows} right{interval}"
