"""The command `classwright remove`: a task for good, with all that its workspace and the jobs' database hold of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classwright_server.config.place import add_owned_place, owned_place
from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.disk_quota import size_told
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import KINDS
from classwright_tools.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from classwright_server.jobs.removal import TaskJobs
    from classwright_tools.workspace.removal import Holding

_MOST_NAMED = 5
NOT_REACHED = (
    "files that were exported, downloaded or pushed elsewhere, runs of classwright-agent, sources in import folders",
    "backups, logs, and what clients keep of a conversation",
    "{cache}/embeddings-*: numbers under digests of texts, which all tasks share; delete them while no server runs",
)
NOT_REACHED_IN_POSTGRES = "PostgreSQL's write-ahead log, which holds what was written until it is recycled or archived"


def add_remove(commands: Any) -> None:
    """Add the command to the parsers of the program's others."""
    about = (
        "delete a task for good, with all that it holds: datasets, models, reports, exports, and the texts of its jobs"
    )
    parser = commands.add_parser("remove", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    parser.add_argument("task", metavar="TASK", help="the name of the task")
    parser.add_argument("--yes", action="store_true", help="remove it without asking")
    add_owned_place(parser)


def run_remove(options: argparse.Namespace, tool_settings: ToolSettings) -> int:
    """Run the command and return its exit code.

    Raises:
        NotFound: there is no such task, or no such principal.
        InvalidInput: jobs of the task wait or run, nobody was there to be asked, or there is no workspace.
        StorageFailed: the disk is full, or another process holds a database; the same command goes on.
    """
    from classwright_server.jobs.removal import jobs_of_task
    from classwright_server.mcp.long_answers import answers_naming
    from classwright_tools.workspace import removal
    from classwright_tools.workspace.workspace import Workspace

    task, owner = options.task, options.principal
    workspace = Workspace(*owned_place(options, tool_settings))
    with jobs_of_task(tool_settings, owner, task) as jobs:
        try:
            holding = removal.holding_of(workspace, task)
        except NotFound as error:
            raise _of_a_principal(tool_settings.workspace, task, owner) or error from error
        _check_idle(task, jobs)
        _say(_told(task, holding, len(jobs.finished()), len(answers_naming(workspace.root, task))))
        _say(f"Not reached: {_not_reached(tool_settings.index_url)}.")
        if not options.yes and not _agreed(task):
            _say("Nothing was removed.")
            return 1
        removal.take_out(workspace, task)
        jobs.forget_finished(lambda ids: removal.forget_payments(workspace, ids))
        for path in answers_naming(workspace.root, task):
            path.unlink(missing_ok=True)
        removal.forget_computed(workspace, task)
        undone = [*removal.compact_index(workspace), *jobs.compact()]
        _check_idle(task, jobs)  # who called meanwhile was told that there is no such task: the job fails
        removal.end_removal(workspace, task)
    for sentence in dict.fromkeys(undone):
        _say(sentence)
    _say(f"Task {task!r} was removed.")
    return 0


def _of_a_principal(root: Path, task: str, owner: str | None) -> NotFound | None:
    """Return that a task which the operator does not have is of principals; None if it is of none, or one was named."""
    from classwright_server.config.workspaces import PRINCIPALS

    whose = [] if owner else sorted(path.name for path in root.glob(f"{PRINCIPALS}/*") if (path / task).is_dir())
    if not whose:
        return None
    reason = f"is none of the operator's, but of {counted(len(whose), 'principal')}: {listed(whose, _MOST_NAMED)}"
    return NotFound(f"task {task!r}", reason, "Name whose with --principal.")


def _check_idle(task: str, jobs: TaskJobs) -> None:
    live = [status.workflow_id for status in jobs.live()]
    if live:
        raise InvalidInput(
            f"task {task!r}",
            f"has {counted(len(live), 'job that waits or runs', 'jobs that wait or run')}: {listed(live, _MOST_NAMED)}",
            "Let a server end them, or a client cancel them (cancel_job); then give the same command again.",
        )


def _told(task: str, holding: Holding, jobs: int, answers: int) -> str:
    """Return what will go, in a sentence."""
    parts = [counted(count, KINDS[kind].words) for kind, count in holding.artifacts.items()]
    parts += [
        counted(count, *words)
        for count, words in (
            (holding.decisions, ("decision of a person", "decisions of persons")),
            (holding.completions, ("stored answer of a writer", "stored answers of a writer")),
            (jobs, ("finished job with its request and answer", "finished jobs with their requests and answers")),
            (answers, ("long answer",)),
        )
        if count
    ]
    ends = "ends a removal that was begun, and removes" if holding.begun else "removes"
    return f"This {ends} task {task!r}: {size_told(holding.bytes)} of files; {', '.join(parts) or 'nothing else'}."


def _not_reached(index_url: str | None) -> str:
    told = "; ".join([*NOT_REACHED, *([NOT_REACHED_IN_POSTGRES] if index_url else [])])
    return told.format(cache="cache/HOST" if index_url else "cache")


def _agreed(task: str) -> bool:
    """Ask the person at the terminal whether to go on."""
    if not sys.stdin.isatty():
        raise InvalidInput(f"removing task {task!r}", "asks first, and nobody is there to answer", "Add --yes.")
    return input(f"Remove {task!r} for good? There is no way back. [y/N] ").strip().lower() in ("y", "yes")


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201  # what the command is for
