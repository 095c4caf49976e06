"""The writer that the operator chose, from the flags that each kind of writer declares for itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from classwright_server.config.chosen import Chosen
from classwright_tools.errors import InvalidInput
from classwright_tools.writing.backends.registry import writer_kinds
from classwright_tools.writing.backends.settings import THINKING_TOKENS, Flag, WriterSettings


def chosen_writer(chosen: Chosen, vllm: str | None) -> WriterSettings | None:
    """Return the settings of the writer that is chosen; None where the calling model, or a `vllm`, writes.

    Raises:
        InvalidInput: several are chosen, or what is set of the one cannot be used, or flags are set that none reads.
    """
    named: dict[str, type[WriterSettings]] = {}
    for kind in writer_kinds().values():
        field, flag = next(iter(kind.flags().items()))
        if _given(chosen, kind, field, flag):
            named[flag.option] = kind
    options = [*named, *(["--vllm"] if vllm else [])]
    if len(options) > 1:
        raise InvalidInput("the writer", f"is given twice, by {' and '.join(options)}", "Keep one of them.")
    _check_read(chosen, named, vllm)
    return next((_settings(chosen, kind, option) for option, kind in named.items()), None)


def _check_read(chosen: Chosen, named: Mapping[str, type[WriterSettings]], vllm: str | None) -> None:
    """Return if the writer that is `named`, by the flag that chooses it, or a `vllm`, reads each writer's flag given.

    A variable may lie in an environment that several programs share.
    """
    read = {flag.name for kind in named.values() for flag in kind.flags().values()}
    read |= {THINKING_TOKENS.name} if vllm else set()
    used = "--vllm" if vllm else next(iter(named), None)
    for name, (flag, _) in writer_flags().items():
        if name not in read and chosen.is_flag(name):
            own = [kind.flags() for kind in writer_kinds().values()]
            options = {next(iter(flags.values())).option for flags in own if flag in flags.values()}
            if used:
                raise InvalidInput(flag.option, f"is not read by the writer of {used}", "Take it out.")
            repair = f"Add {' or '.join(sorted(options))}, or take it out."
            raise InvalidInput(flag.option, "is set, and no writer that reads it", repair)


def writer_flags() -> dict[str, tuple[Flag, bool]]:
    """Return the flags of all kinds of writers by name, each with whether it takes several values."""
    return {
        flag.name: (flag, _is_list(kind, field))
        for kind in writer_kinds().values()
        for field, flag in kind.flags().items()
    }


def _settings(chosen: Chosen, kind: type[WriterSettings], option: str) -> WriterSettings:
    """Return the settings of the `kind` that `option` chose."""
    given: dict[str, Any] = {}
    flags = kind.flags()
    for field, flag in flags.items():
        value = _given(chosen, kind, field, flag)
        if value is not None:
            given[field] = value
        elif kind.model_fields[field].is_required():
            reason = f"needs {flag.option} as well: {flag.help}"
            raise InvalidInput(option, reason, f"Add {flag.option} {flag.metavar}.")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = flags.get(str(next(iter(first["loc"]), "")), next(iter(flags.values())))
        raise chosen.unusable(wrong.name, f"cannot be used: {first['msg']}") from error


def _given(chosen: Chosen, kind: type[WriterSettings], field: str, flag: Flag) -> Any:
    """Return what is set for `field`, by its type; None if nothing is."""
    if _is_list(kind, field):
        paths = Path in get_args(kind.model_fields[field].annotation)
        return (chosen.paths(flag.name) if paths else chosen.words(flag.name)) or None
    types = get_args(kind.model_fields[field].annotation) or (kind.model_fields[field].annotation,)
    if float in types:
        return chosen.number(flag.name)
    if int in types and chosen.text(flag.name) is not None:
        return chosen.whole_number(flag.name, 0)
    return chosen.text(flag.name)


def _is_list(kind: type[WriterSettings], field: str) -> bool:
    return get_origin(kind.model_fields[field].annotation) is tuple
