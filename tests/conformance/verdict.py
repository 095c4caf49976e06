"""What came of one judgement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Whether something passed (None: it does not count), how many of its checks did, and what the program said."""

    group: str
    name: str
    good: bool | None
    checks: str
    note: str
    said: str

    def __str__(self) -> str:
        mark = {True: "ok", False: "FAIL", None: "-"}[self.good]
        return f"{mark:4} {self.group:31} {self.name:46} {self.checks:>5}  {self.note}".rstrip()
