"""The command line: `classwright serve`, and its other commands, which `classwright --help` lists."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from classwright_server import __version__
from classwright_server.check_command import add_check, run_check
from classwright_server.classify_command import add_classify, is_stored, run_classify
from classwright_server.config.chosen import PREFIX, drop_unfilled
from classwright_server.config.place import add_place
from classwright_server.config.settings import (
    DEFAULT_PORT,
    LOOPBACK,
    WORKSPACE_GB,
    Limits,
    ServerSettings,
    check_settings,
    settings_from,
)
from classwright_server.config.writers import writer_flags
from classwright_server.export_command import add_export, run_export
from classwright_server.jobs.telemetry import start_telemetry
from classwright_server.mcp.stdio import INTERRUPTED, STOPPED, serve_stdio
from classwright_server.move_command import add_move, run_move
from classwright_server.push_command import add_push, run_push
from classwright_server.remove_command import add_remove, run_remove
from classwright_server.sanitize import log_plainly
from classwright_tools.command_line import CommandParser
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.errors import ClasswrightError, InvalidInput
from classwright_tools.garbage import importing

_ON_WORKSPACE = {"export": run_export, "push": run_push, "remove": run_remove, "move-index": run_move}
"""The commands that want a workspace and no server."""
_LIBRARIES = {
    "server": ("dbos", "sentence_transformers", "sklearn", "torch"),
    "run": ("numpy", "onnxruntime", "tokenizers"),
    "check": ("numpy", "onnxruntime", "scipy", "tokenizers"),
}
"""Of what each extra brings, the libraries whose absence tells that it is not installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (by default the process's own) name; return its exit code."""
    parsed = parser().parse_args(arguments)
    drop_unfilled(os.environ)
    # Before any library is imported: their bars would stand between our own lines, and in a client's log.
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")  # vLLM and the hub's client would send what runs here
    parsed.umask = os.umask(0o077)  # what is stored is nobody else's, in every process that is started from here
    log_plainly()  # before the SDK sets up its own: a log is read by programs and in narrow panes
    try:
        code = _run(parsed)
        sys.stdout.flush()
    except ClasswrightError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where Python puts what it has kept back when it ends
        return _fail("the output was closed before its end.", 2)
    except KeyboardInterrupt:
        return _fail(STOPPED, INTERRUPTED)
    return code


def _run(parsed: argparse.Namespace) -> int:
    """Run the command that was parsed and return its exit code."""
    settings = settings_from(vars(parsed), os.environ)
    if parsed.command == "tools":
        return _print_tools(settings)
    if parsed.command == "classify":
        _check_installed("classwright classify", "server" if is_stored(parsed.model) else "run")
        return run_classify(parsed, settings.tool_settings)
    if parsed.command == "check":
        _check_installed("classwright check", "check" if parsed.against else "run")
        return run_check(parsed)
    if run := _ON_WORKSPACE.get(parsed.command):
        _check_installed(f"classwright {parsed.command}")
        return run(parsed, settings.tool_settings)
    _check_installed("The server")
    if parsed.command == "doctor":
        from classwright_server.doctor import run_doctor

        return run_doctor(settings)
    check_settings(settings, serves=parsed.command == "serve")
    _check_brought(settings)
    if settings.vllm:
        from classwright_server.vllm import vllm_program

        vllm_program(os.environ)  # refused before anything starts, if it is missing
    start_telemetry(os.environ, page=settings.metrics)
    return _work(settings) if parsed.command == "worker" else _serve(settings)


def _check_brought(settings: ServerSettings) -> None:
    """Return if what others bring can be used, and the writer be opened: before a client waits for what fails then."""
    with importing():
        from classwright_server.extensions import check_extensions, open_writer

    check_extensions(settings.tool_settings)
    if settings.tool_settings.writer and "writing" in settings.jobs:
        open_writer(settings.tool_settings.writer, os.environ)


def _fail(sentence: str, code: int) -> int:
    """Say why the command ends, and return its exit code."""
    with contextlib.suppress(BrokenPipeError):
        print(f"classwright: {sentence}", file=sys.stderr)  # noqa: T201  # a command line's own error
    return code


def _check_installed(who: str, extra: str = "server") -> None:
    """Return if the libraries of `extra`, which `who` works with, are installed: the agent alone needs none of them."""
    missing = [name for name in _LIBRARIES[extra] if find_spec(name) is None]
    if missing:
        raise InvalidInput(
            f"{who} needs classwright[{extra}]",
            f"without it these are not installed: {', '.join(missing)}",
            f'Run `pip install "classwright[{extra}]"`.',
        )


def _serve(settings: ServerSettings) -> int:
    if settings.http:
        with importing():
            from classwright_server.http.serving import serve_http

        serve_http(settings)
    else:
        serve_stdio(settings)
    return 0


def _work(settings: ServerSettings) -> int:
    from classwright_server.jobs.worker import work

    work(settings)
    return 0


def _say(sentence: str) -> None:
    print(sentence)  # noqa: T201  # what the command is for


def _print_tools(settings: ServerSettings) -> int:
    from classwright_server.backend import Backend
    from classwright_server.mcp.tools import served_tools

    for tool in served_tools(Backend(settings)):
        _say(f"{tool.name}: {tool.title}\n    {tool.description}\n")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the reference in docs/ is written from it."""
    program = CommandParser(
        prog="classwright",
        description="Grow text classifiers out of a conversation, over MCP.",
        epilog=f"Every setting --name is also read from the environment variable {PREFIX}NAME; the flag wins.",
    )
    program.add_argument("--version", action="version", version=f"classwright {__version__}")
    commands = program.add_subparsers(dest="command", required=True)
    serve = _add_command(commands, "serve", "serve the tools over stdio, or with --http over HTTP")
    worker = _add_command(commands, "worker", "run the jobs of the workspace's servers; serve no clients")
    doctor = _add_command(commands, "doctor", "try all that a server leans on, and say what is wrong and what to do")
    tools = _add_command(commands, "tools", "print the tools and what they do")
    for command in (serve, worker, doctor):
        _add_settings(command)
        _add_job_limits(command)
    for command in (serve, worker, doctor):
        command.add_argument(
            "--jobs", metavar="KIND", nargs="+", help="jobs to run: short, long, compute (both), writing or none"
        )
    for command in (serve, doctor):
        _add_serving_settings(command)
    for command in (serve, worker, doctor, tools):
        command.add_argument(
            "--tool",
            metavar="MODULE",
            action="append",
            help="a module with a TOOL of your own to serve too; repeatable",
        )
    add_classify(commands)
    add_check(commands)
    add_export(commands)
    add_push(commands)
    add_remove(commands)
    add_move(commands)
    return program


def _add_command(commands: Any, name: str, about: str) -> argparse.ArgumentParser:
    """Add a command whose settings are too many for its line of usage."""
    usage, description = f"classwright {name} [SETTING ...]", f"{about[:1].upper()}{about[1:]}."
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=description, usage=usage)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add_place(parser)
    add = parser.add_argument
    add("--encoder", metavar="NAME", help=f"the sentence encoder; default: {DEFAULT_ENCODER}")
    add("--import-folder", metavar="FOLDER", action="append", help="a folder that import_examples may read; repeatable")
    add("--no-hub", action="store_true", default=None, help="callers may name no dataset or encoder of the hub")
    add("--workspace-gb", metavar="N", help=f"size of a principal's own workspace; default: {WORKSPACE_GB}")
    writer = parser.add_argument_group("who writes the texts (default: the calling model)")
    for flag, is_list in writer_flags().values():
        several: dict[str, Any] = {"nargs": "+", "action": "extend"} if is_list else {}
        writer.add_argument(flag.option, metavar=flag.metavar, help=flag.help, **several)
    writer.add_argument("--vllm", metavar="MODEL", help="start and watch a `vllm serve MODEL` of its own")


def _add_job_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("limits of a job that runs here")
    limits.add_argument("--job-tokens", metavar="N", help="tokens that one job may have written and read; default: any")
    limits.add_argument("--job-cost", metavar="USD", help="what one job may cost at the writer's prices; default: any")
    limits.add_argument("--job-hours", metavar="N", help=f"how long a job may run; default: {Limits().job_hours:g}")


def _add_serving_settings(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("limits of those who call")
    about = f"jobs of a principal that may wait; default: {Limits().waiting_jobs:,}"
    limits.add_argument("--waiting-jobs", metavar="N", help=about)
    about = f"requests over HTTP of a principal with a token; default: {Limits().calls_per_minute}"
    limits.add_argument("--calls-per-minute", metavar="N", help=about)
    http = parser.add_argument_group("serving over HTTP")
    http.add_argument("--http", action="store_true", default=None, help="streamable HTTP in place of stdio")
    http.add_argument("--host", help=f"the address to bind to; default: {LOOPBACK[0]}")
    http.add_argument("--port", help=f"the port; default: {DEFAULT_PORT}")
    http.add_argument("--token-env", metavar="NAME", help="the environment variable that holds the bearer token")
    http.add_argument("--jwks-url", metavar="URL", help="where the authorization server's public keys are")
    http.add_argument("--jwt-issuer", metavar="URL", help="with --jwks-url: the issuer that tokens must name")
    http.add_argument("--jwt-audience", metavar="NAME", help="the audience they must name; default: --public-url")
    http.add_argument("--required-scope", metavar="SCOPE", action="append", help="one they must have; repeatable")
    http.add_argument("--public-url", metavar="URL", help="with --jwks-url: this server's URL, as clients know it")
    http.add_argument("--allow-host", metavar="HOST", action="append", help="a Host header to accept; repeatable")
    http.add_argument("--metrics", action="store_true", default=None, help="show the operator counters at /metrics")


if __name__ == "__main__":
    sys.exit(main())
