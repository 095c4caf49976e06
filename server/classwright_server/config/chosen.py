"""One setting at a time, from the command line or from the environment.

Every setting is a command-line flag, and an environment variable named after it: `--writer-url` is
`CLASSWRIGHT_WRITER_URL`. A flag wins. In a variable, several paths are separated as those of PATH are, several URLs or
hosts by spaces.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from classwright_tools.errors import InvalidInput

PREFIX = "CLASSWRIGHT_"
MOST_OF_ANY = 10**15
"""The largest number that a setting may be: what is larger, infinity among it, is a slip."""

_ON, _OFF = ("1", "true", "yes"), ("0", "false", "no")
_SLIP = 0.85
"""How like a setting's name a variable's is where it is a slip; CLASSWRIGHT_TOKEN is none of --token-env: 0.71."""
_UNFILLED = re.compile(r"\$\{user_config\.\w+\}")
"""What a host leaves of a bundle's variable whose setting the person left empty."""


def drop_unfilled(environment: MutableMapping[str, str]) -> None:
    """Take the variables out that a host of a bundle left unfilled: they are not set, also where a key is meant."""
    for name in [name for name, value in environment.items() if _UNFILLED.fullmatch(value)]:
        del environment[name]


class Chosen:
    """Looks a setting up in the flags, then in the environment."""

    def __init__(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._flags = flags
        self._environment = environment
        self._asked: set[str] = set()

    def text(self, name: str) -> str | None:
        """Return the setting `name`, or None if it is not set or empty."""
        self._asked.add(name)
        value = self._flags.get(name)
        if value is None or isinstance(value, bool):
            value = self._environment.get(PREFIX + name.upper())
        return str(value) if value else None

    def is_flag(self, name: str) -> bool:
        """Return whether the setting `name` is on the command line, not in the environment alone."""
        return bool(self._flags.get(name))

    def is_on(self, name: str) -> bool:
        """Return whether the setting `name` is given."""
        word = (self.text(name) or "no").lower()
        if word not in (*_ON, *_OFF):
            raise self.unusable(name, f"is none of {', '.join((*_ON, *_OFF))}")
        return bool(self._flags.get(name)) or word in _ON

    def words(self, name: str) -> tuple[str, ...]:
        """Return the values of the setting `name`, which in a variable are separated by spaces."""
        self._asked.add(name)
        return tuple(self._flags.get(name) or self._environment.get(PREFIX + name.upper(), "").split())

    def paths(self, name: str) -> tuple[Path, ...]:
        """Return the paths of the setting `name`, which in a variable are separated as those of PATH are."""
        self._asked.add(name)
        text = self._environment.get(PREFIX + name.upper(), "")
        named = self._flags.get(name) or [part for part in text.split(os.pathsep) if part]
        return tuple(self.path(name, part) for part in named)

    def path(self, name: str, text: str) -> Path:
        """Return the path `text`, which is one of the setting `name`, with no link and no "~" left in it."""
        try:
            return Path(text).expanduser().resolve()
        except RuntimeError as error:  # of both: a home that is not there, and (before Python 3.13) a loop of links
            reason = "names the home of a user that is not there" if text.startswith("~") else "leads to itself"
            raise self.unusable(name, reason, text) from error
        except (OSError, ValueError) as error:
            raise self.unusable(name, "is not a path that can be looked up", text) from error

    def url(self, name: str) -> str | None:
        """Return the setting `name`, a URL over http or https, or None."""
        text = self.text(name)
        try:
            parts = urlsplit(text or "http://none")
            usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        except ValueError:
            usable = False
        if not usable:
            raise self.unusable(name, "is not a URL over http or https")
        return text

    def number(self, name: str) -> float | None:
        """Return the setting `name`, a number from zero on, or None."""
        text = self.text(name)
        try:
            value = None if text is None else float(text)
        except ValueError:
            raise self.unusable(name, "is not a number") from None
        if value is not None and not 0 <= value <= MOST_OF_ANY:
            raise self.unusable(name, "is below zero" if value < 0 else f"is not a number up to {MOST_OF_ANY:,}")
        return value

    def limit(self, name: str, *, whole: bool) -> float | None:
        """Return the setting `name`, a number above zero, or None."""
        value = self.number(name)
        if value is not None and not (value and (value.is_integer() or not whole)):
            raise self.unusable(name, "is not a whole number above zero" if whole else "is not above zero")
        return value

    def whole_number(self, name: str, default: int, most: int = MOST_OF_ANY) -> int:
        """Return the setting `name`, a whole number from zero to `most`, or `default`."""
        text = self.text(name)
        try:
            value = default if text is None else int(text)
        except ValueError:
            raise self.unusable(name, "is not a whole number") from None
        if not 0 <= value <= most:
            raise self.unusable(name, f"is not a whole number from 0 to {most:,}")
        return value

    def check_variables(self, others: Collection[str]) -> None:
        """Refuse a variable whose name is nearly that of a setting: of those looked up until now, and the `others`."""
        settings = {PREFIX + name.upper() for name in (*self._asked, *others)}
        for variable in sorted(name for name in self._environment if name.startswith(PREFIX)):
            meant = difflib.get_close_matches(
                variable[len(PREFIX) :], [one[len(PREFIX) :] for one in settings], 1, _SLIP
            )
            if meant and variable not in settings:
                reason, repair = "names no setting", f"Did you mean {PREFIX}{meant[0]}? Correct it, or take it out."
                raise InvalidInput(f"environment variable {variable!r}", reason, repair)

    def unusable(self, name: str, reason: str, value: str | None = None) -> InvalidInput:
        """Return the error that says why the setting `name`, or one `value` of it, cannot be used."""
        flag = f"--{name.replace('_', '-')}"
        subject = f"setting {flag}={(value or self.text(name))!r}"
        return InvalidInput(subject, reason, f"Correct {flag} or {PREFIX}{name.upper()}.")
