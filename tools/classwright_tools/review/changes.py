"""The changes of a dataset that decisions come to: what stands last of each row, put together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from classwright_tools.domain.changes import Change
from classwright_tools.domain.example import example_id
from classwright_tools.domain.pair import joined
from classwright_tools.domain.selection import MOST_IDS, RowSelection
from classwright_tools.review.decisions import Entry

GONE = "whose row is no longer there"
NO_SUCH_LABEL = "whose label the task no longer has"
REPEATS = "whose new text another row has"


@dataclass
class _Fate:
    """What becomes of one row; its label is written as callers write several."""

    label: str | None = None
    is_approved: bool = False
    is_removed: bool = False
    marks: set[str] = field(default_factory=set)
    text: tuple[str, str | None] | None = None


@dataclass(frozen=True)
class Changes:
    """Changes, and how many decisions come to none, by the reason."""

    changes: tuple[Change, ...]
    left: Mapping[str, int]


def changes_of(waiting: Sequence[Entry], rows: Collection[str], labels: Collection[str]) -> Changes:
    """Return the changes of `waiting` decisions, the oldest first, to a dataset of `rows` (ids), a task of `labels`."""
    fates: defaultdict[str, _Fate] = defaultdict(_Fate)
    left: Counter[str] = Counter()
    for entry in waiting:
        decision = entry.decision
        if not {*filter(None, [decision.label]), *(decision.labels or ())} <= set(labels):
            left[NO_SUCH_LABEL] += len(decision.rows)
            continue
        there = [row for row in decision.rows if row in rows]
        left[GONE] += len(decision.rows) - len(there)
        for row in there:
            _decide(fates[row], entry)
    _drop_repeats(fates, rows, left)
    return Changes(tuple(_grouped(fates)), +left)


def _decide(fate: _Fate, entry: Entry) -> None:
    """Let a decision count; one that says something of the row again takes a removal back."""
    decision = entry.decision
    if decision.action in ("flag", "good_example"):
        fate.marks.add(decision.action)
        return
    fate.is_removed = decision.action == "remove"
    if decision.action == "edit":
        fate.text = (decision.text or "", decision.text_pair)
    elif decision.action in ("accept", "relabel"):
        fate.label = decision.named or fate.label
        fate.is_approved = True


def _drop_repeats(fates: Mapping[str, _Fate], rows: Collection[str], left: Counter[str]) -> None:
    """Leave texts out that a row has, or is to have already: a dataset holds a text once."""
    taken: set[str] = set()
    for row, fate in fates.items():
        if fate.text is None or fate.is_removed:
            continue
        id_ = example_id(joined(*fate.text))
        if id_ != row and (id_ in rows or id_ in taken):
            fate.text = None
            left[REPEATS] += 1
        taken.add(id_)


def _grouped(fates: Mapping[str, _Fate]) -> Iterator[Change]:
    """Yield the changes, each of many rows; texts come last, since a row's id changes with its text."""
    kept = {row: fate for row, fate in fates.items() if not fate.is_removed}
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    for row, fate in kept.items():
        if fate.label is not None:
            by_label[fate.label].append(row)
    for label, rows in by_label.items():
        yield from _changes("relabel", rows, label)
    yield from _changes("approve", [row for row, fate in kept.items() if fate.is_approved and fate.label is None])
    for mark in ("good_example", "flag"):
        yield from _changes(mark, [row for row, fate in kept.items() if mark in fate.marks])
    yield from _changes("remove", [row for row, fate in fates.items() if fate.is_removed])
    for row, fate in kept.items():
        if fate.text is not None:
            text, text_pair = fate.text
            named = RowSelection(ids=(row,))
            yield Change(action="rewrite", rows=named, text=text, text_pair=text_pair)


def _changes(action: str, rows: Sequence[str], label: str | None = None) -> Iterable[Change]:
    for start in range(0, len(rows), MOST_IDS):
        fields = {"action": action, "rows": RowSelection(ids=tuple(rows[start : start + MOST_IDS])), "label": label}
        yield Change.model_validate(fields)
