"""Rows in groups by meaning: for texts whose kinds nobody knows yet, or a label that holds several kinds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted, listed, shortened
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_group import TextGroup
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.grouping import grouped
from classwright_tools.learning.medoids import medoids
from classwright_tools.measurement.naming import telling_words_of_each
from classwright_tools.measurement.selecting import Selected
from classwright_tools.workspace.row_columns import contents_of

MOST_GROUPED = 5_000  # of more rows a random sample is: all distances between rows are looked at
LEAST_GROUPED = 10  # fewer are read faster than their groups
GROUPS_LISTED = 4  # in a sentence
MOST_READ, OVERVIEW = 40, 20  # groups that a person reads through, and as many as an overview has of more
_VIEWS = ((5, 160), (4, 120), (3, 100), (3, 70), (2, 70), (1, 70))
"""Texts that are shown of a group, and their characters: the first that fits is taken."""


class Groups(NamedTuple):
    """Groups, those of most rows first, and how many rows are in them all."""

    groups: tuple[TextGroup, ...]
    rows: int


def groups_of_rows(context: ToolContext, found: Selected, count: int | None, languages: tuple[str, ...]) -> Groups:
    """Return the `found` rows, texts in `languages`, in `count` groups by meaning, or in as many as the rows suggest.

    Raises:
        NotEnoughData: fewer than `LEAST_GROUPED` rows.
    """
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import open_encoder

    if len(found) < LEAST_GROUPED:
        raise NotEnoughData(
            f"groups of {counted(len(found), 'row')} of {found.dataset!r}",
            f"are not made: {LEAST_GROUPED} rows are the fewest that are grouped",
            "Leave `groups` out and read them, or look for other rows.",
        )
    table = found.table
    if len(table) > MOST_GROUPED:
        table = table.take(np.sort(np.random.default_rng(context.seed).permutation(len(table))[:MOST_GROUPED]))
    contents = contents_of(table)
    context.progress(0.0, "reading the rows")
    vectors = open_encoder(context.encoder).embed(
        contents,
        EmbeddingCache(context.workspace.embeddings),
        lambda done: context.progress(0.8 * done, "reading the rows"),
    )
    context.progress(0.8, "grouping the rows")
    members = grouped(vectors, count, context.seed)
    ids, texts = table["id"].to_pylist(), table["text"].to_pylist()
    names = telling_words_of_each([[texts[place] for place in member] for member in members], languages)
    groups = (
        TextGroup(
            words=words,
            rows=len(member),
            share=round(len(member) / len(contents), 3) or 0.001,
            typical={ids[i]: texts[i] for i in _typical(vectors, member, context.seed)},
        )
        for words, member in zip(names, members, strict=True)
    )
    return Groups(tuple(groups), len(contents))


def _typical(vectors: NDArray[np.floating], member: NDArray[np.intp], seed: int) -> list[int]:
    """Return the members that are shown: they differ, so that a group of two kinds shows both."""
    most = _VIEWS[0][0]
    places = medoids(vectors[member], most, seed) if len(member) > most else range(len(member))
    return [int(member[place]) for place in places]


def shown_groups(groups: Sequence[TextGroup], max_bytes: int) -> list[TextGroup]:
    """Return the `groups` with as much of their typical texts as fits into `max_bytes`, or the first with the least."""
    kept: list[TextGroup] = []
    for texts, characters in _VIEWS:
        kept = [_view(group, texts, characters) for group in groups]
        if _bytes(kept) <= max_bytes:
            return kept
    while len(kept) > 1 and _bytes(kept) > max_bytes:
        kept.pop()
    return kept


def groups_in_words(found: Selected, groups: Sequence[TextGroup], rows: int) -> str:
    """Return the sentences on all `groups` of the `found` rows, of which so many `rows` are in them."""
    sample = f" ({rows:,} of them, chosen at random)" if rows < len(found) else ""
    largest = listed((f"{group.words or 'no words of its own'} ({group.rows})" for group in groups), GROUPS_LISTED)
    there = f"{len(found):,} rows of {found.dataset} found{sample}"
    told = f"{there}, in {counted(len(groups), 'group')} by meaning: {largest}."
    if len(groups) <= MOST_READ:
        return told
    share = sum(group.rows for group in groups[:OVERVIEW]) / rows
    return (
        f"{told} The {OVERVIEW} largest have {share:.0%} of the rows, the other {len(groups) - OVERVIEW} have the rest."
    )


def after_groups(task: Task, dataset: str, groups: int, more: int | None) -> str:
    """Return what is usually right after so many `groups` were found, of which there are `more` from that offset on."""
    named = (
        f"Then make a label of one that has none: edit_examples(task={task.slug!r}, changes=[{{'action': 'add_label', "
        "'label': its name, 'description': what belongs to it}], reason=...), and annotate_examples for rows of it."
        if task.labels
        else f"Then name them as `labels`: propose_topics(task={task.slug!r}, ...)."
    )
    steps = (
        f"These are more than a person reads: groups={OVERVIEW} makes broader ones of them, for an overview."
        if groups > MOST_READ
        else "",
        f"More groups: dataset={dataset!r}, groups={groups}, offset={more}." if more else "",
        "Others like a text: like={'row': its id}. Coarser or finer: another `groups`. What one group mixes or two "
        "groups share is for the person to say: groups go by subject, not by tone.",
        named,
    )
    return " ".join(filter(None, steps))


def _view(group: TextGroup, texts: int, characters: int) -> TextGroup:
    shown = dict(islice(group.typical.items(), texts))
    return group.model_copy(update={"typical": {id_: shortened(text, characters) for id_, text in shown.items()}})


def _bytes(groups: Sequence[TextGroup]) -> int:
    return sum(len(group.model_dump_json().encode()) + 1 for group in groups)
