"""Recordings of a language model as the client of the loop on a set, each in a folder, and the set's real rows.

`task.json` is the request that makes the task and its topics. `written.jsonl.gz` are the texts of all rounds with
their provenance, as `import_examples` reads them. `answers.jsonl.gz` are labels for unlabelled texts and `rows.json`
the validation rows, both by the rows' ids: the texts are in the set, which is not part of this repository.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from articles.sets import read_split
from classwright_tools.domain.annotation import Answer
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import example_id
from classwright_tools.propose_topics import ProposeTopicsRequest

POOL = 3_000  # texts without labels
HELD_OUT = 1_500  # real rows that stand for the test rows while something is chosen
LEAST_HELD_OUT = 800
DRAWN_BY = 7  # the seed that the live runs' pools were drawn by; those of further seeds come after it

Row = dict[str, Any]


@dataclass(frozen=True)
class RecordedSet:
    """A set, and what was recorded on it; rows are as files of `import_examples` hold them.

    Of texts without labels and of test rows there are so many at most: `texts`, `test_rows`. With seed 0 the validation
    rows are those that the client saw; any other draws as many of each label anew, and other texts without labels.
    """

    name: str
    task: ProposeTopicsRequest
    written: tuple[Row, ...]
    answers: dict[str, Answer]
    validation_ids: frozenset[str]
    data: Path
    texts: int = POOL
    test_rows: int = sys.maxsize
    seed: int = 0

    @property
    def has_others(self) -> bool:
        """Whether there are texts without labels beside those that the client labelled."""
        return self.texts > len(self.answers)

    @cached_property
    def _train(self) -> dict[str, Row]:
        """The rows of the training split by their ids, in a random order that is the same each time."""
        rows = {example_id(row["text"]): row for row in _labelled(self.data, self.name, "train")}
        ids = sorted(rows)
        random.Random(DRAWN_BY + self.seed).shuffle(ids)
        return {id_: rows[id_] for id_ in ids}

    @cached_property
    def _chosen_by(self) -> frozenset[str]:
        """The ids of the validation rows."""
        if not self.seed:
            return self.validation_ids
        wanted = Counter(self._train[id_]["label"] for id_ in self.validation_ids if id_ in self._train)
        drawn = []
        for id_, row in self._train.items():
            if id_ not in self.answers and wanted[row["label"]]:
                wanted[row["label"]] -= 1
                drawn.append(id_)
        return frozenset(drawn)

    @property
    def validation(self) -> list[Row]:
        """The real rows that models are chosen and calibrated by."""
        return [row for id_, row in self._train.items() if id_ in self._chosen_by]

    def unlabelled(self, *, held_out: bool) -> list[Row]:
        """Return the texts without labels: those that were labelled by the client, and others; fewer if `held_out`."""
        return [{"text": row["text"]} for row in self.supervised(held_out=held_out)]

    def supervised(self, *, held_out: bool) -> list[Row]:
        """Return the rows of `unlabelled` with the labels that the set has for them."""
        rest = [id_ for id_ in self._train if id_ not in self._chosen_by and id_ not in self.answers]
        kept = max(0, len(rest) - LEAST_HELD_OUT) if held_out else len(rest)
        asked = [id_ for id_ in self._train if id_ in self.answers and id_ not in self._chosen_by]
        return [self._train[id_] for id_ in [*asked, *rest[: max(0, min(kept, self.texts - len(asked)))]]]

    def measured(self, *, held_out: bool) -> list[Row]:
        """Return the real rows to measure on: the test rows, or if `held_out` training rows that nothing else uses."""
        if not held_out:
            rows = _labelled(self.data, self.name, "test")
            return rows if len(rows) <= self.test_rows else random.Random(DRAWN_BY).sample(rows, self.test_rows)
        used = {example_id(row["text"]) for row in self.unlabelled(held_out=True)} | self._chosen_by
        return [row for id_, row in self._train.items() if id_ not in used][:HELD_OUT]


def open_recorded(
    folder: Path, data: Path, *, texts: int = POOL, test_rows: int = sys.maxsize, seed: int = 0
) -> RecordedSet:
    """Return what is recorded in `folder`, which has the name of a set in the folder `data`."""
    return RecordedSet(
        name=folder.name,
        task=ProposeTopicsRequest.model_validate_json((folder / "task.json").read_bytes()),
        written=tuple(read_lines(folder / "written.jsonl.gz")),
        answers={row["id"]: Answer.model_validate(row["answer"]) for row in read_lines(folder / "answers.jsonl.gz")},
        validation_ids=frozenset(json.loads((folder / "rows.json").read_bytes())),
        data=data,
        texts=texts,
        test_rows=test_rows,
        seed=seed,
    )


def read_lines(path: Path) -> list[Row]:
    """Return the objects of a compressed JSONL file; none where there is no file."""
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_lines(path: Path, rows: Iterable[Row]) -> None:
    """Write `rows` as a compressed JSONL file whose bytes depend on them alone."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))


def _labelled(data: Path, name: str, split: str) -> list[Row]:
    """Return the rows of a split, their texts as an import cleans them."""
    found = read_split(data, name, split)
    return [{"text": clean_text(text), "label": label} for text, label in zip(found.texts, found.labels, strict=True)]
