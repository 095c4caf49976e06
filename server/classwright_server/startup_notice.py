"""The startup notice: what whoever starts a server or a worker wants to know, on stderr, a client's log of it."""

from __future__ import annotations

import re
import shutil
import sys

from classwright_server import __version__
from classwright_server.config.settings import ServerSettings
from classwright_tools.domain.invisible import plain_text

PROGRAM = "classwright"
_CREDENTIALS = re.compile(r"(?<=//)[^/\s]*@")  # up to the last one: a password may hold one


def print_startup_notice(does: str, settings: ServerSettings, *, stop: str) -> None:
    """Print what the process `does`, its workspace, index and writer, whose jobs it runs, and how to `stop` it."""
    lines = [
        f"Classwright {__version__} {does}",
        f"  workspace  {settings.tool_settings.workspace}",
        *(["  index      in the PostgreSQL of --index-url"] if settings.tool_settings.index_url else []),
        f"  writer     {writer_of(settings)}",
        f"  jobs       {', '.join(settings.jobs) or 'none: workers run them'}",
        f"  stop       {stop} Jobs under way go on at the next start.",
    ]
    for line in lines:
        print(plain_text(line), file=sys.stderr, flush=True)  # noqa: T201  # stdout is the client's


def writer_of(settings: ServerSettings) -> str:
    """Return who writes the texts, as the flags that say so; a URL without its user and password."""
    writer = settings.tool_settings.writer
    if settings.vllm:
        return f"--vllm {settings.vllm}"
    if writer is None:
        return "the calling model: no other is set"
    told = []
    for name, flag in type(writer).flags().items():
        if type(writer).model_fields[name].is_required():
            value = getattr(writer, name)
            told += [flag.option, *map(str, value if isinstance(value, tuple) else (value,))]
    return _CREDENTIALS.sub("", " ".join(told))


def stdio_notice(settings: ServerSettings) -> None:
    """Print the notice of a server over stdio; at a terminal it says that no person speaks to it there."""
    does = "serves MCP over stdio, to the client that started it."
    if sys.stdin.isatty():
        program = shutil.which(PROGRAM) or PROGRAM
        does = f"serves MCP over stdio. A client starts it by itself: claude mcp add {PROGRAM} -- {program} serve"
    print_startup_notice(does, settings, stop="the client closes its end, or Ctrl-C.")
