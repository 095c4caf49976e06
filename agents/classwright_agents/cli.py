"""The command line: `classwright-agent init`, `build TASK.yaml`, `review` and `fetch`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from classwright_agents.errors import AgentError, OutputClosed
from classwright_agents.new_task import EXAMPLE, Texts, ask_on_terminal, write_new_task
from classwright_agents.program import build, fetch, server_entry
from classwright_tools.command_line import CommandParser
from classwright_tools.contract import counted


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 failed with a reason, 2 not read to its end, 130 stopped."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except AgentError as error:
        print(str(error).strip(), file=sys.stderr)  # noqa: T201  # the program's answer
        return 2 if isinstance(error, OutputClosed) else 1
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the reference in docs/ is written from it."""
    program = CommandParser(
        prog="classwright-agent", description="Build a text classifier by calling the tools of a Classwright server."
    )
    program.add_argument("--version", action="version", version=f"%(prog)s {version('classwright')}")
    verbs = program.add_subparsers(required=True, metavar="init | build | review | fetch")
    _add_init(verbs)
    _add_build(verbs)
    _add_review(verbs)
    _add_fetch(verbs)
    return program


def _add_init(verbs: Any) -> None:
    about = "write a task file from a sentence, from texts whose kinds nobody knows, or from the answers to questions"
    verb = verbs.add_parser("init", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    verb.set_defaults(run=_init)
    verb.add_argument("sentence", nargs="?", help=f"such as {EXAMPLE!r}")
    verb.add_argument("--texts", type=Path, metavar="FILE", help="draft the labels from groups of its texts by meaning")
    verb.add_argument("--text-column", metavar="NAME", default="text", help="of --texts (default: text)")
    verb.add_argument("--output", type=Path, default=Path("task.yaml"), help="a new file (default: ./task.yaml)")


def _init(options: argparse.Namespace) -> None:
    texts = Texts(options.texts, options.text_column) if options.texts else None
    task = write_new_task(options.output, options.sentence, texts, ask_on_terminal)
    print(options.output, flush=True)  # noqa: T201  # the program's answer
    follow = f"Read it over, then run: classwright-agent build {shlex.quote(str(options.output))}"
    if texts:
        follow = f"Its labels are groups by meaning: rename, join and take out, and say what they want. {follow}"
    if not task.server.command:
        follow += "\nIt names nobody who writes the texts: `server` in it shows how."
    print(follow, file=sys.stderr)  # noqa: T201


def _add_build(verbs: Any) -> None:
    about = "build the classifier that a task file describes"
    verb = verbs.add_parser("build", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    verb.set_defaults(run=_build)
    verb.add_argument("task", type=Path, metavar="TASK.yaml", help="the task file")
    verb.add_argument("--runs", type=Path, default=Path("runs"), help="where run folders are made (default: ./runs)")
    verb.add_argument(
        "--resume", metavar="RUN", help="go on with this run; 'latest' is the newest unfinished one of the task"
    )
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--server", metavar="URL", help="use a running server instead of the task file's")
    where.add_argument("--command", metavar="LINE", help="start this server over stdio instead of the task file's")
    _add_token(verb)
    verb.add_argument("--plain", action="store_true", help="plain lines instead of the live picture")
    verb.add_argument(
        "--json", action="store_true", help="print the summary of the run on stdout instead of where it is"
    )


def _build(options: argparse.Namespace) -> None:
    facts = asyncio.run(
        build(
            options.task,
            runs=options.runs,
            resume=options.resume,
            server=options.server,
            command=options.command,
            token_env=options.token_env,
            plain=options.plain,
        )
    )
    folder = Path(facts["folder"])
    with contextlib.suppress(ValueError):  # it is elsewhere
        folder = folder.relative_to(Path.cwd())
    left = f"Everything is in {folder}: report.html, summary.json, card.md, model/ and dataset/."
    try:
        print(json.dumps(facts, ensure_ascii=False) if options.json else left, flush=True)  # noqa: T201  # the answer
    except BrokenPipeError as error:
        raise OutputClosed from error


def _add_review(verbs: Any) -> None:
    about = "look at the rows of a task in a browser tab, label them and put them right"
    verb = verbs.add_parser("review", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    verb.set_defaults(run=_review)
    verb.add_argument("task", nargs="?", metavar="TASK", help="the task (default: the one that was changed last)")
    verb.add_argument("--name", metavar="NAME", help="who decides, as others see it")
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--server", metavar="URL", help="the running server that has the task")
    where.add_argument(
        "--command",
        metavar="LINE",
        default="classwright serve",
        help="start this server over stdio (default: classwright serve, on its workspace)",
    )
    _add_token(verb)
    verb.add_argument("--port", type=int, default=0, help="of the page on this machine (default: a free one)")
    verb.add_argument("--no-browser", action="store_true", help="print the address and open nothing")


def _review(options: argparse.Namespace) -> None:
    from classwright_agents.review.program import review  # a web server, which a build has no use for

    entry = server_entry(options.server, options.command, options.token_env)
    asyncio.run(review(entry, task=options.task, name=options.name, port=options.port, opens=not options.no_browser))


def _add_fetch(verbs: Any) -> None:
    about = "bring the files of an artifact, such as an export, from a running server"
    verb = verbs.add_parser("fetch", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    verb.set_defaults(run=_fetch)
    verb.add_argument("artifact", metavar="ARTIFACT", help="its id, such as tickets-x1")
    verb.add_argument("--server", metavar="URL", required=True, help="the running server that has it")
    _add_token(verb)
    verb.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where they go (default: ./ARTIFACT)")


def _fetch(options: argparse.Namespace) -> None:
    entry = server_entry(options.server, None, options.token_env)
    folder = options.output or Path(options.artifact)
    files = asyncio.run(fetch(entry, options.artifact, folder))
    size = sum(file.bytes for file in files) / 1e6
    print(f"{counted(len(files), 'file')}, {size:,.1f} MB, in {folder}", flush=True)  # noqa: T201  # the answer


def _add_token(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--token-env", metavar="NAME", help="of a running server: the environment variable of its token")


if __name__ == "__main__":
    sys.exit(main())
