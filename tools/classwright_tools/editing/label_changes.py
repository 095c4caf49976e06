"""Changes of labels: of their names and meanings in the task, and of the rows that have them, those of test too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from classwright_tools.domain.changes import Change
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import key_in_words, labels_apart
from classwright_tools.domain.noun import MAX_DESCRIPTION_CHARS
from classwright_tools.domain.task import Label, Task, folded_name
from classwright_tools.editing.draft import Done, Draft, Row
from classwright_tools.editing.told import note_overruled
from classwright_tools.errors import InvalidInput


def rename(draft: Draft, change: Change) -> Done:
    """Give a label another name, in the task, in all rows, and where rows are contrasts to it.

    Raises:
        NotFound: there is no such label.
        InvalidInput: another label has the name, or one that looks like it.
    """
    done = Done(change.action, asks=False)
    old, new = draft.label_named(change.label or ""), change.to or ""
    if old == new:
        done.left["with that name already"] += 1
        return done
    refuse_taken(draft, new, old)
    label = label_of(draft.task, old)
    if label:
        description = label.description if change.description is None else change.description
        draft.task = with_labels(draft.task, {old: (new_label(new, description, label.examples),)}, {old: new})
    rows = draft.with_label(old)
    became = _move(draft, old, new, rows)
    draft.record("rename_label", label=old, to=new, test_rows=_test(rows))
    done.count(in_words(_seen(rows), became))
    done.rows = len(rows)
    done.words = f"{old!r} renamed to {new!r} ({rows_in_words(done.rows, _test(rows))})"
    return done


def merge(draft: Draft, change: Change) -> Done:
    """Give all rows of a label to another one, and end it; its description joins the other's, unless one is given.

    Raises:
        NotFound: there is no such label.
        InvalidInput: both are one, or it is the label of pairs that do not fit, or no two would be left.
    """
    done = Done(change.action)
    old, to = draft.label_named(change.label or ""), draft.task_label(change.to or "")
    if old == to:
        raise InvalidInput(f"label {old!r}", "cannot be merged into itself", "Name another one as `to`.")
    taker, given = label_of(draft.task, to), label_of(draft.task, old)
    if taker and (description := _of_both(taker, given, change.description, done)) != taker.description:
        draft.task = with_labels(draft.task, {to: (new_label(to, description, taker.examples),)})
    if label_of(draft.task, old):
        draft.task = with_labels(draft.task, {old: ()}, {old: to})
    rows = draft.with_label(old)
    became = _move(draft, old, to, rows)
    seen = _seen(rows)
    draft.record("merge_label", label=old, to=to, rows=labels_before(seen), test_rows=_test(rows))
    done.count(in_words(seen, became))
    done.rows = len(rows)
    done.words = f"{old!r} merged into {to!r} ({rows_in_words(done.rows, _test(rows))})"
    return done


def _of_both(taker: Label, given: Label | None, description: str | None, done: Done) -> str:
    """Return what belongs to the label that takes another's rows: what is said of it, else of both, joined.

    Where that is too long, or one of the two is not described, the call is told that says it.
    """
    if description is not None:
        return description
    both = [label.description.strip() for label in (taker, given) if label]
    known = list(dict.fromkeys(filter(None, both)))
    if len(known) < 2 and (not known or all(both)):
        return taker.description
    joined = "; ".join(one.rstrip(".") for one in known)
    if all(both) and len(joined) <= MAX_DESCRIPTION_CHARS:
        done.remarks.append(f"{taker.name!r} has both descriptions now: describe_label says it in better words.")
        return joined
    done.remarks.append(f"What is said of {taker.name!r} covers a part of its rows now: mend it by describe_label.")
    return taker.description


def add(draft: Draft, change: Change) -> Done:
    """Add a label to the task.

    Raises:
        InvalidInput: a label has the name, or one that looks like it.
    """
    done = Done(change.action, asks=False)
    name = change.label or ""
    refuse_taken(draft, name)
    draft.task = with_labels(draft.task, {}, last=(new_label(name, change.description or ""),))
    draft.record("add_label", label=name)
    done.words = f"a label {name!r}"
    done.remarks += _labelled_without(draft, name)
    return done


def _labelled_without(draft: Draft, name: str) -> list[str]:
    """Return the sentences on rows that have labels and were never asked whether the new one applies."""
    import pyarrow.compute as pc

    splits = draft.table.filter(pc.is_valid(draft.table["label"]))["split"].to_pylist()
    if not splits:
        return []
    told = [
        f"Rows so far were labelled without {name!r}: find those that it applies to by find_examples, and relabel them."
    ]
    tests = splits.count("test")
    if tests:
        are = counted(tests, "test row is", "test rows are")
        told.append(f"{are} not edited: such of it count by their old labels, and figures on them are too low for it.")
    return told


def describe(draft: Draft, change: Change) -> Done:
    """Say anew what belongs to a label.

    Raises:
        NotFound: the task has no such label.
    """
    done = Done(change.action, asks=False)
    name = draft.task_label(change.label or "")
    label = label_of(draft.task, name)
    assert label
    if label.description == change.description:
        done.left["described so already"] += 1
        return done
    draft.task = with_labels(draft.task, {name: (new_label(name, change.description or "", label.examples),)})
    draft.record("describe_label", label=name)
    done.words = f"{name!r} described anew"
    return done


def drop(draft: Draft, change: Change) -> Done:
    """Take a label out of the task, and its rows with it; where rows may have several they stay, without it.

    Raises:
        NotFound: there is no such label.
        InvalidInput: it is the label of pairs that do not fit, or no two would be left.
    """
    done = Done(change.action)
    name = draft.label_named(change.label or "")
    if label_of(draft.task, name):
        draft.task = with_labels(draft.task, {name: ()})
    rows = draft.with_label(name)
    seen = _seen(rows)
    stay = draft.task.multi_label
    facts = {"rows": labels_before(seen), "test_rows": _test(rows), "rows_stay": stay}
    if stay:
        became = draft.exchange(rows, name, dict.fromkeys(rows, ()))
        draft.exchange_in_cells(name, lambda _: None)
        done.count(in_words(seen, became))
        bare = sum(not labels_apart(key) for key in became.values())
        done.remarks += [f"To {counted(bare, 'row')} of {name!r} none of the labels applies now."] if bare else []
    else:
        draft.take_out(rows)
        note_overruled(draft, seen.values(), done)
        done.count([(row, name, "removed") for row in seen.values()])
    draft.record("remove_label", label=name, **facts)
    done.rows = len(rows)
    whole = rows_in_words(done.rows, _test(rows))
    done.words = f"{name!r} taken away ({whole}{', which stay' if stay and rows else ''})"
    return done


LABEL_CHANGES = {
    "rename_label": rename,
    "merge_label": merge,
    "add_label": add,
    "describe_label": describe,
    "remove_label": drop,
}


def new_label(name: str, description: str, examples: Sequence[str] = ()) -> Label:
    """Return a label.

    Raises:
        InvalidInput: the name holds what no label's name may hold.
    """
    try:
        return Label(name=name, description=description, examples=tuple(examples))
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"label {name!r}", reason, "Write it otherwise.") from error


def refuse_taken(draft: Draft, new: str, old: str | None = None) -> None:
    """Raise an `InvalidInput` if a label other than `old` is called `new`, or looks like it.

    Where the task does not have `old` (its rows do), they may join a label that it has.
    """
    taken = next(
        (name for name in draft.task.label_names if name != old and folded_name(name) == folded_name(new)), None
    )
    if taken is None or (old is not None and old not in draft.task.label_names and taken == new):
        return
    is_same = "is there already" if taken == new else f"looks like {taken!r}, which is there"
    raise InvalidInput(
        f"label {new!r}", is_same, "Take another name, or merge_label, which puts the rows of one label into another."
    )


def with_labels(
    task: Task,
    instead: Mapping[str, Sequence[Label]],
    became: Mapping[str, str] | None = None,
    last: Sequence[Label] = (),
) -> Task:
    """Return `task` with other labels in the place of each of `instead`, and `last` ones.

    `became` says which label has taken the rows of one that goes, so that its stated share goes there; where that is
    not known no share is stated any more.

    Raises:
        InvalidInput: it would have a single label, or too many, or lose the label of pairs that do not fit.
    """
    became = became or {}
    labels = [other for label in task.labels for other in instead.get(label.name, (label,))] + list(last)
    names = [label.name for label in labels]
    gone = [name for name in task.label_names if name not in names]
    mismatch = became.get(task.mismatch, task.mismatch) if task.mismatch else None
    fewer = len(labels) < len(task.labels)
    if task.mismatch in gone and (fewer or mismatch not in names):
        reason = "is the label of pairs that do not belong together"
        keep = f"Let a part keep its name, and be the mismatch; or name another one first: {task.naming_mismatch}."
        keep = "Keep it, and merge others into it." if fewer else keep
        raise InvalidInput(f"label {task.mismatch!r}", reason, keep)
    shares = dict(task.expected_shares or {})
    for name in gone:
        if name in became and name in shares:
            shares[became[name]] = shares.get(became[name], 0.0) + shares.pop(name)
    changes: dict[str, Any] = {"labels": tuple(labels), "mismatch": mismatch, "expected_shares": shares or None}
    if shares.keys() != set(names):
        changes["expected_shares"] = None
    try:
        return Task.model_validate({**dict(task), **changes})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        few = len(labels) < 2
        raise InvalidInput(
            f"task {task.slug!r}",
            f"would have one label, {names[0]!r}" if few else reason,
            _FEW if few else "Change the labels otherwise.",
        ) from error


_FEW = "Keep two: add another one first, such as 'other'. A task without labels gets its first ones by propose_topics."


def label_of(task: Task, name: str) -> Label | None:
    """Return the label `name` of `task`; None if the task has none, as where only rows have it."""
    return next((label for label in task.labels if label.name == name), None)


def _move(draft: Draft, old: str, new: str, rows: Mapping[int, Row]) -> dict[int, str]:
    """Give `rows` the label `new` for `old`, also where texts were written for it or to resemble it.

    Return what each has as its label then.
    """
    became = draft.exchange(rows, old, dict.fromkeys(rows, (new,)))
    if draft.task.multi_label:
        draft.exchange_in_cells(old, lambda _: new)
    draft.put("contrast", dict.fromkeys(draft.places_with("contrast", old), new))
    return became


def labels_before(rows: Mapping[int, Row]) -> dict[str, str]:
    """Return the label of each of `rows`, by the row's id."""
    return {row["id"]: row["label"] for row in rows.values()}


def rows_in_words(rows: int, tests: int) -> str:
    """Return the number of rows that a change of a label changes, of which so many are `tests`: test rows."""
    return counted(rows, "row") + (f", {tests} of them test rows" if tests else "")


def in_words(rows: Mapping[int, Row], became: Mapping[int, str]) -> list[tuple[Row, str, str]]:
    """Return `rows`, each with its labels before and with what they `became`, in words."""
    return [(row, key_in_words(row["label"]), key_in_words(became[place])) for place, row in rows.items()]


def _seen(rows: Mapping[int, Row]) -> dict[int, Row]:
    """Return those of `rows` that may be told of: no test row."""
    return {place: row for place, row in rows.items() if row["split"] != "test"}


def _test(rows: Mapping[int, Row]) -> int:
    return len(rows) - len(_seen(rows))
