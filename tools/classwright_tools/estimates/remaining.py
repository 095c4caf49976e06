"""The time that work under way should still take: by its own pace, and at its beginning by what was expected."""

from __future__ import annotations

_TELLING_FRACTION = 0.05
"""From so much of the work done on, its own pace tells something."""


def seconds_left(fraction: float | None, so_far: float, expected: float | None) -> float | None:
    """Return the seconds that work should still take, of which a `fraction` is done after `so_far` seconds.

    Its own pace counts where it is slower than was expected. Where it is faster, it counts the more the more is done:
    the parts of a training take unlike times, the quick ones first. At the very beginning either is told by little, as
    what is loaded takes as long for much work as for none: there it counts by and by, and alone once the time that was
    expected is over. None where neither tells.
    """
    by_pace = so_far * (1 - fraction) / fraction if fraction and so_far else None
    by_estimate = expected - so_far if expected and expected > so_far else None
    if by_pace is None or by_estimate is None or fraction is None:
        if by_pace is None or (not expected and (fraction or 0) < _TELLING_FRACTION):
            return by_estimate
        return by_pace
    slower = max(by_pace, fraction * by_pace + (1 - fraction) * by_estimate)
    told = min(fraction / _TELLING_FRACTION, 1) ** 2
    return told * slower + (1 - told) * by_estimate
