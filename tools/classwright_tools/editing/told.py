"""Words on an edit: what it did, whose decisions and figures it touches, and labels left undescribed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import DONE_WORDS
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.task import Task

if TYPE_CHECKING:
    from classwright_tools.editing.draft import Done, Draft, Row

WAYS_LISTED, LABELS_LISTED = 3, 10


def note_overruled(draft: Draft, rows: Iterable[Row], done: Done) -> None:
    """Count with `done` those of `rows`, which change, that are as a person left them."""
    settled = Decided(draft.edits[: len(draft.edits) - len(draft.new)]).by_person
    before = (settled[row["id"]] for row in rows if row["id"] in settled)
    done.overruled.update(f"{edit.made} by {edit.decider} on {edit.when:%Y-%m-%d}" for edit in before)


def told_of_rows(done: Sequence[Done]) -> list[str]:
    """Return the sentences on the rows of all changes together: on persons' decisions, and on figures."""
    said, measured = sum((one.overruled for one in done), Counter[str]()), sum(one.measured for one in done)
    told = []
    if said:
        ways = listed((f"{rows:,} {way}" for way, rows in said.most_common()), WAYS_LISTED)
        rows_are = counted(
            said.total(), "of these rows is as a person left it", "of these rows are as a person left them"
        )
        told.append(f"{rows_are} ({ways}), whom this overrules.")
    if measured:
        told.append(
            f"{counted(measured, 'validation row')} among them: figures on these rows from before do not compare with "
            "later ones. Measure anew what is to be compared: evaluate."
        )
    return told


def in_few_words(done: Sequence[Done]) -> Iterator[str]:
    """Yield what the changes did, in a few words each; those that made the same of rows are counted together."""
    alike: defaultdict[str, list[Done]] = defaultdict(list)
    for one in done:
        alike[one.words or one.made or DONE_WORDS.get(one.action, one.action)].append(one)
    for words, same in alike.items():
        if same[0].words:
            yield from [words] * len(same)
            continue
        rows, bare = (sum(getattr(one, name) for one in same) for name in ("rows", "bare"))
        yield f"{counted(rows, 'row')} {words}" + (f" ({bare} unlabelled before)" if bare else "")


def undescribed(before: Task, now: Task) -> str:
    """Return which labels have no description now, and how they get one; "" where they had none, or no label has."""
    described = {label.name: label.description for label in before.labels}
    bare = [one.name for one in now.labels if not one.description and described.get(one.name) != ""]
    if not bare or not any(described.values()):
        return ""
    change = {"action": "describe_label", "label": bare[0], "description": "..."}
    return (
        f"Nothing says what belongs to {listed(map(repr, bare), LABELS_LISTED)}, to writers, annotators and readers of "
        f"an export: edit_examples(task={now.slug!r}, changes=[{change}], reason=...)."
    )
