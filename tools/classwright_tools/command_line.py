"""A parser of command lines that names the nearest flag where one is unknown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


class CommandParser(argparse.ArgumentParser):
    """Ends the program for a flag that there is not, as argparse does, and says which one may be meant."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]  # its own has overloads
        """Parse `args`; argparse calls this for each command's own parser, which alone knows the command's flags."""
        parsed, unknown = super().parse_known_args(args, namespace)
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("-")), None)
        if flag:
            import difflib  # it takes long to import, and few calls need it

            nearest = difflib.get_close_matches(flag, self._option_string_actions, 1)
            self.error(f"there is no flag {flag}. " + (f"Did you mean {nearest[0]}?" if nearest else "See --help."))
        return parsed, unknown
