"""Writes the pages of docs/reference: `make docs`."""

from __future__ import annotations

from pathlib import Path

import commands
import task_file
import tool_list

FOLDER = Path(__file__).parents[1] / "reference"
PAGES = {
    "agent.md": commands.agent_page,
    "server.md": commands.server_page,
    "task-file.md": task_file.page,
    "tools.md": tool_list.page,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
