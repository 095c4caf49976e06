"""The files of a dataset: they come back by import without loss."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_server.cli import main
from classwright_tools.bulk.outputs import write_output
from classwright_tools.context import ToolContext
from classwright_tools.curation.shingles import folded
from classwright_tools.domain.cleaning import REPLACEMENT, clean_text
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.example import SPLITS, Example, Provenance, Split, make_example
from classwright_tools.domain.selection import RowFilter
from classwright_tools.domain.table_form import USUAL, TableForm
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import InvalidInput
from classwright_tools.export.csv_rows import write_csv
from classwright_tools.export.dataset_files import FORMS, Form, export_rows
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.measurement.selecting import changed
from classwright_tools.workspace import datasets
from classwright_tools.workspace.datasets import read_edits, read_rows, save_dataset
from classwright_tools.workspace.later_labels import later_label
from classwright_tools.workspace.workspace import Workspace
from support.editing import editor
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows
from support.pair import pair_rows, pair_task, save_pairs
from support.several import several_dataset

LABELS = ("refund", "delivery", "account")
R = TypeVar("R")


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Few rows are written at once, so that the files here are of several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "BATCH_ROWS", 3)
        yield


def exported(workspace: Workspace, dataset: str, form: Form, folder: Path) -> Path:
    export_rows(workspace, dataset, folder, form)
    return folder


def brought_back(
    folder: Path, task: Task, splits: Sequence[Split], read: Callable[[Workspace, str, Split], R]
) -> dict[Split, R]:
    """Return what is `read` of an exported folder after its import into a workspace that knows nothing of it."""
    with tempfile.TemporaryDirectory() as elsewhere:
        workspace = Workspace(Path(elsewhere))
        workspace.save_task(task)
        dataset: str | None = None
        for split in splits:
            request = ImportExamplesRequest(
                task=task.slug, split=split, path=folder.name, keep_near_duplicates=True, new_dataset=dataset is None
            )
            context = ToolContext(workspace=workspace, run_key=split, import_folders=(folder.parent,))
            dataset = import_examples(request, context).dataset
        found = {split: read(workspace, dataset or "", split) for split in splits}
        workspace.engine.dispose()
        return found


@pytest.mark.parametrize("form", FORMS)
def test_every_split_comes_back_as_it_was(form: Form, workspace: Workspace, task: Task, tmp_path: Path) -> None:
    test = [make_example('a "quoted", comma\'d | test row; =SUM(A1)', "delivery")]
    unlabelled = [make_example(f"so, {row.text}", None) for row in unlabelled_rows(refund=2, delivery=1)]
    dataset = save_rows(workspace, written_rows(), real_rows(), test, unlabelled)

    folder = exported(workspace, dataset, form, tmp_path / "out")

    assert {path.name for path in folder.iterdir()} == {"README.md", *(f"{split}.{form}" for split in SPLITS)}
    back = brought_back(folder, task, SPLITS, read_rows)
    assert back == {split: read_rows(workspace, dataset, split) for split in SPLITS}


def test_the_card_of_an_older_version_tells_the_task_as_that_version_knew_it(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    dataset = save_rows(context.workspace, written_rows(), real_rows(), [], unlabelled_rows(refund=4))
    edit = editor(context)
    edit({"action": "rename_label", "label": "refund", "to": "money back", "description": "another meaning"})
    edit({"action": "add_label", "label": "other", "description": "all else"})
    edit({"action": "describe_label", "label": "delivery", "description": "parcels of the new shop"})

    card = (exported(context.workspace, dataset, "csv", tmp_path / "out") / "README.md").read_text(encoding="utf-8")

    for label in task.labels:
        assert f"| {label.name} | {label.description} | 10 | 2 |\n" in card
    assert not {word for word in ("money back", "other", "new shop") if f"| {word}" in card}
    assert "Besides, `unlabelled` has 4 rows without a label." in card
    assert "| real | 4 | a real text, without a label |" in card
    assert "| real | 6 | a real text, with the label that it came with or that a person gave it |" in card


@pytest.mark.parametrize("form", FORMS)
def test_pairs_come_back_as_they_were(form: Form, workspace: Workspace, tmp_path: Path) -> None:
    task = pair_task(workspace)
    dataset = save_pairs(workspace, {"train": pair_rows()})

    back = brought_back(exported(workspace, dataset, form, tmp_path / "out"), task, ["train"], read_rows)

    assert back == {"train": read_rows(workspace, dataset, "train")}


# An import refuses texts with the mark of characters that were lost.
characters = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters=REPLACEMENT)
phrases = st.text(characters, min_size=1, max_size=60).map(clean_text)
texts = phrases.filter(lambda text: sum(character.isalnum() for character in text) > 2)
names = phrases.filter(bool)


@st.composite
def rows(draw: st.DrawFn) -> Example:
    text, label = draw(texts), draw(st.sampled_from(LABELS))
    origin = draw(st.sampled_from(["real", "written", "annotated"]))
    if origin == "real":
        return make_example(text, label)
    if origin == "annotated" and draw(st.booleans()):
        return make_example(text, label, origin=origin)
    made: dict[str, Any] = {"writer": draw(st.just("") | names), "round": draw(st.integers(0, 9))}
    if origin == "written":
        places = {"topic": draw(names), "subtopic": draw(st.none() | names), "source_type": draw(st.none() | names)}
        made |= {
            "cell": Cell(label=label, **places),
            "contrast": draw(st.none() | st.sampled_from(LABELS)),
            "prompt": draw(st.sampled_from(["", "abc"])),
        }
    return make_example(text, label, origin=origin, provenance=Provenance(**made))


different = st.lists(rows(), min_size=1, max_size=8, unique_by=lambda row: folded(row.content))


@settings(max_examples=40)
@given(different, st.sampled_from(FORMS))
def test_whatever_rows_hold_they_come_back_as_they_were(made: list[Example], form: Form) -> None:
    with tempfile.TemporaryDirectory() as here:
        workspace = Workspace(Path(here) / "workspace")
        task = workspace.save_task(
            Task(slug="support", instruction="Tell.", labels=tuple(Label(name=name) for name in LABELS))
        )
        dataset = save_dataset(workspace, "support", {"train": made}, parent=None, run_key="d", made_by="t").id
        there = read_rows(workspace, dataset, "train")

        folder = exported(workspace, dataset, form, Path(here) / "out")

        assert brought_back(folder, task, ["train"], read_rows)["train"] == there
        workspace.engine.dispose()


ids = st.text("0123456789abcdef", min_size=16, max_size=16)
edits = st.builds(
    Edit,
    action=st.sampled_from(["relabel", "rewrite", "remove", "restore", "approve", "good_example", "flag", "unmark"]),
    by=st.sampled_from(["person", "model"]),
    reason=phrases,
    when=st.datetimes(timezones=st.just(UTC)),
    dataset=st.integers(1, 99).map(lambda number: f"support-d{number}"),
    label=st.none() | st.sampled_from(LABELS),
    rows=st.dictionaries(ids, st.sampled_from(LABELS), max_size=4),
    test_rows=st.integers(0, 9),
)


@settings(max_examples=20)
@given(st.lists(edits, min_size=1, max_size=6))
def test_whatever_was_decided_comes_back_once_with_the_first_split(made: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as here:
        workspace = Workspace(Path(here) / "workspace")
        task = workspace.save_task(
            Task(slug="support", instruction="Tell.", labels=tuple(Label(name=name) for name in LABELS))
        )
        splits: dict[Split, list[Example]] = {"train": written_rows(), "validation": real_rows()}
        stored = save_dataset(workspace, "support", splits, parent=None, run_key="d", made_by="t", edits=made)
        folder = exported(workspace, stored.id, "parquet", Path(here) / "out")

        back = brought_back(folder, task, list(splits), lambda there, dataset, _split: read_edits(there, dataset))

        assert back == dict.fromkeys(splits, tuple(edit.model_copy(update={"brought": True}) for edit in made))
        workspace.engine.dispose()


def test_a_row_that_was_removed_before_an_export_does_not_return_and_marks_hold(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    edit = editor(context)
    dataset = save_rows(context.workspace, written_rows())
    first, second = (row.id for row in read_rows(context.workspace, dataset, "train")[:2])
    edit({"action": "remove", "rows": {"ids": [first]}}, {"action": "good_example", "rows": {"ids": [second]}})
    exported(context.workspace, "support-d2", "jsonl", tmp_path / "out")

    with tempfile.TemporaryDirectory() as elsewhere:
        workspace = Workspace(Path(elsewhere))
        workspace.save_task(task)
        there = ToolContext(workspace=workspace, run_key="import", import_folders=(tmp_path,))
        imported = import_examples(ImportExamplesRequest(task="support", split="train", path="out"), there)
        assert "with what persons decided: 2." in imported.summary
        assert list(Decided(read_edits(workspace, imported.dataset)).good_examples) == [second]
        with pytest.raises(InvalidInput):
            editor(there)({"action": "restore", "rows": {"ids": [first]}})
        workspace.engine.dispose()


def test_a_dataset_with_edits_of_its_own_keeps_them_and_says_so(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    line = Edit(action="flag", reason="elsewhere", when=datetime(2026, 1, 1, tzinfo=UTC), dataset="support-d9")
    (folder / "edits.jsonl").write_text(line.model_dump_json() + "\n", encoding="utf-8")
    (folder / "train.jsonl").write_text('{"text": "one more wants money", "label": "refund"}\n', encoding="utf-8")
    dataset = save_rows(context.workspace, written_rows())
    editor(context)({"action": "flag", "rows": {"ids": [read_rows(context.workspace, dataset, "train")[0].id]}})
    there = replace(context, run_key="import", import_folders=(tmp_path,))

    imported = import_examples(ImportExamplesRequest(task="support", split="train", path="out"), there)

    assert "Edits in the folder stay behind (1)" in imported.summary
    assert [edit.reason for edit in read_edits(context.workspace, imported.dataset)] == ["it was wrong"]


def test_an_edit_that_came_along_changed_nothing_that_was_here_before_it(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    then = save_rows(context.workspace, written_rows())
    old = read_rows(context.workspace, then, "train")[0]
    row = make_example("one more wants money", "refund")
    stamp: dict[str, Any] = {"reason": "elsewhere", "when": datetime(2026, 1, 1, tzinfo=UTC), "dataset": "support-d9"}
    merged = Edit(action="merge_label", label="delivery", to="account", **stamp)
    rewritten = Edit(action="rewrite", rows={row.id: old.id}, **stamp)
    lines = [edit.model_dump_json() + "\n" for edit in (merged, rewritten)]
    (folder / "edits.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "train.jsonl").write_text(f'{{"text": "{row.text}", "label": "refund"}}\n', encoding="utf-8")
    there = replace(context, run_key="import", import_folders=(tmp_path,))
    now = import_examples(ImportExamplesRequest(task="support", split="train", path="out"), there).dataset or ""

    counts = changed(context, now, then, RowFilter()).counts
    assert counts == {"added": 1}
    assert later_label(context.workspace, task, "delivery", then, now) == "delivery"
    renamed = editor(context)({"action": "rename_label", "label": "delivery", "to": "parcel"}).dataset
    assert later_label(context.workspace, context.workspace.task("support"), "delivery", then, renamed) == "parcel"


def test_the_card_of_rows_with_several_labels_tells_of_their_columns(workspace: Workspace, tmp_path: Path) -> None:
    folder = exported(workspace, several_dataset(workspace), "jsonl", tmp_path / "out")

    columns = json.loads((folder / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    card = (folder / "README.md").read_text(encoding="utf-8").partition("## Columns")[2]
    assert {name for name in columns if f"`{name}`" not in card} == {"text"}


def test_a_file_of_edits_that_is_none_is_refused_by_name(context: ToolContext, task: Task, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "edits.jsonl").write_text('{"action": "run this"}\n', encoding="utf-8")
    (folder / "train.jsonl").write_text('{"text": "one more wants money", "label": "refund"}\n', encoding="utf-8")

    with pytest.raises(InvalidInput, match=r"edits\.jsonl of folder 'out': holds no edits"):
        import_examples(
            ImportExamplesRequest(task="support", split="train", path="out"),
            replace(context, import_folders=(tmp_path,)),
        )


def test_the_card_says_what_is_in_the_files_and_nothing_of_a_task_makes_markdown(
    workspace: Workspace, tmp_path: Path
) -> None:
    hostile = "[x](http://evil.example) | <b>\n# heading"
    labels = tuple(Label(name=name, description=hostile) for name in LABELS)
    workspace.save_task(Task(slug="support", instruction=hostile, labels=labels))
    dataset = save_rows(workspace, written_rows(), real_rows())

    card = (exported(workspace, dataset, "csv", tmp_path / "out") / "README.md").read_text(encoding="utf-8")

    front = yaml.safe_load(card.split("---")[1])
    assert front["configs"][0]["data_files"] == [
        {"split": "train", "path": "train.csv"},
        {"split": "validation", "path": "validation.csv"},
    ]
    assert "| 10 | 2 |" in card
    assert "| written | 30 |" in card
    assert "[x](" not in card
    assert "<b>" not in card
    assert not [line for line in card.splitlines() if line.startswith("# heading")]


def test_the_command_writes_a_folder_that_is_a_dataset_of_the_hub(
    workspace: Workspace, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import datasets

    dataset = save_rows(workspace, written_rows(), real_rows())
    out = tmp_path / "out"

    code = main(["export", dataset, str(out), "--format", "parquet", "--workspace", str(workspace.root)])

    assert code == 0
    assert "train.parquet: 30 rows" in capsys.readouterr().out
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 30, "validation": 6}
    assert loaded["train"][0]["text"] == written_rows()[0].text


def test_a_csv_file_has_the_form_of_the_table_that_its_rows_came_in(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    import datasets as hub_datasets

    folder = tmp_path / "in"
    folder.mkdir()
    table = '\ufeffNr;text\r\n1;"where; is it"\r\n2;my parcel, too\r\n'
    (folder / "excel.csv").write_bytes(table.encode())
    request = ImportExamplesRequest(task="support", split="unlabelled", path="excel.csv")
    made = import_examples(request, replace(context, import_folders=(folder,)))

    out = tmp_path / "out"
    export_rows(context.workspace, str(made.dataset), out, "csv")

    written = (out / "unlabelled.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbfid;")
    assert b';"where; is it";' in written
    assert b";my parcel, too;" in written
    assert written.count(b"\r\n") == 3
    loaded = hub_datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert sorted(loaded["unlabelled"]["text"]) == ["my parcel, too", "where; is it"]
    assert "id" in loaded["unlabelled"].column_names


def test_a_folder_that_holds_something_is_not_written_into(workspace: Workspace, task: Task, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(InvalidInput, match="is not an empty folder"):
        export_rows(workspace, save_rows(workspace, written_rows()), tmp_path, "csv")


cells = st.none() | st.text(st.sampled_from('a,"\\\r\n =\u00e4\U0001f600'), max_size=5)


@given(st.lists(st.tuples(cells, cells, st.none() | st.integers(-9, 9), st.none() | st.lists(cells, max_size=3))))
def test_csv_by_columns_has_the_bytes_of_csv_by_cells(made: list[tuple[Any, ...]]) -> None:
    fields = {"a": pa.string(), "b": pa.string(), "c": pa.int32(), "d": pa.list_(pa.string())}
    columns = list(zip(*made, strict=True)) or [()] * len(fields)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, fields.values(), strict=True)]
    table = pa.table(arrays, schema=pa.schema(list(fields.items())))
    with tempfile.TemporaryDirectory() as folder:
        by_cells, by_columns = Path(folder) / "cells.csv", Path(folder) / "columns.csv"
        for form in (USUAL, TableForm(delimiter=";", marked=True, line_end="\r\n"), TableForm(delimiter="\t")):
            write_output(by_cells, list(fields), [[list(row) for row in made]], form)

            write_csv(by_columns, fields, [table.slice(0, 2), table.slice(2)], form)

            assert by_columns.read_bytes() == by_cells.read_bytes()
