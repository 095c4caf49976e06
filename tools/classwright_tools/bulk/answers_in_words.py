"""The answers of `classify` in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.classified import Classified
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.label_sets import NO_LABELS, labels_in_words
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.measurement.caveats import unlike

if TYPE_CHECKING:  # a command that classifies files by an export loads no torch
    from classwright_tools.bulk.answers_table import SortedRows
    from classwright_tools.learning.label_space import LabelSpace

LABELS_LISTED = 8
SOURCES_LISTED = 4
LEAST_ROWS, CHANCE = (
    20,
    0.001,
)  # of a source whose share is told, and how rarely chance alone would make shares differ so


def of_table(made: SortedRows) -> str:
    """Return the beginning of the sentence on where the table of answers is, by what it has."""
    if not made.sources:
        return f"All {made.rows:,} rows, those with labels too, are in"
    source = "what was imported" if made.sources == 1 else f"the {made.sources} sources that were imported"
    return (
        f"All {made.rows:,} rows of {source}, copies too, are in their order and with their own columns, "
        f"{made.labelled:,} of them with a label, in"
    )


def each_label(by_label: Mapping[str, int]) -> str:
    """Return how many rows have each label, as "other 2,033, wish 467"; of many the first of `by_label`.

    "|" counts those that have none of the labels.
    """
    named = {labels_in_words(()) if label == NO_LABELS else label: rows for label, rows in by_label.items()}
    return listed((f"{label} {rows:,}" for label, rows in named.items()), LABELS_LISTED)


def label_by_label(given: Mapping[str, int], sure: Sequence[Sequence[str]]) -> str:
    """Return of how many rows each label is `sure` by itself (n,), beside how many it is `given`; if it is of some."""
    counts = Counter(label for labels in sure for label in labels)
    if not given or not counts:
        return ""
    each = (f"{label} in {counts[label]:,} of {rows:,}" for label, rows in given.items())
    return (
        f"Of some label by itself it is sure in {sum(map(bool, sure)):,} rows: {listed(each, LABELS_LISTED)}. "
        "These are in the column `sure_labels`; of them 9 in 10 should be right."
    )


def passed_over(rows: int) -> str:
    """Return the sentence on so many unlabelled `rows` that were not asked about; nothing where there are none."""
    if not rows:
        return ""
    return f"Not asked about: {counted(rows, 'unlabelled row')} of which was said that no label fits."


def by_source(unsure: Mapping[str, tuple[int, int]]) -> str:
    """Return of which share of each source's rows it is not sure, by (`unsure`, all), where these differ by more than
    chance (a chi-squared test); else nothing.
    """
    from scipy.stats import chi2_contingency

    large = {source: found for source, found in unsure.items() if found[1] >= LEAST_ROWS}
    pairs = [(few, rows - few) for few, rows in large.values()]
    if len(pairs) < 2 or not all(map(sum, zip(*pairs, strict=True))) or chi2_contingency(pairs).pvalue >= CHANCE:
        return ""
    each = listed(
        (f"{few / rows:.0%} of {rows:,} from {source}" for source, (few, rows) in large.items()), SOURCES_LISTED
    )
    return (
        f"Not sure by source: {each}. They differ by more than chance, so what it reaches on rows held out need not "
        "hold for each: label random rows of the newest."
    )


def look_at_foreign(model: str, card: ModelCard, dataset: str, foreign: int, rows: int) -> str:
    """Return how to look at the rows out of scope, if they are more than rows of the labels would be."""
    if card.scope is None or foreign <= card.scope.flagged.high * rows:
        return ""
    return (
        f"See what is out of scope in groups: find_examples(task={card.task!r}, dataset={dataset!r}, "
        f"doubt='out_of_scope', model={model!r}, "
        "where={'splits': ['unlabelled']}, groups=0). What many have in common may want a label of its own "
        "(edit_examples), or rows of a label that has none like them (annotate_examples). "
    )


def in_a_sentence(
    results: Sequence[Classified],
    abstained: int,
    short: int,
    threshold: float,
    space: LabelSpace,
    words: str,
) -> str:
    """Return the answers in a sentence: the label or labels of one text, the counts of several, which are `words`.

    So many are `short` of their threshold: that of their label in the `space`, or else the `threshold`.
    """
    several = results[0].labels is not None
    if len(results) > 1 and several:
        some = "" if short == abstained else f"of {short} "
        limit = threshold_in_words(threshold)
        why = f": {some}it is less than {limit} probable that all of them are right" if short else ""
        counts = f"sure of the labels of {len(results) - abstained}, unsure of those of {abstained}"
        return f"Classified {len(results)} texts; {counts}{why}."
    if len(results) > 1:
        return (
            f"Classified {len(results)} {words}; abstained on {abstained}{below(short, abstained, space, threshold)}."
        )
    [result] = results
    if several:
        named = ", ".join(map(repr, result.labels or ())) or "none of the labels"
        probable = f"with a probability of {result.probability:.2f} that the whole set is right"
    else:
        label, probability = result.likeliest[0]
        if result.label is not None:
            label, probability = result.label, result.probability or 0.0
        threshold = space.own.get(label, threshold)
        named, probable = repr(label), f"with a probability of {probability:.2f}"
    if result.out_of_scope:
        return f"{unlike(1)} If it were of one: {named}, {probable}."
    if result.sure:
        return f"It is {named}, {probable}."
    return f"Not sure: {'' if several else 'most likely '}{named}, {probable}, below {threshold_in_words(threshold)}."


def sure_of_some(results: Sequence[Classified]) -> str:
    """Return of which single labels it is sure where it is not sure of all labels of a text, if there are any."""
    unsure = [one.sure_labels for one in results if not one.sure and one.sure_labels]
    if not unsure:
        return ""
    if len(results) == 1:
        return f"Of single labels it is sure of {' and '.join(map(repr, unsure[0]))}."
    return f"In {len(unsure):,} of these it is sure of single labels: `sure_labels`."


def below(count: int, unsure: int, space: LabelSpace, threshold: float) -> str:
    """Return how many of the `unsure` texts are below their threshold: `count`; the others are out of scope alone.

    That is the `threshold`, unless each label of the `space` has one of its own.
    """
    limit = threshold_in_words(threshold) if space.several or len(space.own) < len(space.labels) else "their threshold"
    if count == unsure:
        return f", below {limit}"
    return f", {count:,} of them below {limit}" if count else ""


def without_effect(space: LabelSpace, threshold: float | None) -> str:
    """Return that a `threshold` that was passed does what 0 does: the likeliest of k labels has 1/k at least."""
    if not threshold or space.several or space.own or threshold > 1 / len(space.labels):
        return ""
    return (
        f"A threshold of {threshold:g} leaves no text out: the likeliest of {len(space.labels)} labels has "
        f"{1 / len(space.labels):.2f} at least. To find one label from a lower probability on: `thresholds`."
    )
