"""Errors of one HTTP request to an endpoint, and the wait that the endpoint asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

# An endpoint that asks for more patience than this is asked again anyway; a broken header must not stop a job for days.
MOST_RETRY_AFTER_SECONDS = 600.0

FaultKind = Literal["overloaded", "unreachable", "broken", "silent", "rejected"]


@dataclass(frozen=True)
class Fault:
    """One failed request.

    overloaded: the endpoint is there and wants fewer requests (429, 503).
    unreachable: no connection came about.
    broken: the connection broke, or the endpoint failed (5xx), or its answer is not a chat completion.
    silent: connected, but no answer within the read timeout.
    rejected: every further request would be turned away as well: the key, the model or the address is wrong.

    It `may_be_of_form` that the endpoint cannot give structured output, and would have answered without.
    """

    kind: FaultKind
    reason: str
    retry_after: float | None = None
    may_be_of_form: bool = False
    repair: str = "Check that it runs and that the server was started with its URL, model and key."

    def maybe_of_form(self) -> Fault:
        """Return it with that doubt."""
        return replace(self, may_be_of_form=True)


def fault_of_status(status: int, headers: Mapping[str, str], now: datetime, how_given: str = "") -> Fault | None:
    """Return the fault that an HTTP status stands for; None for success, and for a complaint about the request.

    `how_given` says how the endpoint gave the status, where it was not as the answer's own.
    """
    how = f": {how_given}" if how_given else f" (HTTP {status})"
    if status in (429, 503):
        reason = "is rate-limiting" if status == 429 else "is overloaded or loading"
        wait = retry_after(headers.get("retry-after"), now)
        return Fault(
            "overloaded",
            f"{reason}{how}",
            wait,
            repair="Wait until it takes requests again, or have its limits raised.",
        )
    if status >= 500 or status in (408, 425):
        return Fault("broken", how_given or f"answered with HTTP {status}")
    if status in (401, 403):
        return Fault("rejected", f"refused the API key{how}")
    if status == 402:
        return Fault("rejected", f"wants to be paid first{how}", repair="Add credit to the account that the key is of.")
    if status in (404, 405):
        return Fault("rejected", f"does not know the model or the path{how}")
    if 300 <= status < 400:
        return Fault("rejected", f"redirects elsewhere (HTTP {status}), which is not followed")
    return None


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, in seconds or as an HTTP date; None if it says nothing.

    At least 0 and at most `MOST_RETRY_AFTER_SECONDS`. `now` is aware.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            at = parsedate_to_datetime(header)
        except ValueError:
            return None
        if at.tzinfo is None:  # "-0000": UTC, of a source that does not say so
            at = at.replace(tzinfo=UTC)
        seconds = (at - now).total_seconds()
    if seconds != seconds:  # NaN, which float() reads
        return None
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_SECONDS)
