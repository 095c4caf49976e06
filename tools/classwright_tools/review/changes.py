"""The changes of a dataset that decisions come to: what stands last of each row, by whom, and what others said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from classwright_tools.domain.changes import Change
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import example_id
from classwright_tools.domain.label_sets import NONE_KEY, labels_apart, named_together
from classwright_tools.domain.opinions import GONE, Opinions, RowOpinions
from classwright_tools.domain.pair import joined
from classwright_tools.domain.selection import MOST_IDS, RowSelection
from classwright_tools.editing.draft import Done, Draft
from classwright_tools.editing.versions import applied
from classwright_tools.review.decisions import Entry
from classwright_tools.review.later import brought_up
from classwright_tools.review.words import Fate, Word, fates_of

NOT_THERE = "whose row is no longer there"
NO_SUCH_LABEL = "whose label the task no longer has"
HAS_LABEL = "that no label fits, whose row got one meanwhile"
REPEATS = "whose new text another row has"


class Carried(NamedTuple):
    """What changes did, and how many decisions come to none, by the reason."""

    done: tuple[Done, ...]
    left: Mapping[str, int]


def carried_out(
    draft: Draft,
    waiting: Sequence[Entry],
    name_of: Callable[[Entry], str | None],
    among: Collection[str] | None = None,
) -> Carried:
    """Change the rows of a draft by `waiting` decisions, the oldest first; only those rows of it that are `among` some.

    Of a row that several persons decided on the last word stands, and what the others said is kept beside it.
    """
    ids, labels = (draft.table[name].to_pylist() for name in ("id", "label"))
    own = {id_: label for id_, label in zip(ids, labels, strict=True) if among is None or id_ in among}
    left: Counter[str] = Counter()
    names = set(draft.task.label_names)
    possible = []
    for entry in brought_up(waiting, draft.edits, own, draft.task.label_names):
        decision = entry.decision
        if not {*filter(None, [decision.label]), *(decision.labels or ())} <= names:
            left[NO_SUCH_LABEL] += len(decision.rows)
            continue
        left[NOT_THERE] += sum(row not in own for row in decision.rows)
        if decision.action == "fits_none":
            bare = tuple(row for row in decision.rows if own.get(row) is None)
            left[HAS_LABEL] += len(decision.rows) - len(bare)
            entry = replace(entry, decision=decision.model_copy(update={"rows": bare}))
        possible.append(entry)
    fates = fates_of(possible, name_of, own)
    _drop_repeats(fates, set(ids), left)
    done = tuple(_carry(draft, fates, own))
    draft.signed = {}
    return Carried(done, +left)


def _drop_repeats(fates: Mapping[str, Fate], rows: Collection[str], left: Counter[str]) -> None:
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


def _carry(draft: Draft, fates: Mapping[str, Fate], own: Mapping[str, str | None]) -> Iterator[Done]:
    """Change the draft, many rows at a time; texts come last, since a row's id changes with its text."""
    decided, opinions = Decided(draft.edits), Opinions(draft.edits, draft.task.label_names)
    standing = {row: fate.standing for row, fate in fates.items()}
    again = {
        row: word
        for row, word in standing.items()
        if word and word.key == own[row] and row in decided.by_person and row not in decided.flagged
    }
    beside = {row: fate.beside for row, fate in fates.items()}
    _keep_each(draft, opinions, {row: earlier for row, (earlier, _) in beside.items()})
    changes: defaultdict[tuple[str, str | None, Word], list[str]] = defaultdict(list)
    for row, word in standing.items():
        if word and row not in again:
            action = _action(draft, word, own[row])
            key = word.key if action == "relabel" else None
            changes[action, key, word._replace(key=None)].append(row)
    gone = {row for row, fate in fates.items() if fate.is_removed}
    for row, fate in fates.items():
        for mark, name in fate.marks.items() if row not in gone else ():
            changes[mark, None, Word(name, None)].append(row)
    order = ("relabel", "fits_none", "approve", "good_example", "flag", "remove")
    for (action, key, word), rows in sorted(changes.items(), key=lambda one: order.index(one[0][0])):
        draft.signed = word.signed
        if action == "fits_none":
            draft.record(action, rows=dict.fromkeys(rows, ""), none_of=draft.task.label_names)
            yield Done(action, rows=len(rows))
            continue
        yield from (applied(draft, change) for change in _changes(action, rows, _written(draft, key)))
    _keep(draft, opinions, again)
    _keep_each(draft, opinions, {row: later for row, (_, later) in beside.items()})
    yield from _rewritten(draft, {row: fate for row, fate in fates.items() if row not in gone})


def _action(draft: Draft, word: Word, own: str | None) -> str:
    """Return what is done to a row of which a word stands; `own` is its label key."""
    if word.key == GONE:
        return "remove"
    if word.key == NONE_KEY and not draft.task.multi_label:
        return "fits_none"
    return "approve" if word.key in (own, None) else "relabel"


def _rewritten(draft: Draft, fates: Mapping[str, Fate]) -> Iterator[Done]:
    """Write texts anew, and flag those that are flagged: a new text takes a flag away."""
    for row, fate in fates.items():
        if fate.text is None:
            continue
        draft.signed = {"person": fate.text_by}
        text, text_pair = fate.text
        named = RowSelection(ids=(row,))
        yield applied(draft, Change(action="rewrite", rows=named, text=text, text_pair=text_pair))
        if "flag" in fate.marks:
            draft.signed = {"person": fate.marks["flag"]}
            yield from (applied(draft, one) for one in _changes("flag", [example_id(joined(*fate.text))], None))


def _keep_each(draft: Draft, opinions: Opinions, said: Mapping[str, Sequence[Word]]) -> None:
    """Keep all that was `said` of rows, the words of each in their order."""
    for step in range(max(map(len, said.values()), default=0)):
        _keep(draft, opinions, {row: words[step] for row, words in said.items() if step < len(words)})


def _keep(draft: Draft, opinions: Opinions, said: Mapping[str, Word]) -> None:
    """Keep what was `said` of rows beside what stands, where the edits before do not have it."""
    rows: defaultdict[Word, dict[str, str]] = defaultdict(dict)
    for row, word in said.items():
        known = opinions.of_row.setdefault(row, RowOpinions())
        is_known = known.said.get(word.name or "") == word.key
        if word.key is not None and not (is_known and not word.settles) and (word.name or word.settles or word.second):
            rows[word._replace(key=None)][row] = word.key
            word.put_in(known)
    for word, of_word in rows.items():
        draft.signed = word.signed
        draft.record("opinion", rows=of_word, blind=word.second)


def _written(draft: Draft, key: str | None) -> str | None:
    """Return a label key as callers write it."""
    return named_together(labels_apart(key)) if key is not None and draft.task.multi_label else key


def _changes(action: str, rows: Sequence[str], label: str | None) -> Iterable[Change]:
    for start in range(0, len(rows), MOST_IDS):
        fields = {"action": action, "rows": RowSelection(ids=tuple(rows[start : start + MOST_IDS])), "label": label}
        yield Change.model_validate(fields)
