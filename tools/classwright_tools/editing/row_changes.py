"""Changes of rows: their label, their text, whether they are there, and what a person thinks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from classwright_tools.domain.changes import Change
from classwright_tools.domain.cleaning import clean_text, is_broken
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import ADDED, LABELLED, TAKEN, Edit, ids_before
from classwright_tools.domain.example import Split, example_id, origin_of_labelled
from classwright_tools.domain.label_sets import in_order, joined_labels, key_in_words, labels_apart, named_apart
from classwright_tools.domain.labels_since import label_since, labels_since
from classwright_tools.domain.pair import joined
from classwright_tools.domain.selection import RowSelection
from classwright_tools.domain.task import folded_name
from classwright_tools.editing.draft import Done, Draft, Row, text_of
from classwright_tools.editing.removed import removed_rows
from classwright_tools.editing.row_table import with_values
from classwright_tools.editing.told import note_overruled
from classwright_tools.errors import InvalidInput

NO_LABEL = "no label"
_MOVE_FIGURES = ("relabel", "remove", "restore")
_MODEL = "calling model"  # as the writer of rows that it annotates


def relabel(draft: Draft, change: Change, rows: RowSelection) -> Done:
    """Give rows another label, or where they may have several add labels ("+a|b") or take some away ("-a|b").

    An unlabelled row goes to a split by it: what a model labels is annotated. None is added to or taken from its
    labels: nobody has said which of the others apply.

    Raises:
        NotFound: the task has no such label.
        InvalidInput: there is a sign before another label than the first, too.
    """
    done = Done(change.action)
    given = change.label or ""
    step = given[:1] if draft.task.multi_label and given not in draft.task.label_names else ""
    moves = step in ("+", "-")
    if draft.task.multi_label:
        _refuse_signs(draft, given[moves:])
    key = draft.label_key(given[1:] if moves else given)
    found = draft.selected(rows, done)
    if moves:
        labelled = {place: row for place, row in found.items() if row["label"]}
        done.left["without labels (give them all of theirs)"] += len(found) - len(labelled)
        found = labelled
    keys = {place: _moved(draft, row["label"], step, key) if moves else key for place, row in found.items()}
    others = {place: row for place, row in found.items() if row["label"] != keys[place]}
    done.left["without that label already" if step == "-" else "with that label already"] += len(found) - len(others)
    fresh = [place for place, row in others.items() if row["split"] == "unlabelled"]
    draft.put("label", {place: keys[place] for place in others})
    for column, values in _beside_a_first_label(draft, {place: others[place]["id"] for place in fresh}).items():
        draft.put(column, values)
    what = {"+": ADDED, "-": TAKEN}.get(step, LABELLED)
    done.made, done.bare = what.format(key_in_words(key)), len(fresh)
    if step != "+":  # what was decided stays beside it
        note_overruled(draft, others.values(), done)
    _record(draft, done, others, key, step)
    done.count([(row, _in_words(row), key_in_words(keys[place])) for place, row in others.items()])
    return done


def _refuse_signs(draft: Draft, names: str) -> None:
    known = draft.task.label_names
    folded = {*map(folded_name, known)}
    for name in named_apart(names, known):
        if name[0] in "+-" and folded_name(name) not in folded:
            raise InvalidInput(
                f"label {name!r}",
                "has a sign of its own: one, before the first label, is for all of a change ('+a|b', '-a|b')",
                "Add labels in one change, and take others away in a second one of the same call.",
            )


def _moved(draft: Draft, labels: str, step: str, key: str) -> str:
    """Return the key of `labels` with ("+"), or without ("-"), those of `key`."""
    had, moved = labels_apart(labels), labels_apart(key)
    kept = [label for label in had if label not in moved]
    return joined_labels(in_order(kept + [*moved] * (step == "+"), draft.task.label_names))


def rewrite(draft: Draft, change: Change, rows: RowSelection) -> Done:
    """Give one row another text, and so another id.

    Raises:
        InvalidInput: not exactly one row is meant, the text is broken or empty, or another row has it already.
    """
    done = Done(change.action)
    found = draft.selected(rows, done)
    if not found and done.left.total():
        return done
    if len(found) != 1:
        raise InvalidInput("`rows`", f"mean {len(found)} rows, and one text is given", "Name one row by its id.")
    ((place, row),) = found.items()
    text = _clean("text", change.text or "")
    pair = row.get("text_pair") if change.text_pair is None else _clean("text_pair", change.text_pair)
    if change.text_pair is not None and draft.task.kind == "text":
        reason = f"is given, and task {draft.task.slug!r} is about single texts"
        raise InvalidInput("`text_pair`", reason, "Leave it out.")
    content = joined(text, pair)
    id_ = example_id(content)
    if id_ == row["id"]:
        done.left["with that text already"] += 1
        return done
    _refuse_copy(draft, id_)
    draft.put("text", {place: text})
    if pair is not None:
        draft.put("text_pair", {place: pair})
    draft.put("id", {place: id_})
    draft.record("rewrite", rows={id_: row["id"]})
    now = row | {"id": id_, "text": text} | ({} if pair is None else {"text_pair": pair})
    done.count([(now, text_of(row), text_of(now))])
    return done


def remove(draft: Draft, change: Change, rows: RowSelection) -> Done:
    """Take rows out."""
    done = Done(change.action)
    found = draft.selected(rows, done)
    draft.take_out(found)
    note_overruled(draft, found.values(), done)
    _record(draft, done, found)
    done.count([(row, _in_words(row), "removed") for row in found.values()])
    return done


def restore(draft: Draft, change: Change, rows: RowSelection) -> Done:
    """Put back rows that an earlier edit removed, under the label that theirs has become, or under `label`.

    Raises:
        NotFound: the task has no such label.
        InvalidInput: an id is that of no row that was removed.
    """
    import pyarrow as pa

    done = Done(change.action)
    given = draft.label_key(change.label) if change.label else None
    removed = removed_rows(draft)
    gone = set(removed.table["id"].to_pylist())
    for id_ in rows.ids:
        if id_ not in gone:
            raise InvalidInput(
                f"row {id_!r}",
                "was not removed by an edit, or is there again",
                "Pass ids of removed rows, or go back to a whole version with `revert_to`.",
            )
    found = draft.selected(rows, done, removed.table)
    labels: dict[int, str | None] = {}
    contrasts: dict[int, str] = {}
    for place, row in found.items():
        later = draft.edits[removed.edits[place] + 1 :]
        label = given or key_since(draft, row["label"], later)
        contrasts[place] = label_since(row["contrast"], later) or row["contrast"]
        if label is None and row["label"] is not None:
            done.left["of a label that has ended (give `label`)"] += 1
        elif label is not None and not draft.has_labels(label):
            done.left[f"of label {key_in_words(label)!r}, which the task has not (give `label`)"] += 1
        else:
            labels[place] = label
    back = with_values(with_values(removed.table, "label", labels), "contrast", contrasts)
    fresh = [place for place, label in labels.items() if label and found[place]["split"] == "unlabelled"]
    for column, values in _beside_a_first_label(draft, {place: found[place]["id"] for place in fresh}).items():
        back = with_values(back, column, values)
    draft.add(back.take(pa.array(list(labels), pa.int64())))
    _record(draft, done, {place: found[place] for place in labels}, given)
    done.count(
        [(found[place], "removed", key_in_words(label) if label else NO_LABEL) for place, label in labels.items()]
    )
    return done


def _beside_a_first_label(draft: Draft, ids: Mapping[int, str]) -> dict[str, Mapping[int, object]]:
    """Return what unlabelled rows get with a label, by column and place: of `ids` those rows have."""
    columns: dict[str, Mapping[int, object]] = {
        "split": splits_of_labelled(draft, ids),
        "origin": dict.fromkeys(ids, origin_of_labelled(draft.by)),
    }
    annotated = {"writer": _MODEL, "round": 0, "prompt": ""} if draft.by == "model" else {}
    return columns | {column: dict.fromkeys(ids, value) for column, value in annotated.items()}


def splits_of_labelled(draft: Draft, ids: Mapping[int, str]) -> dict[int, Split]:
    """Return the splits of unlabelled rows that get a label, by their places: of `ids` those rows have.

    A row that was drawn for a validation sample stays in it, else the sample lacks what was hard to label; others
    become training rows.
    """
    if not ids:
        return {}
    before, drawn = ids_before(draft.edits), draft.drawn_for_validation
    return {place: "validation" if {id_, before.get(id_)} & drawn else "train" for place, id_ in ids.items()}


def key_since(draft: Draft, key: str | None, later: Sequence[Edit]) -> str | None:
    """Return what became of a row's label, or of all its labels, by the edits after; None of one that has ended."""
    if key is None or not draft.task.multi_label:
        return label_since(key, later)
    labels = labels_since(labels_apart(key), later)
    return None if labels is None else joined_labels(in_order(labels, draft.task.label_names))


