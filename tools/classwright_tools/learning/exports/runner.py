"""The program in an export, `predict.py`: the module `classwright.predict`, which needs nothing of Classwright."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import classwright.predict
from classwright_tools.learning.exports.export import LABELS, code_block
from classwright_tools.learning.model import Model
from classwright_tools.workspace.workspace import write_json

PROGRAM = "predict.py"
GRAPH_LIBRARIES = "numpy onnxruntime tokenizers"
ENCODER_LIBRARIES = "sentence-transformers"
_CODE = """\
from predict import load

labels, probabilities, sure = load(".").predict([{example}])
print(labels, probabilities, sure)
"""


def save_program(folder: Path, model: Model, install: str, **facts: Any) -> None:
    """Write the program, and `labels.json` with what it needs to know: the labels, the threshold and `facts`.

    `install` names the packages that it runs with.
    """
    shutil.copyfile(classwright.predict.__file__, folder / PROGRAM)
    known = {"labels": model.labels, "threshold": model.threshold, "kind": model.card.kind, "method": model.card.method}
    known |= {"thresholds": model.card.thresholds} if model.space.several else {}
    write_json(folder / LABELS, {**known, "install": install, "graph": None} | facts)


def program_code(install: str, example: str, columns: str) -> str:
    """Return Markdown on how to run the program; `example` is what it classifies, as Python has it."""
    return (
        f"With `pip install {install}`, in this folder:\n\n{code_block(_CODE.format(example=example))}\n\n"
        f"`python {PROGRAM} in.csv -o out.csv`, from any folder, reads the {columns} of a CSV file and writes its rows "
        "with the likeliest label, its probability, and whether the model is sure: whether that reaches the threshold. "
        "Where the package `classwright` is installed, `classwright.load(folder)` is the same as `load` here."
    )
