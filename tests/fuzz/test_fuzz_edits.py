"""Edits in any order: every row is what its history says, versions come back to the byte, and nothing is lost."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from classwright_tools.context import ToolContext
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import SPLITS, Example, Provenance, Split, example_id, make_example
from classwright_tools.domain.pair import Content
from classwright_tools.domain.row_history import history
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.edit_examples import EditExamplesResult
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_edits, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, bytes_in, bytes_of, editor
from support.fuzz.limits import EDITS

LABELS = ("a", "b", "c")
STEPS = 12  # of a sequence
NUMBERS = itertools.count()  # of the sequences: one that fails is run once more, on a task of its own


@dataclass(frozen=True)
class Row:
    """A row as it should be: what it came from stays, its text and label change. `past` are its ids and labels."""

    text: str
    label: str | None
    split: Split
    origin: str
    topic: str | None
    round: int | None
    past: tuple[tuple[str, str | None], ...] = ()

    @property
    def id(self) -> str:
        return example_id(Content(self.text))

    def with_(self, **changes: Any) -> Row:
        """Return the row after an edit, with what it was before it."""
        return replace(self, **changes, past=((self.id, self.label), *self.past))


@dataclass(frozen=True)
class World:
    """A version as it should be: its rows by number, those that were removed, and the task's labels."""

    rows: dict[int, Row]
    removed: dict[int, Row]
    labels: tuple[str, ...]

    def seen(self) -> list[int]:
        return [number for number, row in self.rows.items() if row.split != "test"]


@dataclass(frozen=True)
class Files:
    """The files of a version's rows as they were when it was made, and where they lie."""

    folder: Path
    bytes: dict[str, bytes]


def first_rows() -> dict[int, Row]:
    """Twelve rows of every origin and split."""
    written = [Row(f"written {n}", LABELS[n % 3], "train", "written", f"topic {n % 2}", n % 2) for n in range(5)]
    real = [Row(f"real {n}", LABELS[n % 3], "validation", "real", None, None) for n in range(3)]
    others = [
        Row("annotated", "b", "train", "annotated", None, 0),
        Row("test one", "a", "test", "real", None, None),
        Row("test two", "b", "test", "real", None, None),
        Row("unlabelled", None, "unlabelled", "real", None, None),
    ]
    return dict(enumerate([*written, *real, *others]))


def example_of(row: Row) -> Example:
    made = None
    if row.round is not None:
        cell = Cell(label=row.label or "", topic=row.topic) if row.topic else None
        made = Provenance(cell=cell, round=row.round, writer="w")
    return make_example(row.text, row.label, origin=row.origin, provenance=made)  # type: ignore[arg-type]  # one of its words


