"""The word of each person on a row: what decisions that wait say of it, one after the other, and which one stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from classwright_tools.domain.opinions import GONE, RowOpinions
from classwright_tools.review.decisions import Entry


class Word(NamedTuple):
    """What somebody says of a row: its `Example.label_key`, or `GONE`; None accepts that it has none."""

    name: str | None
    key: str | None
    settles: bool


@dataclass
class Fate:
    """What becomes of one row by decisions, and who says so."""

    words: list[Word] = field(default_factory=list)
    """On whether it stays and on its labels, the last one of each person who decided on it in a row."""
    seconds: list[Word] = field(default_factory=list)
    """Said without the others' being seen: these change nothing."""
    is_removed: bool = False
    marks: dict[str, str | None] = field(default_factory=dict)
    text: tuple[str, str | None] | None = None
    text_by: str | None = None

    @property
    def standing(self) -> Word | None:
        """The word that counts: the last one, but a removal that somebody took back by another decision."""
        return next((word for word in reversed(self.words) if self.is_removed or word.key != GONE), None)

    @property
    def overruled(self) -> list[Word]:
        """The words that another's stands against."""
        return [word for word in self.words if word is not self.standing]

    def decide(self, entry: Entry, name: str | None, own: str | None) -> None:
        """Let a decision count; one that says something of the row again takes a removal back.

        `own` is what the row has in the dataset.
        """
        decision = entry.decision
        if decision.action in ("flag", "good_example"):
            self.marks[decision.action] = name
            return
        key = GONE if decision.action == "remove" else decision.key
        if decision.second:
            self.seconds.append(Word(name, own if key is None else key, settles=False))
            return
        self.is_removed = decision.action == "remove"
        if decision.action == "edit":
            self.text, self.text_by = (decision.text or "", decision.text_pair), name
            return
        if key is None:
            key = next((word.key for word in reversed(self.words) if word.key != GONE), own)
        word = Word(name, key, decision.settles)
        if self.words and self.words[-1].name == name:
            word = word._replace(settles=word.settles or self.words[-1].settles)
            self.words.pop()
        self.words.append(word)

    def told(self, before: RowOpinions | None) -> RowOpinions:
        """Return what persons said of the row, `before` and by these decisions."""
        row = before.copy() if before else RowOpinions()
        for word in (*self.overruled, *filter(None, [self.standing])):
            if word.key is not None:
                row.take(word.name, word.key, settles=word.settles)
        for word in self.seconds:
            if word.key is not None:
                row.take(word.name, word.key, blind=True)
        return row


def fates_of(
    waiting: Iterable[Entry], name_of: Callable[[Entry], str | None], own: Mapping[str, str | None]
) -> dict[str, Fate]:
    """Return what becomes of rows by `waiting` decisions, the oldest first; `own` has the label key of each row."""
    fates: defaultdict[str, Fate] = defaultdict(Fate)
    for entry in waiting:
        name = name_of(entry)
        for row in entry.decision.rows:
            if row in own:
                fates[row].decide(entry, name, own[row])
    return dict(fates)
