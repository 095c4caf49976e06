"""A clock that passes only when a test says so, for what measures work and for what limits it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from classwright_server.http import failed_logins
from classwright_tools import meter
from classwright_tools.learning import time_limit
from classwright_tools.writing.completions import budget


class Clock:
    """The seconds that they read."""

    def __init__(self) -> None:
        self.now = 100.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock in the place of their own."""
    made = Clock()
    for module in (meter, budget, time_limit, failed_logins):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made