class EditedDataset:
    """A dataset that the tool edits, and beside it the world as it should be."""

    def __init__(self, workspace: Workspace, task: str, chance: random.Random) -> None:
        self.workspace = workspace
        self.task = task
        self.chance = chance
        labels = tuple(Label(name=name) for name in LABELS)
        workspace.save_task(Task(slug=task, instruction="Tell them apart.", labels=labels))
        rows = first_rows()
        splits = {split: [example_of(row) for row in rows.values() if row.split == split] for split in SPLITS}
        first = save_dataset(workspace, task, splits, parent=None, run_key=task, made_by="import_examples").id
        self.worlds = {first: World(rows, {}, LABELS)}
        self.files: dict[str, Files] = {}
        self.keep_files(first)
        self.newest = first
        self.edit: Editor = editor(ToolContext(workspace=workspace, run_key="none"), task)
        self.texts = iter(range(1_000_000))

    def step(self) -> None:
        """Make one edit of any kind, and look at what came of it."""
        kinds = (self.relabel, self.rewrite, self.remove, self.restore, self.mark, self.rename, self.merge, self.split)
        kind = self.chance.choice((*kinds, self.remove, self.relabel, self.add, self.revert))
        world = self.worlds[self.newest]
        told = kind(world)
        if told is None:
            return
        result, after = told
        if result.dataset is None:
            assert after == world
            return
        self.newest = result.dataset
        self.worlds[self.newest] = after
        self.keep_files(self.newest)
        self.check(after)

    def keep_files(self, version: str) -> None:
        """Remember where a version lies and what its files are, so that every later look at it is one at the disk."""
        folder = self.workspace.artifact(version, "dataset").path
        self.files[version] = Files(folder, bytes_in(folder))

    # --- edits: each returns the tool's answer and the world after it

    def some(self, world: World, most: int = 4) -> list[int]:
        return self.chance.sample(world.seen(), min(self.chance.randint(1, most), len(world.seen())))

    def ids(self, world: World, numbers: list[int]) -> dict[str, list[str]]:
        return {"ids": [world.rows[number].id for number in numbers]}

    def relabel(self, world: World) -> tuple[EditExamplesResult, World] | None:
        if not world.seen():
            return None
        numbers, label = self.some(world), self.chance.choice(world.labels)
        result = self.edit({"action": "relabel", "rows": self.ids(world, numbers), "label": label})
        rows = dict(world.rows)
        for number in numbers:
            row = rows[number]
            if row.label != label:
                split: Split = "train" if row.split == "unlabelled" else row.split
                rows[number] = row.with_(label=label, split=split)
        return result, replace(world, rows=rows)

    def rewrite(self, world: World) -> tuple[EditExamplesResult, World] | None:
        if not world.seen():
            return None
        (number,) = self.some(world, 1)
        text = f"rewritten {next(self.texts)}"
        result = self.edit({"action": "rewrite", "rows": self.ids(world, [number]), "text": text})
        return result, replace(world, rows=world.rows | {number: world.rows[number].with_(text=text)})

    def remove(self, world: World) -> tuple[EditExamplesResult, World] | None:
        if not world.seen():
            return None
        numbers = self.some(world)
        result = self.edit({"action": "remove", "rows": self.ids(world, numbers)})
        gone = {number: world.rows[number].with_() for number in numbers}
        rows = {number: row for number, row in world.rows.items() if number not in gone}
        return result, replace(world, rows=rows, removed=world.removed | gone)

    def restore(self, world: World) -> tuple[EditExamplesResult, World] | None:
        if not world.removed:
            return None
        numbers = self.chance.sample(sorted(world.removed), self.chance.randint(1, len(world.removed)))
        rows = {"ids": [world.removed[number].id for number in numbers]}
        label = self.chance.choice((None, None, *world.labels))
        result = self.edit({"action": "restore", "rows": rows} | ({"label": label} if label else {}))
        back = {}
        for number in numbers:
            row = world.removed[number]
            wanted = label or row.label
            if wanted in (*world.labels, None):
                split: Split = "train" if label and row.split == "unlabelled" else row.split
                back[number] = replace(row, split=split, label=wanted, past=((row.id, row.past[0][1]), *row.past))
        removed = {number: row for number, row in world.removed.items() if number not in back}
        return result, replace(world, rows=world.rows | back, removed=removed)

    def mark(self, world: World) -> tuple[EditExamplesResult, World] | None:
        if not world.seen():
            return None
        numbers, action = self.some(world), self.chance.choice(("approve", "good_example", "flag", "unmark"))
        before = Decided(read_edits(self.workspace, self.newest))
        result = self.edit({"action": action, "rows": self.ids(world, numbers)})
        edits = read_edits(self.workspace, result.dataset or self.newest)
        changed = edits[-1].rows if result.dataset else {}
        rows = {n: row.with_() if row.id in changed else row for n, row in world.rows.items()}
        now = Decided(edits)
        for number in numbers:
            id_, label = world.rows[number].id, world.rows[number].label
            assert (id_ in now.flagged) == {"flag": True, "unmark": False}.get(action, id_ in now.flagged)
            if action == "approve" and label:
                assert id_ in now.by_person
                assert id_ not in now.flagged
            if action == "good_example":
                assert (id_ in now.good_examples) == bool(label)
            if action == "unmark":
                assert id_ not in now.by_person
        assert before.removed == now.removed
        return result, replace(world, rows=rows)

    def rename(self, world: World) -> tuple[EditExamplesResult, World] | None:
        old, new = self.chance.choice(world.labels), f"name {next(self.texts)}"
        result = self.edit({"action": "rename_label", "label": old, "to": new})
        rows = {n: row.with_(label=new) if row.label == old else row for n, row in world.rows.items()}
        removed = {n: replace(row, label=new) if row.label == old else row for n, row in world.removed.items()}
        labels = tuple(new if name == old else name for name in world.labels)
        return result, World(rows, removed, labels)

    def merge(self, world: World) -> tuple[EditExamplesResult, World] | None:
        if len(world.labels) < 3:
            return None
        old, to = self.chance.sample(world.labels, 2)
        result = self.edit({"action": "merge_label", "label": old, "to": to})
        rows = {n: row.with_(label=to) if row.label == old else row for n, row in world.rows.items()}
        removed = {n: replace(row, label=to) if row.label == old else row for n, row in world.removed.items()}
        return result, World(rows, removed, tuple(name for name in world.labels if name != old))

    def split(self, world: World) -> tuple[EditExamplesResult, World] | None:
        old = self.chance.choice(world.labels)
        first, second = (f"part {next(self.texts)}" for _ in range(2))
        parts = [{"label": first, "rows": {"where": {"text": "1"}}}, {"label": second}]
        result = self.edit({"action": "split_label", "label": old, "into": parts})
        rows = {
            n: row.with_(label=first if "1" in row.text else second) if row.label == old else row
            for n, row in world.rows.items()
        }
        ended = {n: replace(row, label="ended") if row.label == old else row for n, row in world.removed.items()}
        labels = tuple(part for name in world.labels for part in ((first, second) if name == old else (name,)))
        return result, World(rows, ended, labels)

    def add(self, world: World) -> tuple[EditExamplesResult, World] | None:
        name = f"label {next(self.texts)}"
        result = self.edit({"action": "add_label", "label": name})
        return result, replace(world, labels=(*world.labels, name))

    def revert(self, world: World) -> tuple[EditExamplesResult, World] | None:
        version = self.chance.choice(sorted(self.worlds))
        result = self.edit(revert_to=version)
        if result.dataset:
            assert bytes_of(self.workspace, result.dataset) == self.files[version].bytes
            return result, self.worlds[version]
        return result, world

    # --- looking

    def check(self, world: World) -> None:
        """The newest version holds the rows that it should, each with its history; no earlier one has changed."""
        edits = read_edits(self.workspace, self.newest)
        expected = {row.id: row for row in world.rows.values()}
        found = {(split, row.id): row for split in SPLITS for row in read_rows(self.workspace, self.newest, split)}
        assert found.keys() == {(row.split, row.id) for row in expected.values()}
        for (_, id_), row in found.items():
            wanted = expected[id_]
            assert row == example_of(wanted)
            if wanted.split != "test":
                assert [(past.id, past.label) for past in history(edits, id_, row.label)] == list(wanted.past)
        assert self.workspace.task(self.task).label_names == world.labels
        for files in self.files.values():
            assert bytes_in(files.folder) == files.bytes


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    """A workspace for all sequences, each of which edits a task of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = Workspace(Path(folder))
        yield made
        made.engine.dispose()


@pytest.mark.timeout(3600)
@settings(max_examples=EDITS, phases=[Phase.generate], database=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_every_row_is_what_its_history_says_and_nothing_is_lost(workspace: Workspace, seed: int) -> None:
    edited = EditedDataset(workspace, f"t{next(NUMBERS)}", random.Random(seed))
    for _ in range(STEPS):
        edited.step()


def test_rows_removed_before_a_revert_are_those_of_the_version_gone_back_to(workspace: Workspace) -> None:
    edited = EditedDataset(workspace, "by_hand", random.Random(0))
    removed = [first_rows()[number].id for number in (0, 5)]
    edited.edit({"action": "remove", "rows": {"ids": removed[:1]}})
    edited.edit({"action": "remove", "rows": {"ids": removed[1:]}})

    edited.edit(revert_to="by_hand-d2")

    assert edited.edit({"action": "restore", "rows": {"ids": removed[:1]}}).dataset == "by_hand-d5"
    with pytest.raises(InvalidInput, match="was not removed"):
        edited.edit({"action": "restore", "rows": {"ids": removed[1:]}})
