"""The labels of a row of a multi-label task, as one string where a row has one: rows on their way, and comparisons.

`joined_labels` is for them; `named_together` makes the string that callers read and write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BETWEEN = NO_LABELS = "|"
"""What a caller writes between several labels, and for labels where none applies."""
SEVERAL = "several labels"
_BETWEEN = "\x1f"  # which no label's name can hold


def joined_labels(labels: Iterable[str]) -> str:
    """Return `labels`, in their order, as one string, which is not empty though they are none."""
    return _BETWEEN.join(labels) or _BETWEEN


NONE_KEY = joined_labels(())
"""Of a row to which no label applies."""


def labels_apart(joined_: str) -> tuple[str, ...]:
    """Return the labels that `joined_labels` joined."""
    return tuple(filter(None, joined_.split(_BETWEEN)))


def named_together(labels: Iterable[str]) -> str:
    """Return `labels`, in their order, as callers write them: "one|other", or `NO_LABELS`."""
    return BETWEEN.join(labels) or NO_LABELS


def named_apart(written: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that a caller wrote as `written`; of `names`, the task's, one may hold "|" and is one then."""
    parts = [part.strip() for part in written.split(BETWEEN)]
    found, start = [], 0
    while start < len(parts):
        ends = range(len(parts), start, -1)
        end = next((end for end in ends if BETWEEN.join(parts[start:end]) in names), start + 1)
        found.append(BETWEEN.join(parts[start:end]))
        start = end
    return tuple(filter(None, found))


def exchanged(key: str, old: str, new: str) -> str:
    """Return an `Example.label_key` with one name in the place of another."""
    return joined_labels(new if one == old else one for one in labels_apart(key))


def labels_in_words(labels: Sequence[str]) -> str:
    """Return `labels` as a reader should see them."""
    return " + ".join(labels) or "none of the labels"


def answer_in_words(answer: str | Sequence[str]) -> str:
    """Return the one label, or the labels, of an answer as a reader should see them."""
    return answer if isinstance(answer, str) else labels_in_words(answer)


def in_one_name(labels: Sequence[str]) -> str:
    """Return the one label, or that there are several or none: what a mark on a map can say by its colour."""
    return SEVERAL if len(labels) > 1 else labels_in_words(labels)


def key_in_words(key: str) -> str:
    """Return an `Example.label_key` as a reader should see it."""
    return labels_in_words(labels_apart(key)) if _BETWEEN in key else key


def in_order(labels: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return `labels`, each once, in the order of `names`; those that are not among them come last."""
    places = {name: place for place, name in enumerate(names)}
    return tuple(sorted(set(labels), key=lambda label: (places.get(label, len(places)), label)))
