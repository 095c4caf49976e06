"""A labelled set to build a classifier for: what the writer may know of it, and the real rows that only measure."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from classwright_tools.domain.task import Label
from classwright_tools.propose_topics import ProposeTopicsRequest

KNOWN = Path(__file__).parent / "tasks.yaml"
# Of AnyClassifier's table; any other set is given by its folder.
SETS = ("toxic_chat", "twitter_financial_news", "arxiv12", "banking77", "sms_spam")


@dataclass(frozen=True)
class LabelledSet:
    """A task in words, and real test rows: texts and labels in one order."""

    name: str
    proposal: ProposeTopicsRequest
    rows: list[dict[str, str]]


def open_set(name_or_path: str, data: Path | None, instruction: str | None) -> LabelledSet:
    """Return the set in the folder `name_or_path`, or of that name in the folder `data`.

    The folder holds `test.jsonl` or `test.jsonl.gz`, lines of {"text": ..., "label": ...}. What the task is, is read
    from its `task.yaml` if it has one (the agent's task file), else from `tasks.yaml` here, else from `instruction`.
    """
    folder = Path(name_or_path)
    if not folder.is_dir():
        if data is None:
            raise SystemExit(
                f"{name_or_path!r} is no folder: pass one, or pass --data FOLDER with a folder of that name"
            )
        folder = data / name_or_path
    rows = _test_rows(folder)
    described = _described(folder, instruction)
    labels = described.get("labels") or {}
    descriptions = labels if isinstance(labels, dict) else {label["name"]: label["description"] for label in labels}
    names = list(descriptions) or sorted({row["label"] for row in rows})
    optional = {
        key: described[key] for key in ("source_types", "topics_per_label", "subtopics_per_topic") if key in described
    }
    proposal = ProposeTopicsRequest(
        task=re.sub(r"\W", "_", folder.name.lower())[:40],
        instruction=described["instruction"],
        labels=tuple(Label(name=name, description=descriptions.get(name, "")) for name in names),
        **optional,
    )
    return LabelledSet(folder.name, proposal, rows)


def _described(folder: Path, instruction: str | None) -> dict[str, Any]:
    if instruction:
        return {"instruction": instruction}
    own = folder / "task.yaml"
    if own.is_file():
        return dict(yaml.safe_load(own.read_text(encoding="utf-8")))
    known = yaml.safe_load(KNOWN.read_text(encoding="utf-8"))
    if folder.name not in known:
        raise SystemExit(f"nothing is known of {folder.name!r}: pass --instruction, or lay a task.yaml beside its rows")
    return dict(known[folder.name])


def _test_rows(folder: Path) -> list[dict[str, str]]:
    for path, opened in ((folder / "test.jsonl", open), (folder / "test.jsonl.gz", gzip.open)):
        if path.is_file():
            with opened(path, "rt", encoding="utf-8") as file:
                return [json.loads(line) for line in file]
    raise SystemExit(f"{folder.name!r} has neither test.jsonl nor test.jsonl.gz")
