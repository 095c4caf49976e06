"""Changed answers: the labels that gained and lost most from one model to another, and some of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.evaluation import ChangedAnswer, LabelChange
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.label_sets import answer_in_words, in_order
from classwright_tools.learning.label_space import Answer, encode
from classwright_tools.measurement.held_out import Answers

LISTED = 3  # labels that gained most, and that lost most, in a sentence
ROWS = 5  # of each kind, in the report
QUOTED = 2  # of each kind, in the answer
TEXT_CHARS = 160


def label_changes(found: Answers, theirs: Sequence[Answer]) -> tuple[LabelChange, ...]:
    """Return of each label in how many rows one of two models alone is right about it, the greatest gain first.

    The one gave the answers `found`, the other, which knows the same labels, `theirs` (n,). About a label a model is
    right where it gives it to a row that has it. Where rows may have several labels it is so, too, where it does not
    give it to a row that has not; of one label a row that counts with the label which the row has, or else a label that
    a model never gives would gain.
    """
    own, true = ([found.named(one) for one in answers] for answers in (found.predicted, found.true))
    ours, has, given = (_applying(found, named) for named in (own, true, theirs))
    counts = has | found.several
    won, lost = (ours == has) & (given != has) & counts, (given == has) & (ours != has) & counts
    changes = (
        LabelChange(label=label, only_this_right=int(won[:, place].sum()), only_other_right=int(lost[:, place].sum()))
        for place, label in enumerate(found.labels)
    )
    return tuple(sorted(changes, key=lambda one: (-one.gain, one.label)))


def changed_rows(found: Answers, theirs: Sequence[Answer], split: Split) -> tuple[ChangedAnswer, ...]:
    """Return up to `ROWS` rows that the model of the answers `found` alone has right, and as many that the other has.

    The other gave the answers `theirs` (n,), sets of labels in an order of its own. The rows that the one is surest of
    come first. Test rows are not shown.
    """
    if split == "test":
        return ()
    rows: dict[bool, list[ChangedAnswer]] = {True: [], False: []}
    true, own = ([found.named(one) for one in answers] for answers in (found.true, found.predicted))
    theirs = [one if isinstance(one, str) else in_order(one, found.labels) for one in theirs]
    for place in np.argsort(-found.confidence, kind="stable").tolist():
        this_right, other_right = own[place] == true[place], theirs[place] == true[place]
        if this_right == other_right or len(rows[this_right]) == ROWS:
            continue
        row = found.rows[place]
        named = {"label": true[place], "predicted": own[place], "other_predicted": theirs[place]}
        words = {name: answer_in_words(answer) for name, answer in named.items()}
        rows[this_right].append(ChangedAnswer(example=row.id, text=row.shown, this_right=this_right, **words))
    return (*rows[True], *rows[False])


def changes_in_words(
    changes: Sequence[LabelChange], rows: Sequence[ChangedAnswer], model: str, other: str
) -> tuple[str, ...]:
    """Return the sentences on labels that gained or lost most, and on a few rows; none where nothing changed."""
    gained = [one for one in changes if one.gain > 0][:LISTED]
    lost = [one for one in reversed(changes) if one.gain < 0][:LISTED]
    told = []
    for verb, labels in (("Gained", gained), ("Lost", lost)):
        if labels:
            each = (f"{one.label!r} {one.gain:+} ({one.only_this_right} to {one.only_other_right})" for one in labels)
            told.append(f"{verb} most: {', '.join(each)}")
    sentences = []
    if told:
        sentences = [f"{'; '.join(told)}: rows where only {model} is right about the label, to those of {other}."]
    for this_right, who in ((True, model), (False, other)):
        quoted = [one for one in rows if one.this_right == this_right][:QUOTED]
        if quoted:
            each = (
                f"{shortened(one.text, TEXT_CHARS)!r} ({one.label}; {model}: {one.predicted}; {other}: "
                f"{one.other_predicted})"
                for one in quoted
            )
            sentences.append(f"Only {who} is right, for example: {'; '.join(each)}.")
    return tuple(sentences)


def _applying(found: Answers, named: Sequence[Answer]) -> npt.NDArray[np.bool_]:
    """Return which of the labels of `found` each answer names (n, k)."""
    return encode(((one,) if isinstance(one, str) else one for one in named), found.labels)