def mark(draft: Draft, change: Change, rows: RowSelection) -> Done:
    """Approve rows, mark them as good examples, flag them, or take such marks back."""
    done = Done(change.action)
    found = draft.selected(rows, done)
    now = Decided(draft.edits)
    if change.action in ("approve", "good_example"):
        labelled = {place: row for place, row in found.items() if row["label"] is not None}
        done.left["without a label"] += len(found) - len(labelled)
        found = labelled
    marked = {*now.by_person, *now.good_examples, *now.flagged}
    as_it_is = {
        "approve": ({id_ for id_, edit in now.by_person.items() if not edit.is_bulk} - now.flagged, "decided before"),
        "good_example": (now.good_examples.keys(), "such already"),
        "flag": (now.flagged, "flagged already"),
        "unmark": ({row["id"] for row in found.values()} - marked, "without a mark"),
    }
    same, why = as_it_is[change.action]
    others = {place: row for place, row in found.items() if row["id"] not in same}
    done.left[why] += len(found) - len(others)
    _record(draft, done, others)
    if change.action == "good_example" and draft.task.kind == "pair" and others:
        done.remarks.append("Writers of mismatches are shown no marked pair: say by `guidance` what is to be wrong.")
    done.count([(row, _in_words(row), change.action) for row in others.values()])
    return done


