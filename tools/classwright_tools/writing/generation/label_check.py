"""The label check of a run: rows just written that belong to another label, as all rows of the dataset together say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example
from classwright_tools.errors import NotFound

LEAST_ROWS_A_LABEL = 20  # fewer do not say enough about a label
MOST_ROWS = 50_000  # more would take longer to check than to write


def doubtful_labels(written: Sequence[Example], there: Sequence[Example], context: ToolContext) -> dict[str, str]:
    """Return the doubtful ones of the rows `written`: for each one's id, what speaks against its label.

    The training rows that are `there` help to judge but are not judged themselves. Nothing is returned where that
    cannot be judged: labels with few rows, very many rows, pairs (which are written to mislead such a judge), or no
    encoder on this machine.

    Raises:
        Cancelled: the caller asked to stop.
    """
    from classwright_tools.curation.label_check import unlikely_labels
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.statistics.grouped_folds import FOLDS

    rows = [row for row in (*written, *there) if row.label is not None]
    groups = [row.provenance.group if row.provenance else row.id for row in rows]
    counts = Counter(row.label for row in rows)
    groups_of = Counter(label for label, _ in {(row.label, group) for row, group in zip(rows, groups, strict=True)})
    enough = min(counts.values(), default=0) >= LEAST_ROWS_A_LABEL and min(groups_of.values()) >= FOLDS
    if not enough or len(rows) > MOST_ROWS or any(row.text_pair for row in rows):
        return {}
    try:
        encoder = open_encoder(context.encoder)
    except NotFound:
        return {}
    embeddings = encoder.embed(
        [row.text for row in rows],
        EmbeddingCache(context.workspace.embeddings),
        on_progress=lambda _: context.progress(None, "embedding what was written"),
    )
    context.progress(None, "checking the labels of what was written")
    found = unlikely_labels(
        embeddings,
        [row.label or "" for row in rows],
        [row.provenance.contrast if row.provenance else None for row in rows],
        groups,
        seed=context.seed,
    )
    return {rows[doubt.row].id: doubt.refused().detail for doubt in found if doubt.row < len(written)}
