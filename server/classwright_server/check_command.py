"""The command `classwright check`: an export measured on rows with labels, for a CI that ships it or does not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_check(commands: Any) -> None:
    """Add the command to the parsers of the program's others."""
    about = "measure an export on rows with labels; the exit code is 1 where it is not good enough"
    parser = commands.add_parser("check", help=about, description=f"{about[:1].upper()}{about[1:]}.")
    add = parser.add_argument
    add("model", metavar="FOLDER", type=Path, help="the folder of an export")
    add("source", metavar="ROWS", type=Path, help="CSV, TSV, JSONL (each also as .gz) or Parquet, or a folder of these")
    about = (
        "fail below 0.9 (accuracy), macro_f1=0.8, micro_f1=0.8 (several labels), average_precision=0.6 (pairs), "
        "recall:LABEL=0.9 or precision:LABEL=0.9; repeat it for more"
    )
    add("--at-least", metavar="FIGURE", action="append", default=[], help=about)
    about = "fail where it is worse than the export in this folder, by more than chance"
    add("--against", metavar="FOLDER", type=Path, help=about)
    about = "rows that --at-least and --against let be left out: unread, or of a label it does not know; default: 0"
    add("--may-leave-out", metavar="N", type=int, default=0, help=about)
    add("--json", action="store_true", help="print the figures as JSON")
    add("--text-column", metavar="NAME", default="text", help="default: text")
    add("--pair-column", metavar="NAME", default="text_pair", help="of pairs; default: text_pair, or query and item")
    add("--label-column", metavar="NAME", default="label", help="default: label; of several labels a row also labels")
    add("--engine", metavar="NAME", default="encoder", help="encoder (default), int8, student or cascade")


def run_check(options: argparse.Namespace) -> int:
    """Run the command and return its exit code: 1 where the export is not good enough.

    Raises:
        InvalidInput: an export or the rows cannot be used.
    """
    from classwright_tools.bulk.check import check_export
    from classwright_tools.bulk.models import open_export

    found = check_export(
        open_export(options.model, options.engine),
        options.source,
        folder=str(options.model),
        against=open_export(options.against, options.engine) if options.against else None,
        other_folder=str(options.against),
        at_least=options.at_least,
        may_leave_out=options.may_leave_out,
        text_column=options.text_column,
        pair_column=options.pair_column,
        label_column=options.label_column,
    )
    print(found.model_dump_json(indent=1) if options.json else found.in_words())  # noqa: T201  # what the command is for
    return 1 if found.failed else 0