ROW_CHANGES = {
    "relabel": relabel,
    "rewrite": rewrite,
    "remove": remove,
    "restore": restore,
    "approve": mark,
    "good_example": mark,
    "flag": mark,
    "unmark": mark,
}


def _record(draft: Draft, done: Done, rows: dict[int, Row], key: str | None = None, step: str = "") -> None:
    """Add the edit of `rows`, which have the label `key` from then on if it is one; none where there are no rows.

    By a `step` "+" they got its labels beside others, by "-" they lost them.
    """
    if rows:
        if done.action in _MOVE_FIGURES:
            done.measured += sum(row["split"] == "validation" for row in rows.values())
        several = draft.task.multi_label and key is not None
        kept_as = {"+": "added", "-": "taken"}.get(step, "labels")
        given = {kept_as: labels_apart(key or "")} if several else {"label": key}
        draft.record(done.action, **given, rows={row["id"]: row["label"] or "" for row in rows.values()})


def _in_words(row: Row) -> str:
    """Return a row's label, or all its labels, in words."""
    return key_in_words(row["label"]) if row["label"] else NO_LABEL


def _clean(name: str, given: str) -> str:
    text = clean_text(given)
    if is_broken(given) or not text:
        reason = "holds no characters that can be seen" if not text else "has lost characters (U+FFFD)"
        raise InvalidInput(f"`{name}`", reason, "Send the text as it should be.")
    return text


def _refuse_copy(draft: Draft, id_: str) -> None:
    """Raise an `InvalidInput` if a row has this id: a dataset holds a text once."""
    import pyarrow.compute as pc

    for row in draft.table.filter(pc.equal(draft.table["id"], id_)).to_pylist():
        if row["split"] == "test":  # of which nothing is told
            raise InvalidInput("the new text", "repeats a test row", "Write another one.")
        raise InvalidInput(
            "the new text",
            f"is that of row {id_} ({row['split']}, {_in_words(row)})",
            "A dataset holds a text once: remove one of the two rows, or write another text.",
        )
