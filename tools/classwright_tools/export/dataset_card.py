"""The README of an exported dataset: a Hugging Face dataset card, which tells `load_dataset` of the splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml

from classwright_tools.domain.cards import DatasetCard
from classwright_tools.domain.example import SPLITS, Origin, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.task import Task
from classwright_tools.export.markdown import UNDESCRIBED, cell, paragraph
from classwright_tools.export.origins import MEANINGS

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_UNLABELLED: Split = "unlabelled"

ENDED = "(the task has no such label any more)"


def dataset_card(card: DatasetCard, dataset: str, task: Task, files: Sequence[str], delimiter: str = ",") -> str:
    """Return the card of an exported `dataset`, whose splits are in `files`, for `task` as it was then.

    `delimiter` stands between the columns of CSV files.

    A licence is not named: it is the user's to choose.
    """
    return "\n".join(
        [
            _front_matter(card, task, files, delimiter),
            f"# {dataset}\n\n{paragraph(task.instruction)}\n",
            _labels(card, task),
            _origins(card),
            _columns(dataset, task, files),
        ]
    )


def _front_matter(card: DatasetCard, task: Task, files: Sequence[str], delimiter: str) -> str:
    rows = sum(count.rows for count in card.counts)
    data_files = [{"split": Path(file).stem, "path": file} for file in files]
    tables = any(Path(file).suffix == ".csv" for file in files)
    separated = {"sep": delimiter} if tables and delimiter != "," else {}  # as `load_dataset` calls it
    facts: dict[str, object] = {
        "language": list(task.languages),
        "task_categories": ["text-classification"],
        "tags": ["classwright"],
        "size_categories": [next((name for most, name in _SIZES if rows < most), "n>1M")],
        "configs": [{"config_name": "default", "data_files": data_files} | separated],
    }
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n"


def _labels(card: DatasetCard, task: Task) -> str:
    """Return the table of labels with their rows by split; rows may have labels that the task has no more."""
    splits = [split for split in SPLITS if card.rows(split) and split != _UNLABELLED]
    counts: Counter[tuple[str, str | None]] = Counter()
    for count in card.by_label or card.counts:
        counts[count.split, count.label] += count.rows
    described = {label.name: label.description for label in task.labels}
    described |= {label: ENDED for _, label in counts if label is not None and label not in described}
    lines = ["## Labels", "", _line("label", "what belongs to it", *splits), _line(*["---"] * (2 + len(splits)))]
    lines += [
        _line(cell(name), cell(words or UNDESCRIBED), *(str(counts[split, name]) for split in splits))
        for name, words in described.items()
    ]
    bare = card.rows(_UNLABELLED)
    said = [f"Besides, `{_UNLABELLED}` has {counted(bare, 'row')} without a label.", ""] if bare else []
    return "\n".join([*lines, "", *said])


def _origins(card: DatasetCard) -> str:
    counts: Counter[tuple[Origin, bool]] = Counter()
    for count in card.counts:
        counts[count.origin, count.split == _UNLABELLED] += count.rows
    lines = ["## Where the rows came from", "", _line("origin", "rows", "what it means"), _line("---", "---", "---")]
    lines += [_line(origin, str(rows), _meaning(origin, bare)) for (origin, bare), rows in counts.most_common()]
    return "\n".join([*lines, ""])


def _meaning(origin: Origin, bare: bool) -> str:
    """Return what an origin means, also of rows that are `bare` of a label."""
    if not bare:
        return MEANINGS[origin]
    return f"{'a text that a language model wrote' if origin == 'written' else 'a real text'}, without a label"


def _columns(dataset: str, task: Task, files: Sequence[str]) -> str:
    csv = (
        " A spreadsheet takes a text that begins with = for a formula: import the columns as text."
        if any(file.endswith(".csv") for file in files)
        else ""
    )
    several = (
        " `labels` lists all that apply, in CSV as JSON; `cell_label` is the one that a written text was written for."
        if task.multi_label
        else ""
    )
    made_of, topics = "the text", " `topic`, `subtopic` and `source_type` say what it was written for,"
    if task.kind == "pair":
        made_of, topics = "both texts", ""
    return (
        f"## Columns\n\n`id` is made of {made_of}.{several} "
        f"`origin` says where a row came from; of a written row{topics} `contrast` says which label it was to "
        "resemble, `round` when it was written, `writer` and `prompt` by what. "
        f"A file `edits.jsonl` has what was decided about rows, by whom and why.{csv}\n\n"
        "Load it with `datasets.load_dataset(folder)`. From an import folder it comes back without loss, a split a "
        'call: `import_examples(task=..., path=..., split="train", keep_near_duplicates=true)`.\n\n'
        f"Exported from `{dataset}` by Classwright.\n"
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
