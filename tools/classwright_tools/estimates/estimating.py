"""The estimate of a call: its parts added up, each as its kind took before on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.usage import TokenCount
from classwright_tools.estimates.expectation import Expected, expected_count, expected_seconds, speed_of
from classwright_tools.estimates.history import History, Taken
from classwright_tools.estimates.parts import Part, Workload
from classwright_tools.writing.completions.metering import CALLS, TOKENS_IN, TOKENS_OUT

MEMORY = "memory_mb"
_WEIGHTY = 0.1
"""A part that takes less of the whole says nothing of what the estimate rests on."""
_NEAREST = 3


def estimate_of(workload: Workload, history: History) -> CostEstimate:
    """Return what a call should take."""
    parts = [part for part in (workload.own, *workload.parts) if part.times]
    taken = {part.kind: history.of(part.kind) for part in parts}
    speed = speed_of([(part.guess, taken[part.kind]) for part in parts if part.guess and taken[part.kind]])
    found = [(part.kind, expected_seconds(part, taken[part.kind], speed)) for part in parts]
    known = [one for _, one in found if one]
    is_known = len(known) == len(found)
    tokens = TokenCount(_count(parts, taken, TOKENS_IN), _count(parts, taken, TOKENS_OUT))
    return CostEstimate(
        seconds=round(sum(one.value for one in known), 1) if is_known else None,
        seconds_low=round(sum(one.low for one in known), 1) if is_known else None,
        seconds_high=round(sum(one.high for one in known), 1) if is_known else None,
        memory_mb=_memory(workload, taken[workload.own.kind]),
        texts=workload.texts,
        texts_most=workload.texts_most,
        model_calls=_count(parts, taken, CALLS),
        tokens_in=tokens.tokens_in,
        tokens_out=tokens.tokens_out,
        dollars=round(workload.prices.cost(tokens), 4) if workload.prices else None,
        rests_on=_rests_on(found, workload.remark),
    )


def _count(parts: Sequence[Part], taken: Mapping[str, Sequence[Taken]], name: str) -> int:
    return round(sum(expected_count(part, name, taken[part.kind]) for part in parts))


def _memory(workload: Workload, taken: Sequence[Taken]) -> int | None:
    """Return the most that the runs nearest in size held, or the guess."""
    told = [one for one in taken if MEMORY in one.counts]
    nearest = sorted(told, key=lambda one: abs(one.units - workload.own.units))[:_NEAREST]
    return round(max(one.counts[MEMORY] for one in nearest)) if nearest else workload.memory


def _rests_on(found: Sequence[tuple[str, Expected | None]], remark: str) -> str:
    """Return in words what an estimate rests on: how often the parts that count were measured, which are guesses.

    Several parts may be of one kind.
    """
    whole = sum(one.value for _, one in found if one)
    weighty = [(kind, one) for kind, one in found if one is None or one.value >= _WEIGHTY * whole]
    pieces = [one.pieces for _, one in weighty if one and one.pieces]
    unknown = list(dict.fromkeys(kind for kind, one in weighty if one is None))
    guessed = list(dict.fromkeys(kind for kind, one in weighty if one and not one.pieces))
    words = []
    if unknown:
        words.append(f"no earlier run of {listed(unknown, 3)}; its first run will tell the time")
    elif pieces:
        words.append(f"{_often(min(pieces))} on this machine")
    if guessed and not unknown:
        guess = "a guess" if len(guessed) == 1 else "guesses"
        words.append(f"{guess} for {listed(guessed, 3)}, not measured here yet")
    return "; ".join(filter(None, [" and ".join(words), remark]))


def _often(pieces: int) -> str:
    return "one earlier run" if pieces == 1 else f"{pieces} earlier runs"
