"""The split of a label into several: each row goes where it is told to, or the split is refused."""

from __future__ import annotations

from collections.abc import Collection

from classwright_tools.domain.changes import Change, LabelPart
from classwright_tools.domain.excerpt import SHORT, counted, listed, shortened
from classwright_tools.domain.selection import RowFilter, RowSelection
from classwright_tools.domain.task import folded_name
from classwright_tools.editing.draft import Done, Draft, Row
from classwright_tools.editing.label_changes import (
    in_words,
    label_of,
    labels_before,
    new_label,
    refuse_taken,
    rows_in_words,
    with_labels,
)
from classwright_tools.editing.told import note_overruled
from classwright_tools.errors import InvalidInput
from classwright_tools.measurement.selecting import select_in

IDS_LISTED = 3

Goes = dict[int, tuple[str, ...]]
"""The labels that rows go to, by their places: one, or where rows may have several all whose part means the row."""


def split(draft: Draft, change: Change) -> Done:
    """Give the rows of a label to the labels that it becomes; where rows may have several, to each that means them.

    A model may split rows that persons labelled: these have a model's label then, and the call says how many they are.

    Test rows go by conditions alone: where a part names rows by hand or by likeness, nobody can say where a test row
    belongs, and it leaves the new version.

    Raises:
        NotFound: there is no such label.
        InvalidInput: the parts' names are taken or look alike, or rows would be left over.
    """
    done = Done(change.action)
    sizes: list[str] = []
    old = draft.label_named(change.label or "")
    _check_parts(draft, old, change.into)
    rows = draft.with_label(old)
    goes = _claimed(draft, change.into, rows, done)
    rest = next((part.label for part in change.into if part.rows is None), None)
    seen = [place for place, row in rows.items() if row["split"] != "test"]
    over = [place for place in seen if place not in goes]
    if over and rest is None:
        ids = listed((rows[place]["id"] for place in over), IDS_LISTED)
        raise InvalidInput(
            f"{counted(len(over), 'row')} of {old!r}",
            f"{'is' if len(over) == 1 else 'are'} meant by no part ({ids})",
            "Let the last part leave out `rows`: it takes the others.",
        )
    goes |= dict.fromkeys(over, (rest or "",))
    homeless = _test_rows(draft, change.into, rows, goes, rest)
    before = label_of(draft.task, old)
    _define(draft, old, change.into)
    became = draft.exchange({place: rows[place] for place in goes}, old, goes)
    if draft.task.multi_label:
        kept = old if old in draft.task.label_names else None  # in cells of rows that have it no more
        draft.exchange_in_cells(old, lambda place: goes[place][0] if place in goes else kept)
    moved = {place: rows[place] for place in seen if goes[place] != (old,)}
    for part in change.into:
        own = {place: rows[place] for place in seen if part.label in goes[place]}
        tested = sum(rows[place]["split"] == "test" for place, labels in goes.items() if part.label in labels)
        if part.label != old:
            draft.record("split_label", label=old, to=part.label, rows=labels_before(own), test_rows=tested)
        sizes.append(f"{part.label!r} ({rows_in_words(len(own) + tested, tested)})")
    if draft.by == "model":  # a person's split says of the label's own rows what they are
        note_overruled(draft, moved.values(), done)
        done.measured = sum(row["split"] == "validation" for row in moved.values())
    done.count(in_words(moved, became))
    done.rows = sum(labels != (old,) for labels in goes.values())
    done.words = f"{old!r} split into {' and '.join(sizes)}"
    if before and before.description and not all(part.description for part in change.into):
        done.remarks.append(f"{old!r} was described as {shortened(before.description, SHORT)!r}.")
    draft.take_out(homeless)
    if homeless:
        done.remarks.append(
            f"Of the test rows of {old!r} {len(homeless)} left this version, as nobody could say where they belong: "
            "import them again under the new labels."
        )
    return done


def _check_parts(draft: Draft, old: str, parts: tuple[LabelPart, ...]) -> None:
    names = [part.label for part in parts]
    if len(parts) < 2 or len({folded_name(name) for name in names}) < len(names):
        reason = "is split into fewer than two labels" if len(parts) < 2 else "is split into labels that look alike"
        raise InvalidInput(f"label {old!r}", reason, "Name two or more, each with a name of its own.")
    if sum(part.rows is None for part in parts) > 1:
        reason = "of the split have no `rows`"
        raise InvalidInput("several parts", reason, "Only the last one may leave them out: it takes the others.")
    for name in names:
        refuse_taken(draft, name, old)


def _claimed(draft: Draft, parts: tuple[LabelPart, ...], rows: Collection[int], done: Done) -> Goes:
    """Return where the rows go that a part means by name; of one label a row the first part that means one has it."""
    goes: Goes = {}
    for part in parts:
        if part.rows is None:
            continue
        for place in draft.meant(part.rows):
            if place not in rows:
                done.left["with another label"] += 1
            elif place not in goes or draft.task.multi_label:
                goes[place] = (*goes.get(place, ()), part.label)
            else:
                done.left["meant by two parts, which the first has"] += 1
    return goes


def _test_rows(
    draft: Draft, parts: tuple[LabelPart, ...], rows: dict[int, Row], goes: Goes, rest: str | None
) -> list[int]:
    """Add to `goes` the test rows that the parts' conditions decide about; return the others."""
    tested = {row["id"]: place for place, row in rows.items() if row["split"] == "test"}
    by_rule = all(part.rows is None or not part.rows.is_picked for part in parts)
    for part in parts if by_rule else ():
        where = part.rows.where if part.rows else None
        if where is None or where.splits:
            continue
        met = _met(draft, where)
        for id_ in met & tested.keys():
            before = goes.get(tested[id_], ())
            goes[tested[id_]] = (*before, part.label) if draft.task.multi_label else before or (part.label,)
    left = [place for place in tested.values() if place not in goes]
    if by_rule and rest is not None:
        goes |= dict.fromkeys(left, (rest,))
        return []
    return left


def _met(draft: Draft, where: RowFilter) -> set[str]:
    """Return the ids of the test rows that meet the conditions."""
    tests = RowSelection(where=where.model_copy(update={"splits": ("test",)}))
    found = select_in(draft.context, draft.dataset, draft.table, tests, draft.task.label_names, draft.edits)
    return set(found.table["id"].to_pylist())


def _define(draft: Draft, old: str, parts: tuple[LabelPart, ...]) -> None:
    """Put the parts in the place of the label in the task."""
    before = label_of(draft.task, old)
    if before is None:  # only rows have it
        known = set(draft.task.label_names)
        fresh = [new_label(part.label, part.description) for part in parts if part.label not in known]
        draft.task = with_labels(draft.task, {}, last=fresh)
        return
    labels = [
        new_label(old, part.description or before.description, before.examples)
        if part.label == old
        else new_label(part.label, part.description)
        for part in parts
    ]
    draft.task = with_labels(draft.task, {old: labels})
