"""The lines of a file, of which those to come can be looked at before they are taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice, takewhile

from classwright_tools.reading.opening import MAX_ROW_CHARS


class Lines:
    r"""Lines that all end in "\n"; None stands for one that is too long to be held."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines = lines
        self._ahead: deque[str | None] = deque()
        self._chars = 0  # of the lines ahead
        self.taken = 0
        """How many lines were taken, which is the number of the last one."""

    def take(self) -> str | None:
        """Return the next line.

        Raises:
            StopIteration: there is none.
        """
        if not self._ahead:
            line = _ended(next(self._lines))
        else:
            line = self._ahead.popleft()
            self._chars -= len(line or "")
        self.taken += 1
        return line

    def ahead(self, lines: int, begin: int = 0) -> list[str]:
        """Return the next lines from the one at `begin` on, without taking them: up to `lines`, or to one too long.

        No more than MAX_ROW_CHARS and a line are held.
        """
        while len(self._ahead) < begin + lines and self._chars <= MAX_ROW_CHARS:
            for line in islice(self._lines, 1):
                self._ahead.append(_ended(line))
                self._chars += len(line or "")
                break
            else:
                break
        held = takewhile(lambda line: line is not None, islice(self._ahead, begin, begin + lines))
        return [line for line in held if line is not None]


def _ended(line: str | None) -> str | None:
    """Return a line with "\\n" at its end alone: where "\\r" ends lines, one inside is a blank of a text."""
    return None if line is None else line.rstrip("\r\n").replace("\n", " ") + "\n"
