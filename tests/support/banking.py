"""A part of the banking12 example: some of its labels, some of their rows, and the completions of all."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from support.paths import BANKING12

COMPLETIONS = sorted(map(str, (BANKING12 / "completions").glob("*.jsonl")))


def part_of_banking12(folder: Path, labels: Collection[str], **rows: int) -> dict[str, Any]:
    """Write so many `rows` of each of the `labels` to each split's file in `folder`; return the example's task file.

    It has these labels, and is not written yet.
    """
    task: dict[str, Any] = yaml.safe_load((BANKING12 / "task.yaml").read_text(encoding="utf-8"))
    for split, most in rows.items():
        lines = [json.loads(line) for line in (BANKING12 / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
        kept = [row for label in labels for row in [row for row in lines if row["label"] == label][:most]]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return task | {"labels": [label for label in task["labels"] if label["name"] in labels]}
