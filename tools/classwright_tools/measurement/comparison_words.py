"""A comparison of two models in words: by how much they differ, and whether that is more than chance."""

from __future__ import annotations

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.gains import TestedGain
from classwright_tools.measurement.caveats import MACRO_F1, MICRO_F1


def in_sentences(comparison: Comparison, model: str) -> list[str]:
    """Return by how much `model` is better than the other in each figure, and which rows had to be left out."""
    return [*differences(comparison, model), *filter(None, [_relabelled(comparison, model)])]


def differences(comparison: Comparison, model: str) -> list[str]:
    """Return by how much `model` is better than the other in each figure, in sentences."""
    against = f"Against {comparison.against}{_where(comparison, model)}:"
    first, is_beyond = _first(comparison)
    chance = "more than chance" if is_beyond else "it may be chance"
    if comparison.average_precision_gain:
        accuracy, macro = comparison.accuracy_gain, comparison.macro_f1_gain
        return [
            f"{against} {first}, {chance}. Accuracy {accuracy.value:+.3f} ({accuracy.low:+.3f} to "
            f"{accuracy.high:+.3f}; {comparison.test}, p = {comparison.p:.2g}), {MACRO_F1} {_gain(macro)}."
        ]
    why = _why_chance(comparison)
    found = [f"{against} {first}, {chance}{why} ({comparison.test}, p = {comparison.p:.2g})."]
    more = {_capital(MICRO_F1): comparison.micro_f1_gain, _capital(MACRO_F1): comparison.macro_f1_gain}
    found += filter(None, [_every_row_alike(comparison)])
    found += [f"{name} {_gain(gain)}{_beyond(comparison, gain)}." for name, gain in more.items() if gain]
    rare = comparison.rare
    if rare:
        gains = (f"{name} {_gain(gain)}{_beyond(comparison, gain)}" for name, gain in rare.named.items())
        found.append(f"With {counted(rare.rows, 'row')} of {rare.label!r}: {', '.join(gains)}.")
    return found


def _relabelled(comparison: Comparison, model: str) -> str:
    """Return which rows have other labels in the dataset of one model than in that of the other, and by which edits."""
    told = comparison.relabelled
    if told is None:
        return ""
    gain, of = told.gain, told.rows + told.left
    rows = f"{told.rows} of {of} rows" if told.left else f"All {counted(told.rows, 'row')}"
    moved = f" With these rows it would be {gain.value:+.3f} accuracy ({gain.low:+.3f} to {gain.high:+.3f})."
    return (
        f"{rows} changed their labels between {comparison.against} and {model}, {told.by}: each model learnt other "
        f"labels there, so that they do not tell which is better.{moved if told.left else ''}"
    )


def _every_row_alike(comparison: Comparison) -> str:
    """Return the gain in accuracy where every row counts alike, beside one at label shares; "" where that is none."""
    alike = comparison.every_row_alike
    if alike is None:
        return ""
    gain = alike.accuracy_gain
    rows = f"{comparison.only_this_right} alone right, {comparison.only_other_right} alone wrong"
    return (
        f"Every row counting alike: {gain.value:+.3f} accuracy ({gain.low:+.3f} to {gain.high:+.3f}; {rows}; "
        f"{alike.test}, p = {alike.p:.2g})."
    )


def _first(comparison: Comparison) -> tuple[str, bool]:
    """Return the gain in what is tested, or of pairs in what they are judged by, and whether it is beyond chance."""
    ranked, gain = comparison.average_precision_gain, comparison.accuracy_gain
    if ranked:
        found = f"{ranked.value:+.3f} average precision of the mismatches, which pairs are judged by"
        p = "" if ranked.p is None else f"; p = {ranked.p:.2g}"
        return f"{found} ({ranked.low:+.3f} to {ranked.high:+.3f}{p})", comparison.sign_of(ranked) != 0
    of = "in all labels of a row right" if comparison.micro_f1_gain else "accuracy"
    return f"{gain.value:+.3f} {of} ({gain.low:+.3f} to {gain.high:+.3f})", comparison.significant


def _why_chance(comparison: Comparison) -> str:
    """Return why the accuracy may be chance though its interval says otherwise: that of few answers is too narrow."""
    gain = comparison.accuracy_gain
    if comparison.significant or gain.low <= 0 <= gain.high:
        return ""
    return (
        f": two equally good models would differ at least as much in {comparison.p:.0%} of such comparisons, and where "
        "few answers differ that counts, not the interval"
    )


def in_one_line(comparison: Comparison, model: str) -> str:
    """Return by how much `model` is better or worse than the other, and whether by more than chance.

    That is in what is tested, and in every other figure that is beyond chance.
    """
    told = comparison.relabelled
    if told and not told.left:
        return f"against {comparison.against}, all rows have other labels since: they do not tell which is better"
    others = {MICRO_F1: comparison.micro_f1_gain, MACRO_F1: comparison.macro_f1_gain}
    others |= comparison.rare.named if comparison.rare else {}
    if comparison.average_precision_gain:
        others = {}  # models of pairs are judged by that alone
    beyond = (
        f"; {name} {_gain(gain)}{_beyond(comparison, gain)}"
        for name, gain in others.items()
        if gain and comparison.sign_of(gain)
    )
    first, is_beyond = _first(comparison)
    by = "" if comparison.average_precision_gain else f" (p = {comparison.p:.2g})"
    chance = f"{'more than chance' if is_beyond else 'it may be chance'}{by}"
    return f"against {comparison.against}{_where(comparison, model)}: {first}, {chance}{''.join(beyond)}"


def _where(comparison: Comparison, model: str) -> str:
    """Return on which rows the gains of `model` are, or at which shares, and which of the two decides for these."""
    if comparison.relabelled and comparison.relabelled.left:
        return f", on {counted(comparison.rows or 0, 'row')} whose labels did not change between the two"
    if comparison.shared_labels is not None:
        return f", on {counted(comparison.rows or 0, 'row that counts', 'rows that count')} for both"
    if not comparison.at_shares:
        return ""
    alone = {"this": f"{model} alone decides", "other": f"{comparison.against} alone decides"}
    where = "each as it answers, at the label shares of the task"
    return f", {where}, for which {alone.get(comparison.shares_of or 'both', 'both decide')}"


def _gain(gain: Estimate) -> str:
    return f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"


def _beyond(comparison: Comparison, gain: TestedGain) -> str:
    """Return what is to be known of whether a gain is chance.

    One that its test calls chance though its interval does not says so; so does one that is more than chance, where it
    decides by itself as the accuracy may be chance.
    """
    p = "" if gain.p is None else f" (p = {gain.p:.2g})"
    if not comparison.sign_of(gain):
        return f", which may be chance{p}" if p and not gain.low <= 0 <= gain.high else ""
    if comparison.significant:
        return ""
    return f", more than chance{p}"


def _capital(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}"
