"""The pages agent.md and server.md: the arguments of the two programs, from their parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from classwright_agents import cli as agents
from classwright_server import cli as server
from classwright_server.config.chosen import PREFIX

_OPENING = """\
# The command line of `{program}`

Written by `make docs` from the program itself; do not edit it. {more}
"""


def agent_page() -> str:
    """Return the page of `classwright-agent`."""
    return _page(agents.parser(), "[The agent](../guides/agent.md) says what it does.")


def server_page() -> str:
    """Return the page of `classwright`."""
    guides = "[Running it](../guides/server.md) and [using a classifier](../guides/using.md) say what it is for."
    names = f"Each setting of `serve` is also read from the environment: `--port` from `{PREFIX}PORT`; the flag wins."
    return _page(server.parser(), f"{guides}\n{names}")


def _page(program: argparse.ArgumentParser, more: str) -> str:
    subcommands = next(a for a in program._actions if isinstance(a, argparse._SubParsersAction))
    sections = (line for name, verb in subcommands.choices.items() for line in _section(program.prog, name, verb))
    return "\n".join([_OPENING.format(program=program.prog, more=more), *sections])


def _section(program: str, name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {program} {name}\n\n{command.description}\n\n| argument | meaning |\n|---|---|"
    for action in command._actions:
        if not isinstance(action, argparse._HelpAction):
            value = action.metavar or action.dest.upper() if action.nargs != 0 else ""
            called = " ".join(filter(None, (", ".join(action.option_strings), str(value))))
            yield f"| `{called}` | {action.help} |"
    yield ""
