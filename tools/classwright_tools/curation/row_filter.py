"""The rows of a table that a filter lets through, and those that ids name. Tables are those of `read_table`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.row_sources import GiveSources, RowSources
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.label_sets import NO_LABELS, named_apart
from classwright_tools.domain.opinions import Opinions
from classwright_tools.domain.selection import RowFilter
from classwright_tools.domain.task import meant_in
from classwright_tools.errors import InvalidInput, unknown_id

Places = NDArray[np.int64]
_EXACT = ("topic", "subtopic", "source_type", "contrast")
_VALUES_LISTED = 8
_IDS_LISTED = 3
# Of letters that are the same without them: marks of other scripts, such as those of kana, make another letter.
_ACCENT = re.compile("[\u0300-\u036f]")


def filtered(
    table: Any, where: RowFilter, labels: Collection[str], sources: GiveSources, edits: Sequence[Edit] = ()
) -> Places:
    """Return the places of the rows that meet all conditions of `where`, in the table's order.

    `labels` are those of the task; a label that rows have is known, too. `edits` say who decided on the rows, and
    `sources` are asked what these came in by where that counts.

    Raises:
        NotFound: there is no such label, or person; the nearest is named.
        InvalidInput: no row has such a topic, subtopic, source type, contrast or source; those that there are are
            named.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    splits = where.splits or tuple(split for split in SPLITS if split != "test")
    conditions = [pc.is_in(table["split"], pa.array(splits, pa.string()))]
    if where.labels:
        conditions.append(_has(table, where.labels, {*labels, *_labels_of_rows(table)}))
    if where.origins:
        conditions.append(pc.is_in(table["origin"], pa.array(where.origins, pa.string())))
    if where.round is not None:
        conditions.append(pc.equal(table["round"], where.round))
    for name in _EXACT:
        wanted = getattr(where, name)
        if wanted is not None:
            _check_value(table, name, wanted)
            conditions.append(pc.equal(table[name], wanted))
    if where.decided_by is not None:
        conditions.append(pc.is_in(table["id"], pa.array(_decided_by(where.decided_by, edits), pa.string())))
    if where.text is not None:
        conditions.append(_holds(table, clean_text(where.text)))
    if where.source is not None:
        conditions.append(_of_source(table, sources(), where.source))
    met = pc.fill_null(conditions[0], False)
    for condition in conditions[1:]:
        met = pc.and_(met, pc.fill_null(condition, False))
    return np.flatnonzero(met.to_numpy(zero_copy_only=False))


def named(table: Any, ids: Sequence[str], dataset: str) -> Places:
    """Return the places of the rows with `ids`, in their order, each once.

    Raises:
        InvalidInput: `dataset`, whose rows the table holds, has no row of some id.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = list(dict.fromkeys(ids))
    places = pc.index_in(pa.array(wanted, pa.string()), value_set=table["id"].combine_chunks())
    missing = [id_ for id_, place in zip(wanted, places.to_pylist(), strict=True) if place is None]
    if missing:
        raise InvalidInput(
            f"dataset {dataset!r}",
            f"has no row {listed(missing, _IDS_LISTED)}",
            "Pass ids as find_examples shows them for this version; a row whose text was changed has another id.",
        )
    return np.asarray(places.to_numpy(zero_copy_only=False), np.int64)


def _holds(table: Any, words: str) -> Any:
    """Return whether each row's text, or one of a pair's two texts, holds `words`, in upper or lower case.

    Words without accents are found with them too: "ubung" in "Übung".
    """
    import pyarrow.compute as pc

    texts = [table[name] for name in ("text", "text_pair") if name in table.column_names]
    if not _ACCENT.search(unicodedata.normalize("NFD", words)):
        texts = [_without_accents(text) for text in texts]
    found = [pc.match_substring(text, words, ignore_case=True) for text in texts]
    return found[0] if len(found) == 1 else pc.or_(*found)


def _without_accents(texts: Any) -> Any:
    import pyarrow.compute as pc

    apart = pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFD"), _ACCENT.pattern, "")
    return pc.utf8_normalize(apart, form="NFC")  # whole syllables again, where a script writes such as one character


def _decided_by(person: str, edits: Sequence[Edit]) -> Collection[str]:
    """Return the ids of the rows that a `person` decided on by `edits`; raise a `NotFound` if there are none."""
    opinions = Opinions(edits)
    by = opinions.by(person)
    if not by:
        raise unknown_id("reviewer", person, opinions.names)
    return by


def _of_source(table: Any, sources: RowSources, wanted: str) -> Any:
    """Return whether each row came in by the source that is meant by `wanted`."""
    import pyarrow as pa

    name = sources.named(wanted)
    return pa.array([sources.of_row.get(id_) == name for id_ in table["id"].to_pylist()], pa.bool_())


def _check_labels(wanted: Sequence[str], known: Collection[str]) -> None:
    for label in wanted:
        if label not in known:
            raise unknown_id("label", label, known)


def _check_value(table: Any, name: str, wanted: str) -> None:
    known = _values(table, name)
    if wanted not in known:
        there = listed(map(repr, sorted(known)), _VALUES_LISTED)
        word = name.replace("_", " ")
        raise InvalidInput(
            f"{word} {wanted[:80]!r}", "is that of no row", f"Pass one of {there}." if there else "No row has any."
        )


def _labels_of_rows(table: Any) -> list[str]:
    import pyarrow.compute as pc

    if "labels" not in table.column_names:
        return _values(table, "label")
    return list(pc.unique(pc.list_flatten(table["labels"])).to_pylist())


def _has(table: Any, wanted: Sequence[str], known: Collection[str]) -> Any:
    """Return whether each row has one of the `wanted` labels; "one|other" means both, where rows may have several."""
    import pyarrow.compute as pc

    several = "labels" in table.column_names
    written = [named_apart(label, [*known]) if several else (label,) for label in wanted]
    together = [tuple(meant_in(label, known) for label in labels) for labels in written]
    alone = [labels[0] for labels in together if len(labels) == 1] + [NO_LABELS] * (() in together)
    _check_labels([label for labels in together for label in labels], known)
    has = has_one_of(table, alone)
    for first, *others in (labels for labels in together if len(labels) > 1):
        both = has_one_of(table, [first])
        for other in others:
            both = pc.and_(both, has_one_of(table, [other]))
        has = pc.or_(has, both)
    return has


def has_one_of(table: Any, labels: Sequence[str]) -> Any:
    """Return whether each row has one of `labels`, or no label where `NO_LABELS` is among these."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(labels, pa.string())
    if "labels" not in table.column_names:
        return pc.is_in(table["label"], wanted)
    column = table["labels"].combine_chunks()
    has = np.zeros(len(table), bool)
    has[pc.list_parent_indices(column).filter(pc.is_in(pc.list_flatten(column), wanted)).to_numpy()] = True
    if NO_LABELS in labels:
        has |= pc.equal(pc.list_value_length(column), 0).fill_null(False).to_numpy(zero_copy_only=False)
    return pa.array(has)


def _values(table: Any, name: str) -> list[str]:
    import pyarrow.compute as pc

    return [value for value in pc.unique(table[name]).to_pylist() if value is not None]
