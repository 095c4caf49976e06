"""The alarm on classified texts, in words: sources that a model answers otherwise than what it was measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from classwright_tools.domain.usual import Usual
from classwright_tools.measurement.unlike_measured import Alarm, Answered, alarm_in_words, alarms

if TYPE_CHECKING:  # a command that classifies files by an export loads no torch
    from classwright_tools.bulk.answers_table import AnswersTable
    from classwright_tools.domain.cards import ModelCard

UNTOUCHED = 0.9
"""Of a source's rows, to compare its labels: which of the others got a label first is seldom chance."""

WITHOUT = "These are shares of the answers without the thresholds that were set."


class Alarms(NamedTuple):
    """The sources that are unlike what is `usual`, the newest first, and how all of them were answered."""

    usual: Usual
    raised: Mapping[str, Alarm]
    answered: Mapping[str, Answered]
    own_thresholds: bool = False
    """The texts got other answers, by thresholds of the call's or of labels: those compared are without them."""

    @property
    def in_words(self) -> str:
        """A sentence for each source that raises an alarm; "" where none does."""
        told = [alarm_in_words(_is(source), alarm) for source, alarm in self.raised.items()]
        # No threshold moves the share out of scope.
        of_answers = any(len(alarm.differs) > alarm.foreign for alarm in self.raised.values())
        return " ".join([*told, *[WITHOUT] * (self.own_thresholds and of_answers)])

    def look(self, card: ModelCard, model: str, dataset: str) -> str:
        """Return the calls that show what is new in the newest such source, and measure the model on it; "" of none."""
        if not self.raised:
            return ""
        source, alarm = next(iter(self.raised.items()))
        name = f"'source': {source!r}, " if source else ""
        groups = (
            f"See what is new in groups: find_examples(task={card.task!r}, dataset={dataset!r}, doubt='out_of_scope', "
            f"model={model!r}, where={{{name}'splits': ['unlabelled']}}, groups=0). What many have in common may want "
            "a label of its own (edit_examples). "
        )
        return (
            f"{groups if alarm.foreign else ''}Measure on random rows of it, which become validation rows: "
            f"{call_to_measure(card.task, dataset, source)}. "
        )


class Tally:
    """How the texts of a source were answered, counted one by one."""

    def __init__(self) -> None:
        """Begin with none."""
        self.texts = self.out_of_scope = self.unsure = 0
        self.sure: Counter[str] = Counter()

    def count(self, answer: object, *, sure: bool, foreign: bool) -> None:
        """Count a text and its `answer`, a label or several."""
        self.texts += 1
        self.out_of_scope += foreign
        self.unsure += not sure
        if sure and isinstance(answer, str):
            self.sure[answer] += 1

    def answered(self, *, whole: bool = True) -> Answered:
        """Return the counts, those of labels only where the source is `whole`."""
        return Answered(self.texts, self.out_of_scope, self.unsure, self.sure if whole else {})


def alarms_on(table: AnswersTable, usual: Usual, *, own_thresholds: bool) -> Alarms:
    """Return the alarms on the rows of `table`, by source; see `Alarms`."""
    found, sources = table.cells.found, table.row_sources
    tallies: dict[str, Tally] = {}
    model = table.cells.model
    judged = model.space.judge(found.proba, found.foreign, model.threshold)
    columns = (judged.answers, judged.sure.tolist(), found.foreign.tolist())
    for row, answer, is_sure, is_foreign in zip(found.rows, *columns, strict=True):
        name = sources.of_row.get(row.id, "")
        tallies.setdefault(name, Tally()).count(answer, sure=is_sure, foreign=is_foreign)
    whole = Counter(sources.of_row.values())
    newest_first = [name for name in (*reversed(sources.names), "") if name in tallies]
    every = {name: tallies[name] for name in newest_first}
    return alarms_of(
        usual,
        {name: own.answered(whole=own.texts >= UNTOUCHED * whole[name]) for name, own in every.items()},
        own_thresholds=own_thresholds,
    )


def call_to_measure(task: str, dataset: str, source: str) -> str:
    """Return the call that has random rows of a `source` labelled to measure by; "" is all."""
    only = f", source={source!r}" if source else ""
    return f"annotate_examples(task={task!r}, dataset={dataset!r}, split='validation'{only})"


def alarms_of(usual: Usual, answered: Mapping[str, Answered], *, own_thresholds: bool) -> Alarms:
    """Return the alarms on sources that were `answered` so, in their order."""
    raised = alarms(usual, answered)
    return Alarms(usual, {name: raised[name] for name in answered if name in raised}, answered, own_thresholds)


def _is(source: str) -> str:
    return f"{source!r} is" if source else "These texts are"
