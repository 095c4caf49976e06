"""The parts of an output that is not finished: each appears whole, and a run that goes on begins after the last one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from classwright_tools.errors import InvalidInput

_ABOUT, _ENDING = "about.json", ".parts"
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""Made once: `json.dumps` makes its encoder anew for every row."""


class Parts:
    """The parts beside an output file, in a folder that is there until the output is."""

    def __init__(self, output: Path, about: Mapping[str, Any]) -> None:
        """Open the parts of `output`, or begin them; `about` says what they are made of, as JSON has it.

        Raises:
            InvalidInput: parts of something else are there.
        """
        self._folder = output.with_name(f"{output.name}{_ENDING}")
        self._folder.mkdir(exist_ok=True)
        file = self._folder / _ABOUT
        now = json.dumps(about, sort_keys=True)
        if not file.exists():
            _write(file, now)
        elif file.read_text(encoding="utf-8") != now:
            raise InvalidInput(
                f"folder {self._folder.name!r}",
                "holds the parts of a run with another model, other files, other settings or another version",
                "Remove it to begin anew, or name another output.",
            )
        self.done = len(self._paths())
        """How many parts are there."""

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store the next part."""
        lines = "".join(f"{_ENCODE(row)}\n" for row in rows)
        _write(self._folder / f"{self.done:06}.jsonl", lines)
        self.done += 1

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of each part in turn."""
        for path in self._paths():
            with path.open(encoding="utf-8") as file:
                yield [json.loads(line) for line in file]

    def remove(self) -> None:
        """Remove the parts, of which the output is made by now."""
        shutil.rmtree(self._folder)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))


def is_part(path: Path) -> bool:
    """Whether the file is a part of an output, which may be one of another run."""
    return path.parent.suffix == _ENDING and (path.parent / _ABOUT).exists()


def _write(path: Path, text: str) -> None:
    """Write a file that appears whole; half a character (a lone surrogate), which no file can hold, is a "?" there."""
    staged = path.with_name(f"{path.name}.staged")
    staged.write_bytes(text.encode("utf-8", "replace"))
    staged.replace(path)
