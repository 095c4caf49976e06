"""A server of the conformance runner's own tools, assembled as the product is: `python fixture_server.py PORT`.

The extension, the middleware and the transport are the product's; the tools are those that the scenarios call by name.
"""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.http.serving import served
from classwright_server.mcp.app import assembled
from fixture_contents import add_changes, add_contents, add_readings
from fixture_questions import add_questions_of_the_newer_era, add_questions_of_the_older_era
from fixture_tasks import STARTING, FixtureTasks, add_task_tools


def main(port: int) -> None:
    """Serve on loopback until the process is ended."""
    tasks = FixtureTasks()
    server = assembled([], tasks, STARTING, tasks.running)
    add_contents(server)
    add_changes(server)
    add_readings(server)
    add_questions_of_the_older_era(server)
    add_questions_of_the_newer_era(server)
    add_task_tools(server, tasks)
    nothing_stored = ToolSettings(workspace=Path.cwd())
    settings = ServerSettings(tool_settings=nothing_stored, http=True, port=port)
    app = served(server, settings, lambda: False, needs_token=False)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
