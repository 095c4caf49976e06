"""The answers of `classify` to texts in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classwright_tools.domain.classified import Classified
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.measurement.caveats import unlike

if TYPE_CHECKING:  # a command that classifies files by an export loads no torch
    from classwright_tools.learning.label_space import LabelSpace


def in_a_sentence(
    results: Sequence[Classified], abstained: int, short: int, threshold: float, space: LabelSpace, words: str
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
    if result.out_of_scope and result.sure:
        return f"It is {named}, {probable}: unlike all that the model learnt, as is much of what this label takes."
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
