"""The command `classwright classify`: the rows of a file or a folder, with their answers beside them, in a file."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from classwright_server.config.place import add_owned_place, owned_place
from classwright_server.config.settings import ToolSettings
from classwright_server.users_files import follow_umask, system_told
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import kind_of
from classwright_tools.errors import InvalidInput


def add_classify(commands: Any) -> None:
    """Add the command to the parsers of the program's others."""
    about = "classify the rows of a file, or of the files in a folder, into a file; a run that was stopped goes on"
    parser = commands.add_parser("classify", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    add = parser.add_argument
    add("model", metavar="MODEL", help="the folder of an export, or the id of an export or a model in the workspace")
    add("source", metavar="IN", type=Path, help="CSV, TSV, JSONL (each also as .gz) or Parquet, or a folder of these")
    add("-o", "--output", metavar="OUT", type=Path, required=True, help="the file to write: .csv, .jsonl or .parquet")
    add("--text-column", metavar="NAME", default="text", help="default: text")
    add("--pair-column", metavar="NAME", default="text_pair", help="of pairs; default: text_pair, or query and item")
    add("--engine", metavar="NAME", default="encoder", help="of an export: encoder (default), int8, student or cascade")
    about = "below P it is not sure; default: the model's own. With LABEL: that label is given from P on, and only then"
    add("--threshold", action="append", default=[], metavar="[LABEL=]P", help=about)
    add_owned_place(parser)


def is_stored(model: str) -> bool:
    """Whether `model` is the id of something in a workspace, and no folder of that name is there."""
    return kind_of(model) is not None and not Path(model).is_dir()


def run_classify(options: argparse.Namespace, tool_settings: ToolSettings) -> int:
    """Run the command and return its exit code.

    Raises:
        InvalidInput: the model, the files, the output or --principal cannot be used.
        NotFound: the model, or the principal, does not exist.
        StorageFailed: a file cannot be read or written; what is done is kept.
    """
    from classwright_tools.bulk.classify_files import classify_files
    from classwright_tools.bulk.models import open_predictor, thresholds_in

    least, thresholds = thresholds_in(options.threshold)
    is_id = is_stored(options.model)
    if options.principal is not None and not is_id:
        reason, repair = "goes with the id of an export or a model", "Name an id as MODEL, or leave it out."
        raise InvalidInput(f"--principal {options.principal!r}", reason, repair)
    own = owned_place(options, tool_settings) if is_id else (tool_settings.workspace, None, None)
    model = open_predictor(options.model, own[0], options.engine, *own[1:])
    began = time.monotonic()

    def tell(rows: int) -> None:
        print(f"{counted(rows, 'row')}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201

    with system_told(options.output):
        found = classify_files(
            model,
            options.source,
            options.output,
            model_name=options.model,
            text_column=options.text_column,
            pair_column=options.pair_column,
            threshold=least,
            thresholds=thresholds,
            tell=tell,
        )
    follow_umask([options.output], options.umask)
    print(f"{options.output}: {found.summary}")  # noqa: T201  # what the command is for
    return 0
