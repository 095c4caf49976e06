"""The page task-file.md: the fields of a task file, from its model."""

from __future__ import annotations

from schema_tables import table

from classwright_agents.task_file import TaskFile

_OPENING = """\
# The task file

Written by `make docs` from the model itself; do not edit it. An example, and what the agent does with it, is in
[the agent](../guides/agent.md). Fields in bold are needed. A field that is not in these tables is refused. Paths are
relative to the task file.
"""


def page() -> str:
    """Return the page: the fields of the file, then those of the fields inside."""
    return "\n".join([_OPENING, *table("field", TaskFile.model_json_schema())])
