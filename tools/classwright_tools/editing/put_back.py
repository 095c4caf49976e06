"""Rows put back as they were before the version that changed them, and what persons had said of them with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import VOUCH_FOR_LABELS, Edit, decided_since, edits_apart, ids_after
from classwright_tools.domain.labels_since import without_partings
from classwright_tools.domain.row_history import history
from classwright_tools.editing.draft import Done, Draft, Row, text_of
from classwright_tools.editing.kept import (
    Kept,
    in_sentences,
    kept_ended,
    kept_in,
    kept_label,
    kept_out,
    kept_text,
    label_in_words,
)
from classwright_tools.editing.label_back import LabelBack, RowsOf, cell_back, label_back
from classwright_tools.editing.row_table import keyed, rows_apart
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_edits, read_table

NOT_CHANGED = "not changed by it"
CHANGED_SINCE = "changed again since"
REMOVED_SINCE = "removed since"
ENDED = "of a label that has ended"
_TEXT = ("id", "text", "text_pair")


@dataclass(frozen=True)
class _Given:
    """What a row gets back: its ids after the edit, now, and then again; its label, with what belongs to it, or not."""

    was: str
    now: str
    id: str
    label: LabelBack | None = None


def put_back(
    draft: Draft, ids: Sequence[str] | None, *, before: str, after: str, whole: Collection[str] = ()
) -> tuple[Done, dict[str, str]]:
    """Give rows back what `after`, which was made of `before`, changed of them; name those put back by their ids now.

    A row is followed through later rewrites. Its text, its label and each mark come back by themselves: what somebody
    changed since stays, and is told by the row's id. `ids` are those of `before`. None: of all rows that `after`
    changed; then those that it brought in are taken out. The rows' labels go by the names that they have by now. Rows
    that are `whole` come back in all, or not at all.

    Raises:
        InvalidInput: the draft does not come from `after`.
    """
    workspace = draft.context.workspace
    made = read_edits(workspace, after)
    lacking, later = edits_apart(made, draft.edits)  # the version's own changes of labels are taken back before
    if lacking:
        reason = f"does not come from {after}: it went back to an earlier version"
        raise InvalidInput(f"dataset {draft.dataset!r}", reason, "There is nothing to take back.")
    _, own = edits_apart(read_edits(workspace, before), made)
    # The draft's own objects: for each row edits are compared, and two that are equal but not one by all their rows.
    made = tuple(draft.edits[: len(made)])
    first = made[: len(made) - len(own)]
    new_id = {old: new for edit in own if edit.action == "rewrite" for new, old in edit.rows.items()}
    there, here = keyed(read_table(workspace, before)), keyed(read_table(workspace, after))
    touched = {id_ for edit in own for id_ in edit.rows} | {new_id.get(id_, id_) for id_ in rows_apart(there, here)}
    came = [] if ids is not None else sorted(touched & set(here["id"].to_pylist()) - set(there["id"].to_pylist()))
    if ids is None:
        old_id = {new: old for old, new in new_id.items()}
        ids = sorted(old_id.get(id_, id_) for id_ in touched)
    is_now = ids_after(later)
    either = {*ids, *(new_id[id_] for id_ in ids if id_ in new_id), *came}
    either |= {is_now[id_] for id_ in either if id_ in is_now}
    # Of a label that lost some rows, what has its name goes on; a row that went to a part has another label.
    named = without_partings(later, draft.task.label_names)
    then = RowsOf(draft, there, first, either, named)
    since = RowsOf(draft, here, made, either, named)
    now = RowsOf(draft, draft.table, draft.edits, either, ())
    undoing = _Undoing(draft, then, since, now, later)
    for id_ in filter(then.rows.__contains__, ids):
        was = new_id.get(id_, id_)
        if was not in touched:
            undoing.done.left[NOT_CHANGED] += 1
        else:
            undoing.look(id_, was, is_now.get(was, was), whole=id_ in whole)
    given, done = undoing.given, undoing.done
    put = {*new_id.values(), *(one.id for one in given.values())}
    out = [id_ for id_ in came if id_ not in put and undoing.goes_out(id_, is_now.get(id_, id_))]
    rows = {id_: undoing.row(id_) for id_ in given}
    _write(draft, rows, {id_: one.now for id_, one in given.items() if one.now in now.rows})
    _record(draft, list(rows.values()), [given[id_].now for id_ in rows], now.rows, before)
    _take_out(draft, done, out)
    said = Decided(draft.edits)
    for id_, one in given.items():
        marks = (now.said.marks_in_words(one.now), said.marks_in_words(one.id))
        done.count([(rows[id_], *_told(now.rows.get(one.now), rows[id_], marks))])
    done.remarks.extend(in_sentences(draft, undoing.kept))
    return done, {id_: one.id for id_, one in given.items()}


class _Undoing:
    """Finds out what each row gets back, and what it keeps: the row `then`, `since` the undone edit, and `now`."""

    def __init__(self, draft: Draft, then: RowsOf, since: RowsOf, now: RowsOf, later: Sequence[Edit]) -> None:
        self._draft, self._then, self._since, self._now, self._later = draft, then, since, now, later
        self._vouched = decided_since(later)
        self.done = Done("undo")
        self.given: dict[str, _Given] = {}
        self.kept: list[Kept] = []

    def look(self, id_: str, was: str, is_now: str, *, whole: bool) -> None:
        """Find out about the row that had the id `id_` then, `was` after the edit, and has `is_now`."""
        since, now = self._since, self._now
        if was not in since.rows or is_now not in now.rows:
            self._look_whether_there(id_, was, is_now)
            return
        old, row = self._then.rows[id_], now.rows[is_now]
        before, after, said = self._then.said.said_of(id_), since.said.said_of(was), now.said.said_of(is_now)
        marks = any(one != two == three for one, two, three in zip(before, after, said, strict=True))
        if not marks and row == self._then.named_now(id_):
            return  # it is as before the edit already
        new_text, new_label = id_ != was, any(old[name] != since.rows[was][name] for name in old if name not in _TEXT)
        keeps_text = new_text and (was != is_now or id_ in now.rows)
        label = label_back(self._draft, (self._then, id_), (since, was), row) if new_label else None
        revouched = is_now in self._vouched and now.said.voucher(is_now) != since.said.voucher(was)
        keeps_label = label is not None and (
            not label.stands or (revouched and self._is_decided(is_now, row, label.changed))
        )
        ends = label is not None and not keeps_label and label.ends
        gets_label = label is not None and not (keeps_label or ends)
        gets = (new_text and not keeps_text) or gets_label or marks
        is_same = was == is_now and now.state(is_now) == since.state(was) and not (keeps_text or keeps_label)
        if gets and (is_same or not whole) and not (ends and not new_text):
            id_again = id_ if new_text and not keeps_text else is_now
            self.given[id_] = _Given(was, is_now, id_again, label if gets_label else None)
        if ends:
            self.done.left[ENDED] += 1
        elif keeps_text or keeps_label or id_ not in self.given:
            self.done.left[CHANGED_SINCE] += 1
        if row["split"] == "test":  # of which nothing is told
            return
        if ends:
            self.kept.append(kept_ended(row, old["label"]))
        if label is not None and keeps_label:
            why, had = self._last(is_now, row, VOUCH_FOR_LABELS), self._then.label(id_)
            mended = had if why and why.labels is not None else label.key  # else what it has beside them stays
            self.kept.append(kept_label(self._draft, row, had or old["label"], mended, why))
        if keeps_text:
            self.kept.append(kept_text(row, old, self._last(is_now, row, ("rewrite",))))

    def _look_whether_there(self, id_: str, was: str, is_now: str) -> None:
        """Find out about a row that the edit removed, or that is gone now."""
        old = self._then.rows[id_]
        if was in self._since.rows:
            self.done.left[REMOVED_SINCE] += 1
            if old["split"] != "test":
                self.kept.append(kept_out(is_now, self._last(is_now, self._since.rows[was])))
        elif self._now.rows.get(is_now) == self._then.named_now(id_):
            return
        elif is_now in self._now.rows:
            self.done.left[CHANGED_SINCE] += 1
            if old["split"] != "test":
                row = self._now.rows[is_now]
                self.kept.append(kept_in(row, self._last(is_now, row, ("restore",))))
        elif self._then.has_label(id_):
            self.given[id_] = _Given(was, id_, id_)
        else:
            self.done.left[ENDED] += 1

    def goes_out(self, id_: str, is_now: str) -> bool:
        """Whether a row that the edit brought in is taken out: it is there, and nobody changed it since."""
        row = self._now.rows.get(is_now)
        if row is None:
            return False
        if id_ == is_now and self._now.state(id_) == self._since.state(id_):
            return True
        self.done.left[CHANGED_SINCE] += 1
        if row["split"] != "test":
            self.kept.append(kept_in(row, self._last(is_now, row)))
        return False

    def row(self, id_: str) -> Row:
        """Return a row as it is with what it gets back; one that is gone comes back whole."""
        given, old = self.given[id_], self._then.named_now(id_)
        row = self._now.rows.get(given.now)
        if row is None:
            return old
        text = {name: old[name] for name in _TEXT if name in old} if given.id != given.now else {}
        if given.label is None:
            return row | text
        before, after = self._then.rows[id_], self._since.rows[given.was]
        old["label"] = given.label.key
        if "cell_label" in old:
            old["cell_label"] = cell_back(self._draft, before, after, row, self._then.later)
        return row | {name: old[name] for name in old if name not in _TEXT and before[name] != after[name]} | text

    def _is_decided(self, id_: str, row: Row, changed: Collection[str] | None) -> bool:
        """Whether somebody decided later on labels that were `changed`: to add others is no word on them."""
        past = (one.edit for one in history(self._later, id_, row["label"]) if one.edit.action in VOUCH_FOR_LABELS)
        return any(changed is None or not (own := {*one.added, *one.taken}) or own & {*changed} for one in past)

    def _last(self, id_: str, row: Row, actions: Sequence[str] = ()) -> Edit | None:
        """Return the newest later edit of a row, of some `actions`."""
        past = history(self._later, id_, row["label"])
        return next((one.edit for one in past if not actions or one.edit.action in actions), None)


def _take_out(draft: Draft, done: Done, ids: Collection[str]) -> None:
    """Take rows out that the version which is undone had brought in, and record it; of test rows only their number."""
    out = set(ids)
    places = [number for number, id_ in enumerate(draft.table["id"].to_pylist()) if id_ in out]
    rows = draft.table.take(places).to_pylist() if places else []
    draft.take_out(places)
    if rows:
        own = {row["id"]: row["label"] or "" for row in rows if row["split"] != "test"}
        draft.record("remove", rows=own, test_rows=len(rows) - len(own))
        done.count([(row, label_in_words(row["label"]), "removed") for row in rows])


def _write(draft: Draft, rows: Mapping[str, Row], there: Mapping[str, str]) -> None:
    """Give the rows that are `there`, by their ids now, what they have in `rows`; the others come back whole."""
    import pyarrow as pa

    place = {id_: number for number, id_ in enumerate(draft.table["id"].to_pylist())}
    values = {place[now]: rows[id_] for id_, now in there.items()}
    was = dict(zip(values, draft.table.take(list(values)).to_pylist(), strict=True)) if values else {}
    for column in draft.table.column_names:
        if column != "labels":  # they follow what is joined in "label"
            changed = {number: row[column] for number, row in values.items() if row[column] != was[number][column]}
            draft.put(column, changed)
    gone = [row for id_, row in rows.items() if id_ not in there]
    if gone:
        draft.add(pa.Table.from_pylist(gone, draft.table.schema))


def _record(draft: Draft, back: Sequence[Row], ids: Sequence[str], now: Mapping[str, Row], version: str) -> None:
    """Add the edits that tell of the rows `back`, whose `ids` were these, so that the history of each says it.

    Test rows are counted alone.
    """
    tests = sum(row["split"] == "test" for row in back)
    rows = {id_: row for id_, row in zip(ids, back, strict=True) if row["split"] != "test"}
    restored = {row["id"]: row["label"] or "" for id_, row in rows.items() if id_ not in now}
    rewritten = {row["id"]: id_ for id_, row in rows.items() if row["id"] != id_}
    relabelled: defaultdict[str | None, dict[str, str]] = defaultdict(dict)
    for id_, row in rows.items():
        if id_ in now and (was := now[id_]["label"]) != row["label"]:
            relabelled[None if draft.task.multi_label else row["label"]][row["id"]] = was or ""
    if restored:
        draft.record("restore", rows=restored)
    if rewritten:
        draft.record("rewrite", rows=rewritten)
    for label, of_label in relabelled.items():
        draft.record("relabel", label=label, rows=of_label)
    if rows or tests:
        own = {row["id"]: row["label"] or "" for row in rows.values()}
        draft.record("undo", version=version, rows=own, test_rows=tests)


def _told(was: Row | None, row: Row, marks: tuple[str, str]) -> tuple[str, str]:
    """Return what of a row was before, and is after: its label, its text, both, or what was said of it."""
    if was is None:
        return "removed", label_in_words(row["label"])
    labels, texts = (was["label"], row["label"]), (text_of(was), text_of(row))
    if labels[0] == labels[1] and texts[0] == texts[1]:
        return marks
    words = [label_in_words(label) if labels[0] != labels[1] else "" for label in labels]
    old, new = (
        ": ".join(filter(None, (word, text if texts[0] != texts[1] else "")))
        for word, text in zip(words, texts, strict=True)
    )
    return old, new
