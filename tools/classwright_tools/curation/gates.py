"""The gates that every written text passes before it becomes a row, each with its reason and its repair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from classwright_tools.curation.duplicates import Match, NearDuplicates
from classwright_tools.curation.label_leaks import is_identifier, leaks_in
from classwright_tools.curation.languages import wrong_language
from classwright_tools.curation.plain_matches import PlainMatches
from classwright_tools.curation.real_texts import RealTexts
from classwright_tools.curation.rows_language import RowsLanguages, languages_of_rows
from classwright_tools.curation.shown_texts import ShownTexts
from classwright_tools.curation.text_checks import debris, letter_count, word_count
from classwright_tools.domain.cleaning import is_broken
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import SPLITS, Example, Split, example_id
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.domain.pair import Content, joined
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_rules import TextRules
from classwright_tools.workspace.datasets import iterate_rows, read_edits
from classwright_tools.workspace.workspace import Workspace

Reason = Literal[
    "duplicate",
    "near-duplicate",
    "near-duplicate of a test row",
    "near-duplicate of a validation row",
    "near-duplicate of a shown text",
    "wrong language",
    "too short",
    "too long",
    "label name leaked",
    "unparsable",
    "other label more likely",
    "plain match",
    "removed before",
]
TEST_REPEATED: Reason = "near-duplicate of a test row"
_MEASURES = "{} rows measure the classifier and must not be trained on."
# Evaluation rows first: a text that repeats one must be called what it is.
_COMPARED_WITH: tuple[Split, ...] = ("test", "validation", "train")
# Real texts that tell what the task's texts are like. A test row is only compared with.
_TELLING: tuple[Split, ...] = ("validation", "train", "unlabelled")


class _Row(NamedTuple):
    """A row that texts are compared with."""

    id: str
    label: str | None


@dataclass(frozen=True)
class Refused:
    """Why a text was not kept: a stable reason for counting, the detail, and what to do instead."""

    reason: Reason
    detail: str
    repair: str


class QualityFilter:
    """Judges candidate texts for a task's training split against the rows that it already has."""

    def __init__(self, task: Task) -> None:
        """Make the gates of `task` with no rows to compare with."""
        self.task = task
        self._indexes: dict[Split, NearDuplicates[_Row]] = {split: NearDuplicates() for split in _COMPARED_WITH}
        self._shown = ShownTexts()
        self._shown.add(filter(None, (task.instruction, *(label.description for label in task.labels))))
        self._shown.add(text for label in task.labels for text in label.examples)
        self._real = RealTexts(task)
        self._plain = PlainMatches()
        self._removed: set[str] = set()

    @classmethod
    def for_dataset(cls, workspace: Workspace, task: Task, dataset: str | None) -> QualityFilter:
        """Return the gates of `task` that compare with the rows of `dataset`, and go by its real texts.

        Raises:
            NotFound: there is no such dataset.
            DamagedArtifact: its rows do not read back.
        """
        gates = cls(task)
        gates.add_removed(Decided(read_edits(workspace, dataset)).removed)
        for split in SPLITS if dataset else ():
            for rows in iterate_rows(workspace, dataset or "", split):
                gates.add_rows(split, rows)
        return gates

    @classmethod
    def by_real_texts(cls, workspace: Workspace, task: Task, dataset: str | None) -> QualityFilter:
        """Return the gates of `task` with no rows to compare with: their `rules` are those of `for_dataset`.

        Raises:
            NotFound: there is no such dataset.
            DamagedArtifact: its rows do not read back.
        """
        gates = cls(task)
        for split in _TELLING if dataset else ():
            for rows in iterate_rows(workspace, dataset or "", split):
                gates._look_at(rows)
        return gates

    def add_rows(self, split: Split, rows: Iterable[Example]) -> None:
        """Compare with `rows` of `split` from now on, if they have labels; what is real tells what texts are like."""
        rows = list(rows)
        if split in self._indexes:
            self._indexes[split].add_all((_Row(row.id, row.labels_name), row.content) for row in rows)
        if split in _TELLING:
            self._look_at(rows)
            for row in rows:
                if row.text_pair is not None and row.label not in (None, self.task.mismatch):
                    self._plain.add(row.text, row.text_pair)

    def _look_at(self, rows: Iterable[Example]) -> None:
        self._real.add(row.text for row in rows if row.origin == "real")

    def add_shown(self, texts: Iterable[str]) -> None:
        """Compare with real `texts` that the writer is shown as style, more strictly than with any row.

        So it is with the task's own words, which every writer is shown.
        """
        self._shown.add(texts)

    def add_removed(self, ids: Iterable[str]) -> None:
        """Refuse from now on what rows with these `ids` held: somebody took them out."""
        self._removed.update(ids)

    def rules(self, labels: Iterable[str]) -> TextRules:
        """Return the rules by which the gates judge texts of `labels`, for their writer."""
        names = (name for name in labels if is_identifier(name))
        return TextRules(
            least_words=self._real.least_words,
            least_letters=self._real.least_letters,
            usual_length=self._real.usual_length,
            never_written=tuple(name for name in names if not self._real.say("spelling", name)),
        )

    def add(self, content: Content, label: str) -> None:
        """Compare with `content`, a text or a joined pair that was accepted for training, from now on.

        `label` is the label or, in a multi-label task, all labels as callers write them; so it is in `check`.
        """
        self._indexes["train"].add(_Row(example_id(content), label), content)

    def check(self, text: str, label: str, contrast: str | None = None, item: str | None = None) -> Refused | None:
        """Return why `text`, written for `label`, is refused, or None; `text` has been through `clean_text`.

        In a pair task it is the query that was written for `item`, and it is the pair that may not repeat another.

        A text written to resemble `contrast` may come close to a training row of that label, for two texts that
        differ by the word that matters are what it was written for; it may not equal one. Whether another label
        is more likely takes all rows together: see `label_check.unlikely_labels`.
        """
        alone = self._unusable(text) or self._leaking(text) or self._foreign(text)
        repeats = alone or self._repeated(joined(text, item), label, contrast)
        return repeats or self._fitting(text, label, item) or self._copied(text)

    def admit(self, text: str, label: str, contrast: str | None = None, item: str | None = None) -> Refused | None:
        """Check `text` and, when nothing is wrong with it, compare with it from now on."""
        refused = self.check(text, label, contrast, item)
        if refused is None:
            self.add(joined(text, item), label)
        return refused

    def repeated(self, rows: Iterable[Example]) -> dict[str, Refused]:
        """Return which written `rows` repeat one that they are compared with, and how, by their ids."""
        verdicts = {
            row.id: self._repeated(
                row.content, row.labels_name or "", row.provenance.contrast if row.provenance else None
            )
            for row in rows
        }
        return {id_: refused for id_, refused in verdicts.items() if refused}

    def _unusable(self, text: str) -> Refused | None:
        if is_broken(text):
            return Refused("unparsable", "characters were lost in it (U+FFFD)", "Send the text as valid UTF-8.")
        if len(text) > MAX_TEXT_CHARS:
            detail = f"it has {len(text)} characters, more than {MAX_TEXT_CHARS}"
            return Refused("too long", detail, "Write a shorter text.")
        wrong = next((found for found in debris(text) if not self._real.hold(found[0])), None)
        if wrong:
            repair = "Write only the text itself, with made-up but concrete names, numbers and dates."
            return Refused("unparsable", f"it holds {wrong[0]}: {wrong[1]!r}", repair)
        return self._short(text)

    def _short(self, text: str) -> Refused | None:
        rules = self.rules(())
        if letter_count(text) < rules.least_letters:
            detail = f"it has {letter_count(text)} letters and digits, fewer than {rules.least_letters}"
        elif word_count(text) < rules.least_words:
            detail = "it is a single word"
        else:
            return None
        return Refused("too short", detail, f"Write a whole message of {rules.length}.")

    def _leaking(self, text: str) -> Refused | None:
        leak = next(
            (leak for leak in leaks_in(text, self.task.label_names) if not self._real.say(leak.form, leak.name)), None
        )
        if leak is None:
            return None
        repair = "Take it away: it names the class as no author would."
        if leak.form == "spelling":
            repair = "Say it in other words: no author spells a name so."
        return Refused("label name leaked", f"it says {leak.found!r}", repair)

    @cached_property
    def _spoken(self) -> RowsLanguages:
        return languages_of_rows(self.task, self._real.first, len(self._real.first))

    def _foreign(self, text: str) -> Refused | None:
        found = wrong_language(text, self.task.languages)
        if found is None:
            return None
        wanted = ", ".join(self.task.languages)
        spoken = self._spoken
        also = spoken.remark and wrong_language(text, spoken.languages) is None
        repair = spoken.remark if also else f"Write it in {wanted}."
        return Refused("wrong language", f"it is in {found}, the task is in {wanted}", repair)

    def _fitting(self, text: str, label: str, item: str | None) -> Refused | None:
        if item is None or label != self.task.mismatch or not self._plain.holds(text, item):
            return None
        detail = "it is a part of its item's words, or of a query that fits it"
        return Refused("plain match", detail, "Ask for something that the item is not or has not.")

    def _copied(self, text: str) -> Refused | None:
        similarity = self._shown.nearest(text)
        if similarity is None:
            return None
        detail = f"it copies the task's words, or a text that was shown as style (similarity {similarity:.2f})"
        repair = "Write a text of your own. Of a text that shows the style take the manner, never the content."
        return Refused("near-duplicate of a shown text", detail, repair)

    def _repeated(self, content: Content, label: str, contrast: str | None) -> Refused | None:
        if example_id(content) in self._removed:
            return Refused("removed before", "it equals a row that was taken out", "Write another text.")
        for split, index in self._indexes.items():
            for match in index.matches(content):
                neighbours = self.task.labels_of(match.id.label) if match.id.label else ()
                minimal_pair = contrast in neighbours and contrast != label and match.similarity < 1.0
                if split != "train" or not minimal_pair:
                    return _repeat(split, match)
        return None


def _repeat(split: Split, match: Match[_Row]) -> Refused:
    """Return the refusal of a text that repeats a row of `split`; the text of a test row is never quoted."""
    if split == "test":
        return Refused(TEST_REPEATED, "it repeats one", f"Write a text of your own: {_MEASURES.format(split)}")
    is_equal = match.similarity == 1.0
    alike = f"({match.id.label!r})" if is_equal else f"({match.id.label!r}, similarity {match.similarity:.2f})"
    where = f"row {match.id.id} {alike}"
    if split == "validation":
        repair = f"Write a text of your own: {_MEASURES.format(split)}"
        repeats = f"it {'equals' if is_equal else 'repeats'} {split} {where}"
        return Refused("near-duplicate of a validation row", repeats, repair)
    if is_equal:
        return Refused("duplicate", f"it equals {where}", "Write a different text.")
    return Refused("near-duplicate", f"it resembles {where}", "Write about another situation, in other words.")
