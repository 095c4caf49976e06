"""The options of a training on pairs: what mismatches are made of, and what unlabelled pairs are taken for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.noun import LabelName, Noun
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, unknown_id
from classwright_tools.learning.matching.settings import MiningSettings, NegativeKind
from classwright_tools.learning.methods.choice import why_untried
from classwright_tools.learning.methods.method import Imbalance
from classwright_tools.learning.methods.registry import AUTO, METHODS

if TYPE_CHECKING:
    from classwright_tools.learning.encoders import Encoder
    from classwright_tools.learning.setup import PairSetup

Negatives = Literal["none", "random", "mined", "generated"]
NEGATIVES_DEFAULT: Negatives = "generated"
# Half of the harder negatives are random ones: without these a network forgets what an ordinary mismatch looks like.
KINDS_OF: dict[Negatives, tuple[NegativeKind, ...]] = {
    "none": (),
    "random": ("random",),
    "mined": ("mined", "random"),
    "generated": ("generated", "random"),
}


class PairOptions(Noun):
    """What a call says of pairs besides the rows."""

    negatives: Negatives | Annotated[tuple[NegativeKind, ...], Field(max_length=20)] | None = Field(
        default=None,
        description="What a matcher makes mismatches of, beside the labelled ones: 'random' queries, 'mined' (similar) "
        "ones, 'generated' (similar, filtered by a teacher), both half random, or 'none'; or a list; a kind named "
        "twice counts twice. Default: 'generated'.",
    )
    mining: MiningSettings | None = Field(
        default=None, description="How 'mined' negatives are found: sentence-transformers' `mine_hard_negatives`."
    )
    unlabelled_as: LabelName | None = Field(
        default=None,
        description="A matcher takes the unlabelled pairs for rows of this label, such as pairs from purchases for "
        "matches.",
    )


def check_pair_options(given: PairOptions, method: str, task: Task) -> None:
    """Raise an `InvalidInput` if what is said of pairs does not fit `task`."""
    if method != AUTO and METHODS[method].needs_mismatches and task.mismatch is None:
        raise InvalidInput(
            f"method {method!r}",
            f"learns to tell mismatches, and task {task.slug!r} does not say which label is the mismatch",
            f"Name it: {task.naming_mismatch}. Or use 'probe'.",
        )
    named = _named(given)
    if named and method != AUTO and not METHODS[method].needs_mismatches and task.kind == "pair":
        raise InvalidInput(
            f"`{named[0]}`",
            f"is for 'matcher', and method {method!r} does not read it",
            "Leave it out, or use 'matcher'.",
        )
    if named and task.kind == "text":
        raise InvalidInput(
            f"`{named[0]}`", f"is for pairs, and task {task.slug!r} is about single texts", "Leave it out."
        )
    if given.mining and "mined" not in _kinds(given):
        raise InvalidInput("`mining`", "is for mined negatives, and there are none", "Add 'mined' to `negatives`.")
    if given.unlabelled_as and given.unlabelled_as not in task.label_names:
        raise unknown_id("label", given.unlabelled_as, task.label_names)
    if given.unlabelled_as and given.unlabelled_as == task.mismatch:
        raise InvalidInput(
            f"`unlabelled_as` {task.mismatch!r}",
            "is the mismatch, of which no unlabelled rows can be taken for granted",
            "Name the label of matches, or leave it out.",
        )


def unread_options(given: PairOptions, tried: Collection[str]) -> str:
    """Return the sentence on what is said of pairs and none of the methods that were `tried` reads; "" of nothing."""
    named = _named(given)
    if not named or any(METHODS[name].needs_mismatches for name in tried):
        return ""
    return f"So {listed((f'`{name}`' for name in named), len(named))} counted for nothing."


def untried_in_words(
    given: PairOptions,
    imbalance: Imbalance,
    task: Task,
    labels: Sequence[int],
    tried: Collection[str],
    encoder: Encoder,
    *,
    cut: bool,
) -> list[str]:
    """Return why `auto`, which `tried` these methods, left others out, and what so counted for nothing, in sentences.

    Where a limit `cut` the methods short, that is why, and told elsewhere. For the rest see `why_no_matcher`.
    """
    why = "" if cut else why_untried(task, imbalance, encoder) or why_no_matcher(task, labels, tried, imbalance)
    return [*filter(None, [why, unread_options(given, tried)])]


def _named(given: PairOptions) -> list[str]:
    return [name for name in ("negatives", "mining", "unlabelled_as") if getattr(given, name) is not None]


def why_no_matcher(task: Task, labels: Sequence[int], tried: Collection[str], imbalance: Imbalance) -> str:
    """Return why `auto` did not try the matcher, if so, in sentences: it `tried` such methods by name.

    `labels` are the numbers of the labels of the training rows, `imbalance` what the request says of these.
    """
    if task.kind != "pair" or any(METHODS[name].needs_mismatches for name in tried):
        return ""
    from classwright_tools.learning.training import ENOUGH_MISMATCHES

    if task.mismatch is None:
        return (
            "'matcher', which is for pairs, was not tried: the task does not say which label is the mismatch. If one "
            f"is, name it: {task.naming_mismatch}. Several ratings may become two labels, such as 'belongs' and "
            "'does not belong': import the rows into a pair task of these, with `label_names`."
        )
    if imbalance not in METHODS["matcher"].imbalance:
        return f"'matcher', which is for pairs, was not tried: it is not for imbalance={imbalance!r}."
    rows = sum(label == task.label_names.index(task.mismatch) for label in labels)
    few = "" if rows < ENOUGH_MISMATCHES else ", of too few queries to hold one out"
    return (
        f"'matcher', which is for pairs, was not tried: {counted(rows, 'training row is', 'training rows are')} "
        f"{task.mismatch!r}{few}. From "
        f"{ENOUGH_MISMATCHES} on, of several queries, it is."
    )


def pair_setup(given: PairOptions, task: Task, unlabelled: Callable[[], tuple[str, ...]]) -> PairSetup:
    """Return what is said of the pair task `task` besides its labelled rows; `unlabelled` reads its other pairs."""
    from classwright_tools.learning.setup import PairSetup

    places = {name: place for place, name in enumerate(task.label_names)}
    kinds = _kinds(given)
    return PairSetup(
        mismatch=places[task.mismatch] if task.mismatch else None,
        negatives=kinds,
        mining=given.mining or MiningSettings(),
        unlabelled=unlabelled() if given.unlabelled_as else (),
        unlabelled_as=places[given.unlabelled_as] if given.unlabelled_as else 0,
    )


def _kinds(given: PairOptions) -> tuple[NegativeKind, ...]:
    """Return the kinds of negatives that a matcher makes."""
    asked = given.negatives if given.negatives is not None else NEGATIVES_DEFAULT
    return KINDS_OF[asked] if isinstance(asked, str) else asked
