"""An endpoint that fails at a share of its calls and keeps the account of every completion that it served."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from support.writing import RESET, Said, Seen, said, said_items, said_status
from support.writing_verbs import sentence

ANSWER_SECONDS = (0.02, 0.2)
"""How long an answer takes, so that a kill meets some under way."""
SILENT_SECONDS = 4.0
"""How long a call hangs before its connection breaks; a client's own patience is a quarter of an hour."""
RETRY_AFTER_SECONDS = "1"
FAULTS = ("429", "500", "hang", "reset", "cut_off", "cut_at_once", "too_few", "too_many")


@dataclass(frozen=True)
class Serving:
    """A completion that was served, and so was paid; it could be used, or gave nothing."""

    request: str
    arrived: float
    usable: bool


class PaidEndpoint:
    """The script of a `ScriptedEndpoint`. Times are seconds since the epoch, as the store of completions has them."""

    def __init__(self, seed: int, share: float) -> None:
        """Fail at `share` (0 to 1) of the calls."""
        self.servings: list[Serving] = []
        self.faults: Counter[str] = Counter()
        self.calls = 0
        self._share = share
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Said:
        """Answer, late or wrongly if the lot falls so."""
        arrived = time.time()
        with self._lock:
            self.calls += 1
            fault = self._random.choice(FAULTS) if self._random.random() < self._share else None
            seconds = self._random.uniform(*ANSWER_SECONDS)
            self.faults[fault or "none"] += 1
        time.sleep(SILENT_SECONDS if fault == "hang" else seconds)
        if fault == "429":
            return said_status(429, Retry_After=RETRY_AFTER_SECONDS)
        if fault == "500":
            return said_status(500)
        if fault in ("hang", "reset"):
            return RESET
        with self._lock:
            request = digest(seen.body["messages"], seen.body["seed"])
            self.servings.append(Serving(request, arrived, fault != "cut_at_once"))
        return _spoilt(_sentences(seen), fault)


def digest(messages: Sequence[object], seed: int) -> str:
    """Return the key of what is asked: the seed sets a second attempt at the same words apart."""
    return hashlib.sha256(json.dumps([messages, seed], sort_keys=True).encode()).hexdigest()


def paid_twice(
    servings: Sequence[Serving], stored: dict[str, float], kills: Sequence[tuple[float, float]]
) -> tuple[int, int]:
    """Return how many usable completions were served again: those in flight at a kill, and all others.

    `stored` says when a request's completion was stored; a kill has a beginning and an end. In flight at a kill is what
    had been asked before its end and was not stored at its beginning.
    """
    in_flight = beyond = 0
    by_request: dict[str, list[float]] = {}
    for serving in servings:
        if serving.usable:
            by_request.setdefault(serving.request, []).append(serving.arrived)
    for request, times in by_request.items():
        times.sort()
        for first, again in pairwise(times):
            kept = stored.get(request, float("inf"))
            if any(first <= end and begin <= min(again, kept) for begin, end in kills):
                in_flight += 1
            else:
                beyond += 1
    return in_flight, beyond


def _sentences(seen: Seen) -> Said:
    """Answer with as many sentences as are asked for, which no other request gets."""
    wanted = int(seen.prompt.partition("Write ")[2].split()[0])
    return said_items(*(sentence(int(seen.body["seed"]) * 100 + number) for number in range(wanted)))


def _spoilt(answer: Said, fault: str | None) -> Said:
    """Return `answer` with what `fault` does to its items."""
    if fault not in ("cut_off", "cut_at_once", "too_few", "too_many"):
        return answer
    items = json.loads(json.loads(answer.body)["choices"][0]["message"]["content"])["items"]
    if fault == "too_few":
        items = items[: len(items) // 2] or items
    if fault == "too_many":
        items = [*items, *(f"{item}, and once more" for item in items[:3])]
    content = json.dumps({"items": items})
    if fault == "cut_off":
        return said(content[: len(content) * 3 // 4], finish="length")
    if fault == "cut_at_once":
        return said(content[:6], finish="length")
    return replace(answer, body=said(content).body)
