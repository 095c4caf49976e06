"""The program behind the command line: a run folder, a server, a view, a build, and what it leaves."""

from __future__ import annotations

import shlex
import shutil
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import anyio

from classwright_agents.artifacts import RemoteFile, fetch_all
from classwright_agents.build import Build
from classwright_agents.coach import Coach
from classwright_agents.deliver import deliver
from classwright_agents.endpoint import Endpoint
from classwright_agents.errors import AgentError, ServerError, unwritten
from classwright_agents.journal import Journal
from classwright_agents.limits import goal_of
from classwright_agents.model_driver import ModelDriver
from classwright_agents.plain import say
from classwright_agents.runs import find_run, new_run
from classwright_agents.server import connect
from classwright_agents.steps import Steps
from classwright_agents.summary import in_a_line
from classwright_agents.task_file import ServerEntry
from classwright_agents.task_loading import load_task_file
from classwright_agents.view import make_view
from classwright_tools.contract import kind_of, task_of

COMMAND = "classwright-agent"


async def build(
    task_path: Path,
    *,
    runs: Path,
    resume: str | None = None,
    server: str | None = None,
    command: str | None = None,
    token_env: str | None = None,
    plain: bool = False,
) -> dict[str, Any]:
    """Build what the task file describes, telling of it on stderr; return the summary of the run and its `folder`.

    Raises:
        AgentError: with the object, the reason and the repair; the run folder is kept and can be resumed.
    """
    task = load_task_file(task_path)
    endpoint = Endpoint(task.driver) if task.driver else None
    entry, home = _server_entry(task.server, task_path, server, command, token_env)
    found = find_run(runs, task.task, resume) if resume is not None else new_run(runs, task.task)
    run = found.resolve()
    with closing(Journal(run)) as journal:
        _keep(task_path, run)
        if not journal.events:
            journal.append("start")
        try:
            with make_view(task, run.name, plain=plain, out=sys.stderr) as view:
                async with connect(entry, home, run) as connected:
                    driver = ModelDriver(task, endpoint, journal) if endpoint else Coach(goal_of(task))
                    outcome = await Build(task, driver, Steps(journal, connected, view), journal, view).run()
                    view.stage("deliver", None, outcome.spent)
                    view.progress(None, "fetching the model, the dataset and the report")
                    facts = await deliver(task, run, outcome, connected)
                view.say(in_a_line(facts, task.target.metric))
            journal.append("end", reason=facts["stopped"]["reason"])
        except (AgentError, anyio.get_cancelled_exc_class()):
            words = [*_program(), "build", str(task_path), "--runs", str(runs)]
            words += ["--resume", found.name if found.parent == runs else str(found)]
            words += ["--server", server] if server else ["--command", command] if command else []
            words += ["--token-env", token_env] if token_env else []
            say(f"The run is kept. Go on with: {shlex.join(words)}")
            raise
    return {"folder": str(run), **facts}


async def fetch(entry: ServerEntry, artifact: str, folder: Path) -> list[RemoteFile]:
    """Bring the files of an artifact of the running server of `entry` into `folder`; those that are there are kept.

    Raises:
        AgentError: there is no such artifact, its files did not arrive, or cannot be written.
    """
    if not kind_of(artifact):
        repair = "Ids are such as tickets-x1: the answer of export_model names that of the export."
        raise AgentError(f"artifact {artifact[:80]!r}", "is no id of one", repair)
    async with connect(entry, Path.cwd(), Path.cwd()) as server:
        return await fetch_all(server, task_of(artifact), artifact, folder)


def _keep(task_path: Path, run: Path) -> None:
    """Copy the task file into the run folder, in the place of the one that an earlier attempt read."""
    try:
        with suppress(shutil.SameFileError):
            shutil.copyfile(task_path, run / "task.yaml")
    except OSError as error:
        raise unwritten(run.name, "task.yaml", error) from error


def _program() -> list[str]:
    """Return what this program was called by; the command's folder need not be on the PATH."""
    called = Path(sys.argv[0])
    return [str(called)] if called.stem == COMMAND else [sys.executable, "-m", "classwright_agents.cli"]


def _server_entry(
    entry: ServerEntry, task_path: Path, server: str | None, command: str | None, token_env: str | None
) -> tuple[ServerEntry, Path]:
    """Return where the tools are, and the folder that a command's relative paths mean."""
    if server is not None or command is not None:
        return server_entry(server, command, token_env or entry.token_env), Path.cwd()
    if token_env and not entry.url:
        raise ServerError(f"--token-env {token_env!r}", "goes with a running server", "Name it: --server URL.")
    return entry.model_copy(update={"token_env": token_env or entry.token_env}), task_path.resolve().parent


def server_entry(server: str | None, command: str | None, token_env: str | None) -> ServerEntry:
    """Return the server at the URL `server`, or else the one that the line `command` starts.

    Raises:
        ServerError: that cannot be used.
    """
    try:
        if server is not None:
            return ServerEntry(url=server, token_env=token_env)
        return ServerEntry.model_validate({"command": command})
    except ValueError as error:
        if server is not None:
            repair = "Pass a URL such as http://127.0.0.1:8931/mcp."
            raise ServerError(f"--server {server!r}", "cannot be used", repair) from error
        raise ServerError(f"--command {command!r}", "cannot be used", "Quote it as a shell would.") from error
