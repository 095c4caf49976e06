"""Extensions: what others' packages and modules bring to a server, and which of them is behind a failure."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from classwright_server.config.settings import ToolSettings
from classwright_tools.catalogue import catalogue
from classwright_tools.domain.writer import Writer
from classwright_tools.errors import ClasswrightError, InvalidInput
from classwright_tools.installed import GROUPS, all_entry_points
from classwright_tools.learning.methods.registry import BROKEN, METHODS
from classwright_tools.tool import ToolSpec
from classwright_tools.writing.backends import scripted
from classwright_tools.writing.backends.registry import found_kinds, writer_kinds
from classwright_tools.writing.backends.settings import WriterSettings

_OURS = ("classwright_tools", "classwright_server")
_PREFIX = "classwright."


def check_extensions(own: ToolSettings) -> None:
    """Return if all that packages and `own` modules bring can be used.

    Raises:
        InvalidInput: one cannot be loaded, is not what it is brought as, or has a name that is taken.
    """
    for fault in (*BROKEN.values(), *found_kinds()[1]):
        raise fault
    catalogue(own.tools)


def open_writer(settings: WriterSettings, environment: Mapping[str, str]) -> Writer:
    """Return the writer of `settings`, which may be those of a package's.

    Raises:
        InvalidInput: what is set cannot be used, or its code raises.
    """
    try:
        return settings.open(environment)
    except ClasswrightError:
        raise
    except Exception as error:  # whatever its code raises
        whose, reason = _named("writer", settings.kind, type(settings)), f"{type(error).__name__}: {error}"
        raise InvalidInput(whose or "the writer", f"cannot be opened ({reason})", "Correct it.") from error


def found_extensions(own: ToolSettings) -> list[str]:
    """Return what can be used of them, in words."""
    methods = [_named("method", name, type(method)) for name, method in METHODS.items()]
    writers = [_named("writer", name, kind) for name, kind in writer_kinds().items()]
    tools = [_named("tool", name, tool.run) for name, tool in catalogue(own.tools).items()]
    return [one for one in (*methods, *writers, *tools) if one]


def misnamed_groups() -> Iterator[InvalidInput]:
    """Yield an error for each group of entry points that is named as if for Classwright, and that is not read.

    Whether what is in it is meant for another version cannot be known, so no start is refused for it.
    """
    for group in sorted(all_entry_points().groups):
        if group.startswith(_PREFIX) and group not in GROUPS:
            brought = ", ".join(sorted(entry.name for entry in all_entry_points().select(group=group)))
            nearest = [*difflib.get_close_matches(group, GROUPS, 1), *GROUPS][0]
            reason = f"is not read, so that {brought} is not there"
            yield InvalidInput(f"group of entry points {group!r}", reason, f"Did its package mean {nearest!r}?")


def first_of(error: BaseException) -> BaseException:
    """Return what was raised: of what failed at once, in a group of tasks, the first."""
    return first_of(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def extension_behind(error: BaseException) -> str | None:
    """Return the extension in whose code, or in what that called, `error` was raised; None if in none's.

    Of several the innermost, which the others called.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    brought = {kind.__module__: f"writer {name!r}" for name, kind in writer_kinds().items()}
    called = [frame.f_locals.get("self") for frame in frames]
    # Of the methods of one module the one that was called comes last, and names it.
    methods = sorted(METHODS.items(), key=lambda one: any(one[1] is who for who in called))
    brought |= {type(method).__module__: f"method {name!r}" for name, method in methods}
    packages = {_top(module): what for module, what in brought.items()}
    for place in reversed(range(len(frames))):
        frame, module = frames[place], _module(frames[place])
        if _top(module) in _OURS:
            continue
        tool = frame.f_globals.get("TOOL")
        if isinstance(tool, ToolSpec):
            return f"tool {tool.name!r} ({module})"
        if place and _module(frames[place - 1]) == scripted.__name__:
            return f"script {module}:{frame.f_code.co_name}"
        if found := brought.get(module) or packages.get(_top(module)):
            return f"{found} ({module})"
    return None


def _named(what: str, name: str, brought: Any) -> str | None:
    """Return what was brought, in words; None of what is Classwright's own."""
    module = brought.__module__
    return None if _top(module) in _OURS else f"{what} {name!r} ({module})"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _top(module: str) -> str:
    """Return the package at the top of a module's name."""
    return module.partition(".")[0]
