"""Caveats of figures, in sentences for their reader; each is empty where there is nothing to say."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import REAL_TEXTS, Split
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.figures import Estimate, Scores
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.statistics.share_interval import wilson

MOST_NAMED = 5
FEW_ROWS = 30
"""Rows that are counted one by one where a share of them is told: of fewer a percentage reads as more than it is."""
FEW_LABELS, DIFFER = 4, 0.05  # labels that are told one by one, and the share right by which they differ then
# What is said of figures: plain words, and the field's term in brackets.
MICRO_F1, MACRO_F1 = "all labels together (micro-F1)", "mean of the labels (macro-F1)"


def quoted(names: Sequence[str]) -> str:
    """Return the first of `names` in quotes, and how many more there are."""
    return listed(map(repr, names), MOST_NAMED)


def not_covered(bare: Sequence[str]) -> str:
    """Return the sentence about the labels `bare`, of which there is no row."""
    these = "this label" if len(bare) == 1 else "these labels"
    return f"No row of {quoted(bare)} was there: of {these} nothing is known." if bare else ""


def against_guessing(scores: Scores) -> str:
    """Return the sentence on `scores` of which what a model is judged by does not lie above what guessing reaches."""
    name, found, guessed = scores.judged_by
    if found.low > guessed:
        return ""
    if scores.guessing_alike is None or name != "accuracy":
        return f"The {MICRO_F1 if scores.micro_f1 else name} {scores.against_guessing}."
    alike = f"where labels count alike (balanced accuracy) it is {estimate_in_words(scores.balanced_accuracy)}"
    chance = f"guessing reaches {scores.guessing_alike:.3f}"
    if scores.tells_labels_apart:
        told = f"{alike}, and {chance}: the model tells labels apart"
        return f"Accuracy says little of such rows, as {scores.most_frequent}; {told}."
    return f"The {name} {scores.against_guessing}; {alike}, and {chance}."


def not_counted(left_out: int, rows: int, split: Split, models: str) -> str:
    """Return the sentence about the `left_out` of the `rows` of a split that `models` learnt from."""
    if not left_out:
        return ""
    counts, are = ("is" if number == 1 else "are" for number in (rows - left_out, left_out))
    return (
        f"{rows - left_out} of {rows} {split} rows {counts} counted: {left_out} {are} in the training rows of "
        f"{models}, or nearly so."
    )


def less_real(rows: int) -> str:
    """Return the sentence about `rows` for validation that no figure counts, as more real ones are there."""
    if not rows:
        return ""
    are = counted(rows, "more validation row is", "more validation rows are")
    return f"{are} not counted: a model gave the text or the label, and more real ones are there."


def relabelled(rows: int) -> str:
    """Return the sentence on `rows` that are real by their origin, and whose label a model gave in place of another."""
    if not rows:
        return ""
    gave = counted(rows, "of these rows has a label", "of these rows have labels")
    return f"{gave} that a model gave in place of another, and no person vouched for: where it was wrong, figures are."


def settled_by_person(rows: int) -> str:
    """Return the sentence about `rows` whose label is doubted, and which a person decided on."""
    if not rows:
        return ""
    return f"Of {rows} more the label is doubted, and a person has decided on them: they are no label issues."


def how_sure(card: ModelCard, thresholds: Collection[str] = ()) -> str:
    """Return the sentence on how many texts the model is sure of, and how many of these it labels right.

    It is by the rows that set its threshold; empty for a card of before these were counted. Labels with `thresholds`
    that were passed have none of these figures.
    """
    if thresholds:
        return (
            "Sure means here that an answer reaches the threshold passed for its label, not how often such answers are "
            "right: evaluate with these `thresholds` counts that."
        )
    limit = threshold_in_words(card.threshold)
    if card.unsure == 1:
        return f"It is sure of none of {_base(card.is_set_by_validation)}: all are below a probability of {limit}."
    if card.unsure is None or card.sure_right is None:
        return ""
    whole = " with all their labels" if card.thresholds else ""
    interval, labels = "", f"labels {card.sure_right:.0%} of these right{whole}"
    rows, right = _sure_rows(card)
    if rows and rows < FEW_ROWS and rows.is_integer():
        interval, labels = _interval(wilson(right, rows)), f"labelled {right:.0f} of {rows:.0f} such rows right{whole}"
    elif card.sure_rows:
        interval = _interval(wilson(card.sure_right * card.sure_rows, card.sure_rows))
    texts = "real texts (some or all labelled by a model)" if card.sure_on == "annotated" else f"{card.sure_on} texts"
    base, written = _base(card.is_set_by_validation), card.training_rows.get("written", 0)
    every = sum(card.training_rows.values())
    chosen = ", which these rows chose with the calibration," if card.is_set_by_validation else ""
    if card.sure_on == "written" and not card.is_set_by_validation and written < every:
        texts, base = "texts", f"{base} ({written:,} of {every:,} training rows are written)"
    return (
        f"It is sure of {1 - card.unsure:.0%} of {texts} like {base}, and {labels}"
        f"{interval}{_sure_by_label(card)}; below a probability of {limit}{chosen} it is not sure."
    )


def sure_of_rows(sure: Estimate, rows: int, right: Estimate | None, *, whole: bool = False) -> str:
    """Return how many of `rows` a model is `sure` of, a share, and labels right, a share of these; None: of none.

    `whole`: a row has several labels, and all of them are meant.
    """
    kept, all_labels = round(sure.value * rows), " with all their labels" if whole else ""
    if right is None:
        return f"It is sure of none of these {counted(rows, 'row')}."
    return (
        f"It is sure of {kept} of these rows ({sure.value:.0%}), and labels {right.value * kept:.0f} of them "
        f"right{all_labels}{_interval(right)}."
    )


def _sure_rows(card: ModelCard) -> tuple[float, float]:
    """Return how many of the rows that set its threshold a model is sure of, and how many of them are right.

    They count once each where the card tells them by label; else as what they weigh together, which is no number of
    rows where the shares of labels are others.
    """
    counts = card.sure_by_label.values()
    if counts and not card.thresholds:
        return float(sum(rows for rows, _ in counts)), float(sum(right for _, right in counts))
    return card.sure_rows or 0.0, (card.sure_right or 0.0) * (card.sure_rows or 0.0)


def _interval(share: Estimate) -> str:
    return f" (95% interval {share.low:.0%} to {share.high:.0%})"


def _base(validation: bool) -> str:
    """Return which rows told what is said of others like them."""
    return "the validation rows" if validation else "the training rows held out"


def _sure_by_label(card: ModelCard) -> str:
    """Return how many sure answers of each label were right, where there are few labels and they differ."""
    given = {label: counts for label, counts in card.sure_by_label.items() if counts[0]}
    shares = [right / rows for rows, right in given.values()]
    if card.thresholds or len(card.labels) > FEW_LABELS or len(given) < 2 or max(shares) - min(shares) < DIFFER:
        return ""
    return ": " + ", ".join(f"{right} of {rows} answers {label!r}" for label, (rows, right) in given.items())


def unlike(count: int, taken: int = 0) -> str:
    """Return the sentence about `count` texts out of scope, of which a label that takes the rest has `taken` some."""
    texts = "text is" if count == 1 else "texts are"
    sure = f" {taken:,} of them count as sure all the same: their label takes what is of no other one." if taken else ""
    return f"{count:,} {texts} out of scope: unlike all that the model learnt, so maybe of none of its labels.{sure}"


def how_often_unlike(card: ModelCard) -> str:
    """Return the sentence on how many texts of its labels the model calls out of scope, and by which rows.

    Empty where it does not tell what is out of scope.
    """
    scope = card.scope
    if scope is None:
        return ""
    like, unlike_all = _base(scope.is_set_by_validation), "out of scope, unlike all that it learnt"
    share = f"{scope.flagged.value:.0%} (95% interval {scope.flagged.low:.0%} to {scope.flagged.high:.0%})"
    if scope.data in REAL_TEXTS:
        return f"Of real texts like {like} it calls {share} {unlike_all}."
    return (
        f"Of written texts like {like} it calls {share} {unlike_all}; of how many real ones no row tells: real "
        "validation rows would."
    )


def caveats(scores: Scores) -> tuple[str, ...]:
    """Return what `scores` do not show: labels that no row has, and that guessing does as well."""
    return tuple(filter(None, (not_covered(scores.not_covered), against_guessing(scores))))


def scores_in_words(scores: Scores, labels: int) -> str:
    """Return the figures that a classifier of so many `labels` is judged by, with their intervals, in words."""
    named = {"accuracy": scores.accuracy}
    if scores.micro_f1:
        named = {MICRO_F1: scores.micro_f1, macro_f1_name(scores, labels): scores.macro_f1}
        named |= {"all labels of a row right": scores.accuracy}
    return ", ".join(f"{name} {estimate_in_words(found)}" for name, found in named.items())


def estimate_in_words(found: Estimate) -> str:
    """Return a figure and its interval as '0.864 (0.830 to 0.892)'."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def macro_f1_name(scores: Scores, labels: int) -> str:
    """Return what macro-F1 is called, with how many of the task's `labels` it is of where some have no row."""
    covered = labels - len(scores.not_covered)
    return f"mean of {covered} of {labels} labels (macro-F1)" if scores.not_covered else MACRO_F1
