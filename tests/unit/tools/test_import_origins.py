"""Rows that were exported and come back keep their origin, their cell and their round, whatever brings them back."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classwright_server.mcp.resource_readers import rows as rows_resource
from classwright_tools.context import ToolContext
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import Example, Provenance, Split, make_example
from classwright_tools.domain.row_history import history
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.workspace.datasets import read_edits, read_rows, save_dataset
from classwright_tools.workspace.destination import told_beside
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.workspace.written_rows import WrittenRows
from support.editing import editor

TEXTS = (
    ("please pay me back for the kettle", "refund"),
    ("where has my parcel been since tuesday", "delivery"),
    ("the login page says that i do not exist", "account"),
)
Importer = Callable[..., ImportExamplesResult]


def written(text: str, label: str, round_: int = 2) -> Example:
    made = Provenance(
        cell=Cell(label=label, topic="a topic", subtopic="a subtopic", source_type="e-mail"),
        contrast="delivery" if label != "delivery" else None,
        round=round_,
        writer="recorded",
        prompt="abc123",
    )
    return make_example(text, label, origin="written", provenance=made)


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    """A dataset of three written rows and a real one."""
    rows = [*(written(text, label) for text, label in TEXTS), make_example("a real row about my refund", "refund")]
    return save_dataset(
        workspace, task.slug, {"train": rows}, parent=None, run_key="d", made_by="synthesize_examples"
    ).id


@pytest.fixture
def run(task: Task, folder: Path) -> Importer:
    """Return a function that imports into a new dataset of the workspace that it is given."""
    calls = iter(range(1_000))

    def importer(workspace: Workspace, split: Split = "train", **fields: Any) -> ImportExamplesResult:
        context = ToolContext(workspace=workspace, run_key=f"run-{next(calls)}", import_folders=(folder,))
        workspace.save_task(task)
        request = ImportExamplesRequest(**{"task": task.slug, "split": split, "new_dataset": True} | fields)
        return import_examples(request, context)

    return importer


@pytest.fixture
def elsewhere(tmp_path: Path) -> Workspace:
    """Another workspace, that knows nothing of the rows."""
    return Workspace(tmp_path / "elsewhere")


def as_parquet(workspace: Workspace, dataset: str, path: Path) -> None:
    shutil.copy(workspace.artifact(dataset, "dataset").path / "train.parquet", path)


def flat(workspace: Workspace, dataset: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return list(pq.read_table(workspace.artifact(dataset, "dataset").path / "train.parquet").to_pylist())


def as_flat_jsonl(workspace: Workspace, dataset: str, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in flat(workspace, dataset)))


def as_resource_jsonl(workspace: Workspace, dataset: str, path: Path) -> None:
    page = json.loads(rows_resource(workspace, "support", dataset, "train", (0, 50), "", ""))
    path.write_text("".join(json.dumps(row) + "\n" for row in page["rows"]))


def as_csv(workspace: Workspace, dataset: str, path: Path) -> None:
    rows = flat(workspace, dataset)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("name", "export"),
    [
        ("a.parquet", as_parquet),
        ("flat.jsonl", as_flat_jsonl),
        ("resource.jsonl", as_resource_jsonl),
        ("a.csv", as_csv),
    ],
)
def test_exported_rows_are_the_same_rows_when_they_come_back_to_another_workspace(
    name: str,
    export: Callable[[Workspace, str, Path], None],
    workspace: Workspace,
    dataset: str,
    elsewhere: Workspace,
    run: Importer,
    folder: Path,
) -> None:
    export(workspace, dataset, folder / name)

    result = run(elsewhere, path=name)

    assert read_rows(elsewhere, result.dataset or "", "train") == read_rows(workspace, dataset, "train")
    assert result.origins == {"written": 3}
    assert "3 of the 4 are no real rows and keep their origin: 3 written" in result.summary


def test_texts_that_this_workspace_wrote_are_known_again_though_the_source_says_nothing(
    workspace: Workspace, dataset: str, run: Importer
) -> None:
    rows = tuple(GivenRow(text=text, label=label) for text, label in (*TEXTS, ("quite another text here", "refund")))

    result = run(workspace, "validation", rows=rows)

    back = read_rows(workspace, result.dataset or "", "validation")
    assert back[:3] == read_rows(workspace, dataset, "train")[:3]
    assert [row.origin for row in back] == ["written", "written", "written", "real"]
    assert result.origins == {"written": 3}
    assert "in this workspace" in result.summary


def test_a_text_that_another_task_of_the_workspace_wrote_is_real_here(
    workspace: Workspace, dataset: str, run: Importer
) -> None:
    labels = (Label(name="refund"), Label(name="praise"))
    workspace.save_task(Task(slug="other", instruction="Tell refunds from praise.", labels=labels))

    result = run(workspace, task="other", rows=(GivenRow(text=TEXTS[0][0], label="refund"),))

    (row,) = read_rows(workspace, result.dataset or "", "train")
    assert (row.origin, row.label, row.provenance) == ("real", "refund", None)


def test_a_text_that_the_task_wrote_stays_written_under_a_corrected_label(
    workspace: Workspace, dataset: str, run: Importer
) -> None:
    result = run(workspace, rows=(GivenRow(text=TEXTS[0][0], label="account"),))

    (row,) = read_rows(workspace, result.dataset or "", "train")
    assert (row.origin, row.label, row.provenance and row.provenance.round) == ("written", "account", 2)


def test_a_row_that_its_export_calls_real_is_real_though_the_task_wrote_the_same_text(
    workspace: Workspace, dataset: str, elsewhere: Workspace, run: Importer, folder: Path, task: Task
) -> None:
    real = run(elsewhere, rows=(GivenRow(text=TEXTS[0][0], label="refund"),))
    as_parquet(elsewhere, real.dataset or "", folder / "real.parquet")

    result = run(workspace, path="real.parquet")

    assert [row.origin for row in read_rows(workspace, result.dataset or "", "train")] == ["real"]
    assert result.origins == {}


def test_versions_of_a_dataset_hold_each_written_row_once_in_its_newest_form(workspace: Workspace, task: Task) -> None:
    older = [written(text, label, round_=0) for text, label in TEXTS]
    newer = [*older[:2], written(*TEXTS[2], round_=5), written("only the newer version has this", "refund")]
    for key, rows in (("older", older), ("newer", newer)):
        save_dataset(workspace, task.slug, {"train": rows}, parent=None, run_key=key, made_by="synthesize_examples")
    known = WrittenRows(workspace, task.slug)

    held = known.of({row.id: row.content for row in newer})

    assert held == {row.id: row for row in newer}
    assert len(known._rows) == 4


def test_written_texts_that_come_back_unlabelled_stay_written(
    workspace: Workspace, dataset: str, run: Importer
) -> None:
    result = run(workspace, "unlabelled", rows=(GivenRow(text=TEXTS[0][0]), GivenRow(text="never seen before")))

    assert [row.origin for row in read_rows(workspace, result.dataset or "", "unlabelled")] == ["written", "real"]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "a spoken or written corpus", "label": "refund", "origin": "written"},
        {"text": "a spoken or written corpus", "label": "refund", "origin": "written", "id": "17"},
        {"text": "a spoken or written corpus", "label": "refund", "origin": ["written"], "writer": 3},
        {"text": "a spoken or written corpus", "label": "refund", "origin": "web", "writer": "Jane"},
        {"text": "a spoken or written corpus", "label": "refund", "provenance": "a museum", "origin": "real"},
    ],
)
def test_a_column_called_origin_in_a_file_of_somebody_else_means_nothing(
    row: dict[str, Any], elsewhere: Workspace, run: Importer, folder: Path
) -> None:
    (folder / "a.jsonl").write_text(json.dumps(row) + "\n")

    result = run(elsewhere, path="a.jsonl")

    assert [row.origin for row in read_rows(elsewhere, result.dataset or "", "train")] == ["real"]
    assert result.origins == {}


@pytest.mark.parametrize("wrong", [{"round": -1}, {"round": "two"}, {"writer": "w" * 300}, {"topic": 7}])
def test_a_row_that_tells_its_making_wrongly_is_written_all_the_same(
    wrong: dict[str, Any], workspace: Workspace, dataset: str, elsewhere: Workspace, run: Importer, folder: Path
) -> None:
    rows = [row | wrong for row in flat(workspace, dataset)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    result = run(elsewhere, path="a.jsonl")

    assert result.origins == {"written": 3}


def test_a_parquet_file_with_lists_in_such_a_column_is_read_without_it(
    elsewhere: Workspace, run: Importer, folder: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["a text"], "label": ["refund"], "topic": [["a", "b"]]}), folder / "a.parquet")

    assert run(elsewhere, path="a.parquet").imported == 1


def test_a_damaged_old_dataset_stops_no_import(workspace: Workspace, dataset: str, run: Importer) -> None:
    (workspace.artifact(dataset, "dataset").path / "train.parquet").write_bytes(b"PAR1 and then nothing")

    assert run(workspace, rows=(GivenRow(text="a new row", label="refund"),)).imported == 1


def test_two_versions_that_came_of_one_are_joined_and_every_row_stays_what_it_was(
    workspace: Workspace, dataset: str, run: Importer
) -> None:
    """Written rows joined the one, and labels for unlabelled texts the other."""
    texts = [make_example(text, None) for text in ("my parcel is a week late", "what is your phone number")]

    def version(parent: str, run_key: str, **splits: list[Example]) -> str:
        return save_dataset(workspace, "support", splits, parent=parent, run_key=run_key, made_by="import_examples").id  # type: ignore[arg-type]  # splits

    root = version(dataset, "texts", unlabelled=texts)
    there = read_rows(workspace, root, "train")
    more = written("may I send the shoes back for a refund", "refund")
    label = make_example(texts[0].text, "delivery", origin="annotated", provenance=Provenance(writer="calling model"))
    longer = version(root, "round", train=[*there, more])
    labelled = version(root, "labels", train=[*there, label], unlabelled=texts[1:])
    tip = version(
        version(longer, "same", train=[*there, more]), "text", unlabelled=[*texts, make_example("hello", None)]
    )
    branch = workspace.artifact(version(root, "branch", train=there), "dataset")
    told = told_beside(workspace, branch)
    assert f"as {tip} (3 versions), {labelled} is not in {branch.id}: " in told
    also = "then with split='unlabelled', joins the first; or"
    assert f"split='train', dataset={branch.id!r}, from_dataset={tip!r}), {also}" in told
    branch = workspace.artifact(version(longer, "other", train=there), "dataset")
    told = told_beside(workspace, branch)
    assert f"as {tip} (2 versions) is not in {branch.id}: " in told
    assert f"split='unlabelled', dataset={branch.id!r}, from_dataset={tip!r}) joins it; or" in told
    assert f"revert_to={tip!r}" in told
    assert told_beside(workspace, workspace.artifact(root, "dataset")) == ""

    for onto, other in ((labelled, longer), (longer, labelled)):
        joined = run(workspace, new_dataset=False, dataset=onto, from_dataset=other)
        assert joined.imported == 1
        rows = {row.id: row for row in read_rows(workspace, str(joined.dataset), "train")}
        assert rows == {row.id: row for row in (*there, more, label)}
        assert read_rows(workspace, str(joined.dataset), "unlabelled") == texts[1:]


def test_where_two_versions_are_joined_decisions_come_along_and_those_that_cannot_are_named(
    workspace: Workspace, context: ToolContext, dataset: str, run: Importer
) -> None:
    texts = [make_example(text, None) for text in ("my parcel is a week late", "what is your phone number")]
    root = save_dataset(
        workspace, "support", {"unlabelled": texts}, parent=dataset, run_key="texts", made_by="import_examples"
    ).id
    kettle, parcel, login = read_rows(workspace, root, "train")[:3]
    edit = editor(context)

    def meant(row: Example) -> dict[str, list[str]]:
        return {"ids": [row.id]}

    edit({"action": "relabel", "rows": meant(texts[0]), "label": "delivery"}, reason="a parcel")
    edit({"action": "approve", "rows": meant(kettle)}, {"action": "flag", "rows": meant(parcel)}, reason="seen")
    other = edit({"action": "relabel", "rows": meant(login), "label": "refund"}, reason="odd").dataset
    edit({"action": "rename_label", "label": "delivery", "to": "parcels"}, dataset=root, reason="a name")
    onto = edit({"action": "approve", "rows": meant(login)}, reason="it is right").dataset

    def join(onto: str | None) -> ImportExamplesResult:
        request = ImportExamplesRequest(task="support", split="train", dataset=onto, from_dataset=other)
        return import_examples(request, replace(context, run_key=f"join {onto}"))

    joined = join(onto)

    assert f"What was decided in {other} about 3 rows comes along." in joined.summary
    assert f"Decisions on 1 row ({login.id}) stay behind: this version has them otherwise" in joined.summary
    edits = read_edits(workspace, str(joined.dataset))
    decided = Decided(edits)
    assert set(decided.by_person) == {texts[0].id, kettle.id, login.id}
    assert decided.flagged == {parcel.id}
    assert history(edits, texts[0].id, "parcels")[0].in_words.startswith("relabel, was without a label (by a person")
    again = join(joined.dataset)
    assert again.dataset is None
    assert "comes along" not in again.summary


def test_marks_alone_are_joined_too(workspace: Workspace, context: ToolContext, dataset: str, run: Importer) -> None:
    kettle, parcel, *_ = read_rows(workspace, dataset, "train")
    edit = editor(context)
    other = edit({"action": "good_example", "rows": {"ids": [kettle.id]}}, reason="in style").dataset
    onto = edit({"action": "flag", "rows": {"ids": [parcel.id]}}, dataset=dataset, reason="later").dataset

    joined = run(workspace, new_dataset=False, dataset=onto, from_dataset=other)

    assert joined.imported == 0
    decided = Decided(read_edits(workspace, str(joined.dataset)))
    assert (list(decided.good_examples), decided.flagged) == ([kettle.id], {parcel.id})
