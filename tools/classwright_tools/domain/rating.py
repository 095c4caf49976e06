"""Ratings: labels that are the steps of one scale, and what a classifier can make of them, in words for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from classwright_tools.domain.task import Task

LEAST_STEPS, MOST_STEPS = 4, 11  # 0 to 3, and 0 to 10
_NUMBER = re.compile(r"\d+")
_PLURAL = re.compile(r"s\b")


def steps_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` as the steps of a scale, the lowest first; nothing if they are none.

    They are steps if each has one whole number in it, one follows another, and all else in them is alike: "0" to "3",
    "1 star" to "5 stars", "relevance_1" to "relevance_4".
    """
    numbers = {name: _NUMBER.findall(name) for name in names}
    if not LEAST_STEPS <= len(numbers) <= MOST_STEPS or any(len(found) != 1 for found in numbers.values()):
        return ()
    steps = sorted(numbers, key=lambda name: int(numbers[name][0]))
    values = [int(numbers[name][0]) for name in steps]
    around = {_PLURAL.sub("", _NUMBER.sub("#", name).casefold()) for name in steps}
    return tuple(steps) if len(around) == 1 and values == list(range(values[0], values[0] + len(values))) else ()


def unnamed_steps(steps: Sequence[str], task: Task) -> str:
    """Return how to import a source whose labels are `steps`, none of which is a label of `task`."""
    low, high = _ends(steps)
    middle = f"; rows of {steps[len(steps) // 2]!r}, in the middle, are then skipped" if len(steps) % 2 else ""
    return (
        f"{_called(steps)}. Agree with the person where the line lies, then map them, such as `label_names`="
        f"{dict.fromkeys(low, _below(task)) | dict.fromkeys(high, _above(task))}{middle}. If they are no steps but "
        "numbers of classes, map each to its label. If each step is to be a label of its own, make a task of these: "
        "propose_topics."
    )


def labels_are_steps(task: Task) -> str:
    """Return what follows where the labels of `task` are the steps of a scale; empty if they are not."""
    steps = steps_of(task.label_names)
    if not steps or task.multi_label:
        return ""
    low, high = _ends(steps)
    takes = {part: task.mismatch if task.mismatch in part else part[-1] for part in (tuple(low), tuple(high))}
    merges = [(name, to) for part, to in takes.items() for name in part if name != to]
    changes = ", ".join(f"{{'action': 'merge_label', 'label': {name!r}, 'to': {to!r}}}" for name, to in merges)
    unnamed = task.kind == "pair" and not task.mismatch
    mismatch = ", and `mismatch` names the one of pairs that do not belong together" if unnamed else ""
    return (
        f"{_called(steps)}. A model learns them as kinds that have nothing to do with one another: {steps[-2]!r} for "
        f"{steps[-1]!r} counts as wrong as {steps[0]!r}. If two kinds are enough, and a line between them is easier to "
        f"draw, agree with the person where it lies and merge: edit_examples(task={task.slug!r}, changes=[{changes}], "
        "reason=...); "
        f"rename_label then says in words what each is{mismatch}. If all are to stay, say of each what belongs to it "
        "and what does not: describe_label."
    )


def _called(steps: Sequence[str]) -> str:
    return f"The labels {steps[0]!r} to {steps[-1]!r} look like the {len(steps)} steps of a rating"


def _ends(steps: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the lower and the upper half, without the one in the middle."""
    half = len(steps) // 2
    return steps[:half], steps[-half:]


def _below(task: Task) -> str:
    """Return the label that low steps are taken for: of pairs the mismatch."""
    return task.mismatch or task.label_names[0]


def _above(task: Task) -> str:
    return next((name for name in task.label_names if name != _below(task)), _below(task))
