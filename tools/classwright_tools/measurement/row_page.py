"""A page of the rows that were found, in the bytes that an answer has for it."""

from __future__ import annotations

from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.excerpt import Excerpts, shortened
from classwright_tools.domain.found_row import FoundRow
from classwright_tools.domain.noun import Noun
from classwright_tools.measurement.selecting import Selected

TEXT_CHARS = 400  # of a text where several are shown


def row_page(found: Selected, offset: int, limit: int, max_bytes: int, excerpts: Excerpts) -> tuple[FoundRow, ...]:
    """Return the rows from `offset` on, `limit` or what fits into `max_bytes`; a row by itself is as whole as it fits.

    `excerpts` notes what is left out.
    """
    wanted = found.rows(offset, offset + limit)
    chars = TEXT_CHARS if len(wanted) > 1 else max_bytes
    kept: list[FoundRow] = []
    for place, (split, row) in enumerate(wanted, start=offset):
        similarity = None if found.similarities is None else round(float(found.similarities[place]), 3)
        note = found.notes.get(row.id)
        shown = _shown(split, row, chars, similarity, note)
        while bytes_of(shown) > max_bytes and not kept and chars > TEXT_CHARS:
            chars = 9 * chars // 10
            shown = _shown(split, row, chars, similarity, note)
        max_bytes -= bytes_of(shown) + 1
        if max_bytes < 0 and kept:
            break
        kept.append(shown)
    excerpts.note("rows", len(kept), len(wanted))
    for name in ("text", "text_pair"):
        whole = sum(len(getattr(row, name) or "") for _, row in wanted[: len(kept)])
        excerpts.note(f"rows.{name}, in characters", sum(len(getattr(row, name) or "") for row in kept), whole)
    return tuple(kept)


def bytes_of(shown: Noun) -> int:
    """Return how many bytes a part of an answer takes."""
    return len(shown.model_dump_json().encode())


def _shown(split: Split, row: Example, chars: int, similarity: float | None, note: str | None) -> FoundRow:
    """Return a row as the answer shows it, its texts in at most `chars` characters."""
    made = row.provenance
    cell = made.cell if made else None
    return FoundRow(
        id=row.id,
        split=split,
        label=row.label,
        labels=row.labels,
        origin=row.origin,
        text=shortened(row.text, chars),
        text_pair=None if row.text_pair is None else shortened(row.text_pair, chars),
        round=made.round if made else None,
        cell=" > ".join(filter(None, (cell.topic, cell.subtopic, cell.source_type))) or None if cell else None,
        contrast=made.contrast if made else None,
        similarity=similarity,
        note=note,
    )
