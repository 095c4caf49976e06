"""The command `classwright push`: a dataset or an exported model, put on the Hugging Face hub by a person."""

from __future__ import annotations

import argparse
from typing import Any

from classwright_server.config.place import add_owned_place, owned_place
from classwright_server.config.settings import ToolSettings


def add_push(commands: Any) -> None:
    """Add the command to the parsers of the program's others."""
    about = "put a dataset or an exported model on the Hugging Face hub, with its card and your token (HF_TOKEN)"
    parser = commands.add_parser("push", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    add = parser.add_argument
    add("id", metavar="ID", help="the id of a dataset or of an export in the workspace")
    add("repository", metavar="OWNER/NAME", help="the repository; it is made, and private, if it is not there")
    add("--public", action="store_true", help="everybody may see it")
    add_owned_place(parser)


def run_push(options: argparse.Namespace, tool_settings: ToolSettings) -> int:
    """Run the command and return its exit code.

    Raises:
        NotFound: there is no such artifact, no such principal, or the hub does not take it.
        InvalidInput: the artifact is of another kind, the name or the token cannot be used, or there is no workspace.
    """
    from classwright_tools.export.pushing import push
    from classwright_tools.workspace.workspace import Workspace

    workspace = Workspace(*owned_place(options, tool_settings))
    print(push(workspace, options.id, options.repository, public=options.public))  # noqa: T201  # its answer
    return 0
