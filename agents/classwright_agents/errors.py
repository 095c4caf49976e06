"""The failures that the agent reports in words: the object, the reason and the repair.

AgentError          shown to the user as it is; the program ends with exit code 1
├── TaskFileError   the task file, or a file that it names, cannot be used
├── RunError        a run folder cannot be made, resumed or continued
├── ServerError     the server cannot be started or reached, or what it answers cannot be used
│   └── ServerGone  it went away: whatever is asked of it on this connection fails
├── OutputClosed    the output was closed before its end; the exit code is 2, as of a misspelt flag
└── ToolError       a tool refused, or its job failed
"""

from __future__ import annotations

from classwright_agents.plain import plain
from classwright_tools.errors import mending


class AgentError(Exception):
    """Says which object failed, for what reason, and what repairs it."""

    def __init__(self, subject: str, reason: str, repair: str) -> None:
        super().__init__(plain(f"{subject}: {reason.rstrip('.')}. {repair}").strip())
        self.subject = subject
        self.reason = reason
        self.repair = repair


class TaskFileError(AgentError):
    """The task file, or a file that it names, cannot be used."""


class RunError(AgentError):
    """A run folder cannot be made, resumed or continued."""


class ServerError(AgentError):
    """The server cannot be started or reached, or what it answers cannot be used."""


class ServerGone(ServerError):
    """The server went away."""

    def __init__(self, repair: str) -> None:
        super().__init__("The server", "went away", repair)


class OutputClosed(AgentError):
    """Whoever reads the program's output stopped before its end."""

    def __init__(self) -> None:
        super().__init__("The output", "was closed before the end of the run", "Write it to a file, or read all of it.")


class ToolError(AgentError):
    """A tool refused, or its job failed."""


def unwritten(run: str, what: str, error: OSError) -> RunError:
    """Return that the file `what` of a run cannot be written."""
    return RunError(f"run {run!r}", f"its {what} cannot be written: {error.strerror}", f"{mending(error.errno)}.")
