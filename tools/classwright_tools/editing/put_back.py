"""Rows put back as they were before the version that changed them, and what persons had said of them with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from classwright_tools.domain.edits import Decided, Edit
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.labels_since import label_since
from classwright_tools.editing.draft import Done, Draft, Row, keyed, text_of
from classwright_tools.editing.row_changes import key_since
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_edits, read_table

NOT_CHANGED = "that it changed nothing of"
CHANGED_SINCE = "that were changed again since"
ENDED = "of a label that has ended"


class _Rows:
    """Rows of a version by their ids, and what its edits say of them; by `later` ones its labels are called as now."""

    def __init__(
        self, draft: Draft, table: Any, edits: Sequence[Edit], ids: Collection[str], later: Sequence[Edit]
    ) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self._draft = draft
        found = table.filter(pc.is_in(table["id"], pa.array(ids, pa.string()))).to_pylist()
        self.rows: dict[str, Row] = {row["id"]: row for row in found}
        self.later = later
        self._decided = Decided(edits)

    def label(self, id_: str) -> str | None:
        """Return what the label of a row is called by now, or all its labels; None of one that has ended."""
        return key_since(self._draft, self.rows[id_]["label"], self.later)

    def named_now(self, id_: str) -> Row:
        """Return a row with what its labels are called by now."""
        row, label = self.rows[id_], self.label(id_)
        several = {"labels": None if label is None else list(labels_apart(label))} if "labels" in row else {}
        contrast = label_since(row["contrast"], self.later) or row["contrast"]
        return row | {"label": label, "contrast": contrast} | several

    def state(self, id_: str) -> tuple[object, ...]:
        """Return how a row is, to be compared with how it is in another version."""
        return (id_ in self.rows and (self.label(id_),), self._decided.said_of(id_))


def put_back(draft: Draft, ids: Sequence[str] | None, *, before: str, after: str) -> tuple[Done, list[str]]:
    """Put rows back as they are in `before`, if they are still as in `after`, which was made of it; name those put.

    `ids` are those of `before`. None: of all rows that `after` changed; then those that it brought in are taken out.
    The rows' labels go by the names that they have by now.

    Raises:
        InvalidInput: the draft does not come from `after`.
    """
    workspace = draft.context.workspace
    made = read_edits(workspace, after)
    if tuple(draft.edits[: len(made)]) != made:
        reason = f"does not come from {after}: it went back to an earlier version"
        raise InvalidInput(f"dataset {draft.dataset!r}", reason, "There is nothing to take back.")
    first = read_edits(workspace, before)
    own = made[len(first) :]
    new_id = {old: new for edit in own if edit.action == "rewrite" for new, old in edit.rows.items()}
    there, here = keyed(read_table(workspace, before)), keyed(read_table(workspace, after))
    touched = {id_ for edit in own for id_ in edit.rows} | {new_id.get(id_, id_) for id_ in changed_rows(there, here)}
    came = [] if ids is not None else sorted(touched & set(here["id"].to_pylist()) - set(there["id"].to_pylist()))
    if ids is None:
        old_id = {new: old for old, new in new_id.items()}
        ids = sorted(old_id.get(id_, id_) for id_ in touched)
    either = [*ids, *(new_id[id_] for id_ in ids if id_ in new_id), *came]
    later = draft.edits[len(made) :]  # the version's own changes of labels are taken back before
    then = _Rows(draft, there, first, either, later)
    since = _Rows(draft, here, made, either, later)
    now = _Rows(draft, draft.table, draft.edits, either, ())
    done = Done("undo")
    back: dict[str, str] = {}  # the ids that the rows have now, by those that they had
    for id_ in filter(then.rows.__contains__, ids):
        is_now = new_id.get(id_, id_)
        if is_now not in touched:
            done.left[NOT_CHANGED] += 1
        elif now.state(is_now) != since.state(is_now) or (id_ != is_now and id_ in now.rows):
            done.left[CHANGED_SINCE] += 1
        elif not _has_label(draft, then, id_):
            done.left[ENDED] += 1
        else:
            back[id_] = is_now
    out = [id_ for id_ in came if id_ not in back.values() and id_ not in new_id.values()]
    moved = [id_ for id_ in out if now.state(id_) != since.state(id_)]
    done.left[CHANGED_SINCE] += len(moved)
    rows = {id_: then.named_now(id_) for id_ in back}
    _write(draft, rows, back, now.rows, since.rows, then.rows)
    _record(draft, rows, back, now.rows, before)
    _take_out(draft, done, [id_ for id_ in out if id_ not in moved])
    done.count(
        [
            (row, text_of(now.rows[back[id_]]) if back[id_] in now.rows else "removed", text_of(row))
            for id_, row in rows.items()
        ]
    )
    return done, list(back)


def _has_label(draft: Draft, then: _Rows, id_: str) -> bool:
    """Whether the label that a row had then, or each of several, is one that the task still has."""
    label = then.label(id_)
    return then.rows[id_]["label"] is None or (label is not None and draft.has_labels(label))


def changed_rows(before: Any, after: Any) -> list[str]:
    """Return the ids of the rows of the table `before` that `after` has not, or has otherwise."""
    import pyarrow.compute as pc

    places = pc.index_in(before["id"], value_set=after["id"].combine_chunks())
    stays = pc.is_valid(places)
    there, here = before.filter(stays), after.take(places.filter(stays))
    found = set(before.filter(pc.invert(stays))["id"].to_pylist())
    for column in (name for name in before.column_names if name != "labels"):  # they stand joined in "label"
        same = pc.fill_null(pc.equal(there[column], here[column]), False)
        both_lack = pc.and_(pc.is_null(there[column]), pc.is_null(here[column]))
        found |= set(there.filter(pc.invert(pc.or_(same, both_lack)))["id"].to_pylist())
    return sorted(found)


def _take_out(draft: Draft, done: Done, ids: Collection[str]) -> None:
    """Take rows out that the version which is undone had brought in, and record it; of test rows only their number."""
    places = [number for number, id_ in enumerate(draft.table["id"].to_pylist()) if id_ in set(ids)]
    rows = draft.table.take(places).to_pylist() if places else []
    draft.take_out(places)
    if rows:
        own = {row["id"]: row["label"] or "" for row in rows if row["split"] != "test"}
        draft.record("remove", rows=own, test_rows=len(rows) - len(own))
        done.count([(row, text_of(row), "removed") for row in rows])


def _write(
    draft: Draft,
    rows: dict[str, Row],
    back: dict[str, str],
    now: dict[str, Row],
    since: dict[str, Row],
    then: dict[str, Row],
) -> None:
    """Give rows what the version which is undone had changed of them; those that are gone come back whole."""
    import pyarrow as pa

    place = {id_: number for number, id_ in enumerate(draft.table["id"].to_pylist())}
    there = {id_: place[back[id_]] for id_ in rows if back[id_] in now}
    for column in draft.table.column_names:
        if column != "labels":  # they follow what is joined in "label"
            changed = {
                number: rows[id_][column]
                for id_, number in there.items()
                if back[id_] not in since or then[id_][column] != since[back[id_]][column]
            }
            draft.put(column, changed)
    gone = [row for id_, row in rows.items() if id_ not in there]
    if gone:
        draft.add(pa.Table.from_pylist(gone, draft.table.schema))


def _record(draft: Draft, rows: dict[str, Row], back: dict[str, str], now: dict[str, Row], version: str) -> None:
    """Add the edits that tell of the rows, so that the history of each says what happened to it.

    Test rows are counted alone.
    """
    tests = sum(row["split"] == "test" for row in rows.values())
    rows = {id_: row for id_, row in rows.items() if row["split"] != "test"}
    restored = {id_: row["label"] or "" for id_, row in rows.items() if back[id_] not in now}
    rewritten = {id_: back[id_] for id_ in rows if id_ != back[id_] and back[id_] in now}
    relabelled: defaultdict[str | None, dict[str, str]] = defaultdict(dict)
    for id_, row in rows.items():
        if back[id_] in now and (was := now[back[id_]]["label"]) != row["label"]:
            relabelled[None if draft.task.multi_label else row["label"]][id_] = was or ""
    if restored:
        draft.record("restore", rows=restored)
    if rewritten:
        draft.record("rewrite", rows=rewritten)
    for label, of_label in relabelled.items():
        draft.record("relabel", label=label, rows=of_label)
    if rows or tests:
        own = {id_: row["label"] or "" for id_, row in rows.items()}
        draft.record("undo", version=version, rows=own, test_rows=tests)
