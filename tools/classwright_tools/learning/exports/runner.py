"""The program in an export, `predict.py`: the module `classwright.predict`, which needs nothing of Classwright."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import classwright.predict
from classwright.predict import GRAPH_LIBRARIES, MOST_COLUMNS, probability_column
from classwright_tools.learning.exports.export import LABELS, code_block
from classwright_tools.learning.model import Model
from classwright_tools.workspace.workspace import write_json

PROGRAM = "predict.py"
ENCODER_LIBRARIES = "sentence-transformers"
_CODE = """\
from predict import load

labels, probabilities, sure, out_of_scope = load(".").predict([{example}])
print(labels, probabilities, sure, out_of_scope)
"""
_PAIRS_SCOPE = "`out_of_scope` is always `false`: of pairs it is not told. "
_SCOPE = (
    "`out_of_scope` is `true` where the text is unlike all that the model learnt, and so maybe of none of the labels. "
)
_SURE = (
    "`sure`, `true` where that reaches the model's threshold, or that of its label. Where it is `false` the model "
    "is not sure: a person had better read the text. {scope}`probability_NAME` says how probable each label is, where "
    "there are "
    f"{MOST_COLUMNS} or fewer. With `--threshold NAME=0.9` a label is given from that probability on, and only then."
)
_CPU = (
    ". On Linux without a GPU add `--extra-index-url https://download.pytorch.org/whl/cpu`: it saves gigabytes of "
    "libraries for one."
)
_ONE = (
    "`label`, the likeliest one where no label has a threshold of its own; `probability`, how likely it is to be "
    f"right, from 0 to 1; and {_SURE}"
)
_SEVERAL = (
    "`labels`, all that apply, with `|` between them, and `|` alone where none does; `probability`, how likely it is "
    f"that all of them are right and none is missing, from 0 to 1; {_SURE} `sure_labels` has those of the labels that "
    "are sure by themselves: of these 9 in 10 are right, whatever else is said of the text. After these, `label_NAME` "
    "for each label, 1 where it applies and 0 where not."
)


def save_program(folder: Path, model: Model, install: str, **facts: Any) -> None:
    """Write the program, and `labels.json` with what it needs to know: the labels, the threshold and `facts`.

    `install` names the packages that it runs with.
    """
    shutil.copyfile(classwright.predict.__file__, folder / PROGRAM)
    known = {"labels": model.labels, "threshold": model.threshold, "kind": model.card.kind, "method": model.card.method}
    known |= {"thresholds": model.card.thresholds, "sure_from": model.sure_from} if model.space.several else {}
    known |= {"mismatch": model.card.mismatch} if model.card.mismatch else {}
    known |= {"least_like": model.card.scope.likeness} if model.card.scope and model.scope else {}
    write_json(folder / LABELS, {**known, "install": install, "graph": None} | facts)


def program_code(
    install: str, example: str, columns: Sequence[str], *, several: bool = False, mismatch: str | None = None
) -> str:
    """Return, as Markdown, how the program runs in a shell, step by step, and in Python.

    `install` names the packages that it runs with, `example` is one of what it classifies, in Python, and `columns` are
    those that it reads of a file. With `several` labels a text it writes other columns; `mismatch` is the label of
    pairs that do not fit.
    """
    options = " ".join(f'{option} "NAME"' for option in ("--text-column", "--pair-column")[: len(columns)])
    named = " and ".join(f"`{name}`" for name in columns)
    scope = _PAIRS_SCOPE if len(columns) > 1 else _SCOPE
    answers = (_SEVERAL if several else _ONE).replace("{scope}", scope)
    if mismatch is not None:
        answers += f" Sort by `{probability_column(mismatch)}` to have the worst pairs first."
    return (
        "### For a table, step by step\n\n"
        '1. Install Python 3.11 or newer from python.org. On Windows, tick "Add python.exe to PATH" as you do.\n'
        '2. Save the table as CSV into this folder, say as `in.csv`. Excel calls the form "CSV UTF-8"; commas, '
        "semicolons and tabs between the columns are all read. The first row names the columns.\n"
        "3. Open a terminal in this folder. Windows: type `cmd` into the address bar of the folder's window. macOS: "
        "right-click the folder, Services, New Terminal at Folder; there write `python3` for `python` below.\n"
        f"4. Once: `python -m pip install {install}`{_CPU if install != GRAPH_LIBRARIES else ''}\n"
        f"5. `python {PROGRAM} in.csv -o out.csv {options}`, with your file's name, and for NAME what the first row "
        f"has above the texts. Where that is {named}, leave it out.\n\n"
        f"`out.csv` is the table with more columns: {answers} Where the table has one of these names already, all "
        "begin with `predicted_`. A row without a text has nothing in them.\n\n"
        f"### In Python\n\nWith `pip install {install}`, in this folder:\n\n"
        f"{code_block(_CODE.format(example=example))}\n\n"
        "Where the package `classwright` is installed, `classwright.load(folder)` is the same as `load` here."
    )
