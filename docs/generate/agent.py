"""The page agent.md: the flags of `classwright-agent`, from its parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from classwright_agents.cli import parser

_OPENING = """\
# The agent's command line

Written by `make docs` from the program itself; do not edit it. [The agent](../guides/agent.md) says what it does.
"""


def page() -> str:
    """Return the page: a section for each subcommand."""
    program = parser()
    subcommands = next(a for a in program._actions if isinstance(a, argparse._SubParsersAction))
    return "\n".join([_OPENING, *(line for name, verb in subcommands.choices.items() for line in _section(name, verb))])


def _section(name: str, verb: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {verb.prog.removesuffix(name)}{name}\n\n{verb.description}\n\n| argument | meaning |\n|---|---|"
    for action in verb._actions:
        value = action.metavar or action.dest.upper() if action.nargs != 0 else ""
        called = " ".join(filter(None, (", ".join(action.option_strings), str(value))))
        yield f"| `{called}` | {action.help} |"
    yield ""
