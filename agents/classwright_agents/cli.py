"""The command line: `classwright-agent build TASK.yaml`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from importlib.metadata import version
from pathlib import Path

from classwright_agents.errors import AgentError, OutputClosed
from classwright_agents.program import build


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 failed with a reason, 2 not read to its end, 130 stopped."""
    options = parser().parse_args(arguments)
    try:
        asyncio.run(
            build(
                options.task,
                runs=options.runs,
                resume=options.resume,
                server=options.server,
                command=options.command,
                plain=options.plain,
            )
        )
    except AgentError as error:
        print(str(error).strip(), file=sys.stderr)  # noqa: T201  # the program's answer
        return 2 if isinstance(error, OutputClosed) else 1
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the reference in docs/ is written from it."""
    program = argparse.ArgumentParser(
        prog="classwright-agent", description="Build a text classifier by calling the tools of a Classwright server."
    )
    program.add_argument("--version", action="version", version=f"%(prog)s {version('classwright')}")
    verbs = program.add_subparsers(required=True, metavar="build")
    about = "build the classifier that a task file describes"
    verb = verbs.add_parser("build", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    verb.add_argument("task", type=Path, metavar="TASK.yaml", help="the task file")
    verb.add_argument("--runs", type=Path, default=Path("runs"), help="where run folders are made (default: ./runs)")
    verb.add_argument(
        "--resume", metavar="RUN", help="go on with this run; 'latest' is the newest unfinished one of the task"
    )
    where = verb.add_mutually_exclusive_group()
    where.add_argument("--server", metavar="URL", help="use a running server instead of the task file's")
    where.add_argument("--command", metavar="LINE", help="start this server over stdio instead of the task file's")
    verb.add_argument("--plain", action="store_true", help="plain lines instead of the live picture")
    return program


if __name__ == "__main__":
    sys.exit(main())
