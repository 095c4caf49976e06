"""`classify` of a dataset whose sources were kept: the table is the person's files, with a label in each row."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.curation.row_sources import told_apart
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.labels_since import fitting_none
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import Cancelled, DamagedArtifact, NotEnoughData
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.workspace.datasets import read_card, read_edits, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.filled import dataset as dataset
from support.filled import model as model
from support.filled import trained as trained
from support.filled import workspace as workspace
from support.measurement import WRITTEN, context_on, real_rows
from support.sorted_rows import OWN, sorted_by, table_of
from support.sorted_rows import filled as filled

FILE = """when,message,label
1 May,my parcel is late,
2 May,"money back, please",old
2 May,my parcel is late,
3 May,,
4 May,the form has a typo
5 May,my parcel is so very late,
6 May,nobody opens the door,
7 May,what is your favourite colour,
"""
GROWN = FILE + "8 May,the site is down,\n"


def import_file(workspace: Workspace, folder: Path, content: str, **fields: object) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "messages.csv").write_text(content, encoding="utf-8")
    request = {"task": "support", "split": "unlabelled", "path": "messages.csv", "text_column": "message"}
    request |= {"new_dataset": content == FILE, **fields}
    found = import_examples(ImportExamplesRequest(**request), context_on(workspace, import_folders=(folder,)))
    assert found.dataset
    return found.dataset


def said_to_fit_none(workspace: Workspace, dataset: str, *rows: str, none_of: tuple[str, ...] = ()) -> str:
    when = datetime(2026, 5, 1, tzinfo=UTC)
    said = dict.fromkeys(rows, "")
    edit = Edit(action="fits_none", reason="asked", when=when, dataset=dataset, none_of=none_of, rows=said)
    return save_dataset(workspace, "support", {}, parent=dataset, run_key="none", made_by="t", edits=[edit]).id


def test_the_table_is_the_persons_file_with_a_label_in_each_row(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    dataset = import_file(workspace, tmp_path / "in", FILE)
    rows = {row.text: row.id for row in read_rows(workspace, dataset, "unlabelled")}
    changes = [
        {"action": "relabel", "rows": {"ids": [rows["money back, please"]]}, "label": "account"},
        {
            "action": "rewrite",
            "rows": {"ids": [rows["nobody opens the door"]]},
            "text": "no courier ever opens the door",
        },
    ]
    edited = edit_examples(
        EditExamplesRequest(task="support", dataset=dataset, changes=changes, reason="read"), context_on(workspace)
    )  # type: ignore[arg-type]  # as a call brings them
    dataset = said_to_fit_none(workspace, str(edited.dataset), rows["what is your favourite colour"])

    found = sorted_by(workspace, model, dataset, threshold=0.0)

    table = table_of(workspace, found)
    assert list(table[0])[:8] == [
        "when", "message", "label", "predicted_label", "predicted_decided_by", "predicted_probability",
        "predicted_sure", "predicted_out_of_scope",
    ]  # fmt: skip
    assert list(table[0])[8:] == [f"predicted_probability_{label}" for label in WRITTEN]
    assert [row["when"] for row in table] == ["1 May", "2 May", "2 May", "3 May", "", "5 May", "6 May", "7 May"]
    said = [(row["predicted_label"] or None, row["predicted_decided_by"] or None) for row in table]
    assert said[1] == ("account", "person")  # in place of the label that the file had
    assert said[0] == said[2]  # a copy was imported once
    assert said[3] == said[4] == (None, None)  # no text, and a line that could not be read
    assert said[7] == (None, "person")
    assert {said[place][1] for place in (0, 5, 6)} == {"model"}
    likeliest = {one.text: one.likeliest[0][0] for one in found.results}
    assert said[6][0] == likeliest["no courier ever opens the door"]
    assert "what is your favourite colour" not in likeliest
    assert "All 8 rows of what was imported" in found.next_step
    assert "5 of them with a label" in found.next_step


def test_a_file_that_has_grown_counts_once_and_two_sources_stand_one_after_the_other(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    import_file(workspace, tmp_path / "in", FILE)
    dataset = import_file(workspace, tmp_path / "in", GROWN)
    one = table_of(workspace, sorted_by(workspace, model, dataset))
    dataset = import_file(workspace, tmp_path / "in", "", path=None, csv="message,place\nI lost my key,Bonn\n")
    two = table_of(workspace, sorted_by(workspace, model, dataset))

    assert [row["when"] for row in one].count("1 May") == 1
    assert one[-1]["message"] == "the site is down"
    assert [row["file"] for row in two] == ["messages.csv"] * 9 + ["csv"]
    assert (two[-1]["message"], two[-1]["place"], two[-1]["when"]) == ("I lost my key", "Bonn", "")


def test_the_table_has_the_form_of_the_file_and_the_newest_of_several_has_a_table_of_its_own(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    import_file(workspace, tmp_path / "in", FILE)
    june = '\ufeffnumber;message\r\n1;"where;\nis it"\r\n2;my parcel is late\r\n'
    dataset = import_file(workspace, tmp_path / "in", june)

    found = sorted_by(workspace, model, dataset, threshold=0.0)

    folder = workspace.artifact(str(found.report), "report").path
    both, newest = ((folder / name).read_bytes().decode() for name in ("answers.csv", "answers_newest.csv"))
    assert both.startswith("\ufefffile;when;message;label;number;predicted_label;")
    assert newest.startswith("\ufeffnumber;message;predicted_label;predicted_decided_by;")
    assert newest.count("\r\n") == 3
    rows = list(csv.DictReader(io.StringIO(newest[1:], newline=""), delimiter=";"))
    assert [(row["number"], row["message"]) for row in rows] == [("1", "where;\nis it"), ("2", "my parcel is late")]
    assert all(row["predicted_label"] for row in rows)
    assert "Those of messages.csv (2) alone, which came last, are in classwright://" in found.next_step


def test_a_test_row_in_the_file_has_its_own_label_and_nothing_of_the_models(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    dataset = import_file(workspace, tmp_path / "in", FILE)
    known = {"rows": [{"text": "my parcel is late", "label": "account"}], "path": None, "split": "test"}
    dataset = import_file(workspace, tmp_path / "in", "", **known, dataset=dataset)

    found = sorted_by(workspace, model, dataset, threshold=0.99)

    of_test = [row for row in table_of(workspace, found) if row["message"] == "my parcel is late"]
    assert [(row["predicted_label"], row["predicted_decided_by"]) for row in of_test] == [("account", "person")] * 2
    assert {row[name] for row in of_test for name in list(row)[5:]} == {""}
    asked = [row for row in table_of(workspace, found) if row["predicted_decided_by"] == "model"]
    assert len(asked) == int(found.summary.split()[2])
    guesses = sum(row["predicted_sure"] == "false" for row in asked)
    assert guesses
    assert f"{guesses} of these are guesses, of which the model is not sure: look at the rows" in found.summary
    assert "rows with `predicted_sure` false." in found.summary


def test_shares_of_unsure_rows_are_told_by_source_where_they_differ_by_more_than_chance(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    def texts(*kinds: str) -> str:
        return "message,place\n" + "".join(f"{kind} no {number},Rome\n" for number in range(12) for kind in kinds)

    def brought(content: str = "", **more: object) -> str:
        return import_file(workspace, tmp_path / "in", content, keep_near_duplicates=True, **more)

    brought(texts("my parcel is late", "i want my money back"), new_dataset=True)
    alike = brought(csv=texts("sir my parcel is late", "sir i want my money back"), path=None)
    other = brought(csv=texts("violets bloom", "sing a song"), path=None)

    assert "Not sure by source" not in sorted_by(workspace, model, alike, threshold=0.6).summary
    said = sorted_by(workspace, model, other, threshold=0.6).summary
    assert re.search(r"Not sure by source: (\d+)% of 24 from csv.*, \d+% of 24 from messages\.csv\. They differ", said)
    assert f"annotate_examples(task='support', dataset={other!r}, split='validation', source='csv" in said
    assert "These are shares of the answers without the thresholds that were set." in said


def test_a_row_that_fits_none_is_asked_about_once_a_model_has_a_label_that_came_later(
    workspace: Workspace, task: Task, dataset: str, model: str
) -> None:
    rows = [row.id for row in read_rows(workspace, dataset, "unlabelled")]
    few = said_to_fit_none(workspace, dataset, *rows, none_of=task.label_names[1:])
    table = table_of(workspace, sorted_by(workspace, model, few))
    assert sum(row["decided_by"] == "model" for row in table) == len(OWN)

    when = datetime(2026, 5, 2, tzinfo=UTC)
    edit = Edit(action="fits_none", reason="read", when=when, dataset=few, none_of=task.label_names, rows={rows[0]: ""})
    some = save_dataset(workspace, "support", {}, parent=few, run_key="some", made_by="t", edits=[edit]).id
    found = sorted_by(workspace, model, some)
    assert rows[0] not in {one.row for one in found.results}
    assert f"All {len(OWN) + len(real_rows())} rows" in found.next_step
    said = {row["id"]: (row["label"], row["decided_by"]) for row in table_of(workspace, found)}
    assert said[rows[0]] == ("", "person")
    assert len(said) == len(OWN) + len(real_rows())

    edit = edit.model_copy(update={"rows": dict.fromkeys(rows, "")})
    every = save_dataset(workspace, "support", {}, parent=few, run_key="all", made_by="t", edits=[edit]).id
    with pytest.raises(NotEnoughData, match=f"no rows without labels but {len(OWN)}, of which was said that no label"):
        sorted_by(workspace, model, every)


SPLIT = {
    "action": "split_label",
    "label": "delivery",
    "into": [{"label": "late", "rows": {"where": {"text": "late"}}}, {"label": "other delivery"}],
}
RENAMED = {"action": "rename_label", "label": "delivery", "to": "shipping"}


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("answers_table", "dataset_rows"):
        monkeypatch.setattr(f"classwright_tools.bulk.{module}.ROWS_AT_ONCE", 2)


@pytest.mark.usefixtures("two_at_once")
def test_the_copies_of_a_file_are_read_with_progress_and_can_be_cancelled(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    dataset = import_file(workspace, tmp_path / "in", FILE)
    request = ClassifyRequest(model=model, dataset=dataset)
    told: list[tuple[float, str]] = []

    def cancel(share: float, message: str) -> None:
        told.append((share, message))
        if message == "4 rows of the table written":
            raise Cancelled

    with pytest.raises(Cancelled):
        classify(request, context_on(workspace, report=cancel))

    assert not workspace.artifacts("support", "report")
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    messages = [message for _, message in told]
    assert messages[-4:] == ["classifying 5 rows", *(f"{rows} rows of the table written" for rows in (0, 2, 4))]
    assert shares[-3] == pytest.approx(5 / 8)
    assert shares[-1] == pytest.approx(5 / 8 + 3 / 8 * 4 / 8)


@pytest.mark.parametrize("change", [SPLIT, RENAMED], ids=["split", "renamed"])
def test_a_row_that_fits_none_is_not_asked_about_because_a_label_was_split_or_renamed(
    workspace: Workspace, task: Task, dataset: str, change: dict[str, object]
) -> None:
    row = read_rows(workspace, dataset, "unlabelled")[0].id
    few = said_to_fit_none(workspace, dataset, row, none_of=task.label_names)
    call = {"task": "support", "dataset": few, "changes": [change], "reason": "finer", "confirm": 100}
    edited = str(edit_examples(EditExamplesRequest.model_validate(call), context_on(workspace)).dataset)
    labels = workspace.task("support").label_names

    assert labels != task.label_names
    assert fitting_none(read_edits(workspace, edited), labels).keys() == {row}
    assert not fitting_none(read_edits(workspace, edited), (*labels, "one more"))
    asked = annotate_examples(AnnotateExamplesRequest(task="support", dataset=edited, rows=50), context_on(workspace))
    annotation = workspace.document(asked.annotation, "annotation", Annotation)
    assert annotation.pool == len(OWN) - 1
    assert row not in {one.row for one in annotation.rows}


def test_another_file_of_a_name_is_kept_beside_the_first_and_a_damaged_one_is_replaced(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    first = import_file(workspace, tmp_path / "in", FILE)
    other = import_file(workspace, tmp_path / "in", "message,file\nthe app crashes,a.txt\n", new_dataset=False)
    table = table_of(workspace, sorted_by(workspace, model, other))

    assert [row["source_file"] for row in table] == ["messages.csv"] * 8 + ["messages.csv (2)"]
    assert (table[-1]["message"], table[-1]["file"]) == ("the app crashes", "a.txt")

    path = workspace.artifact(first, "dataset").path / "source.jsonl"
    path.write_bytes(path.read_bytes().replace(b"May", b"Mai"))
    again = import_file(workspace, tmp_path / "in", GROWN)
    assert [row.rows for row in read_card(workspace, again).sources] == [1, 9]


def test_equal_names_of_files_are_told_apart() -> None:
    assert told_apart(["a/data.csv", "b/data.csv", "c/new.csv"]) == ["a/data.csv", "b/data.csv", "new.csv"]
    assert told_apart(["data.csv", "data.csv"]) == ["data.csv", "data.csv (2)"]


def test_another_version_brings_its_sources_along_and_a_damaged_one_is_named(
    workspace: Workspace, model: str, tmp_path: Path
) -> None:
    first = import_file(workspace, tmp_path / "in", FILE)
    second = import_file(workspace, tmp_path / "in", "", path=None, from_dataset=first, new_dataset=True)
    whole = table_of(workspace, sorted_by(workspace, model, second))
    path = workspace.artifact(first, "dataset").path / "source.jsonl"
    path.write_bytes(path.read_bytes().replace(b"May", b"Mai"))

    assert [row["when"] for row in whole][:2] == ["1 May", "2 May"]
    with pytest.raises(DamagedArtifact, match=f"dataset '{first}'.*source.jsonl"):
        sorted_by(workspace, model, second)


def test_a_source_that_is_too_large_is_not_kept_and_its_answer_says_so(
    workspace: Workspace, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "message\n" + "".join(f"{letter * 60}\n" for letter in "äöü")  # 2 bytes a letter: 411 bytes, 231 characters
    monkeypatch.setattr("classwright_tools.curation.kept_source.MOST_BYTES", 300)
    (tmp_path / "messages.csv").write_text(own, encoding="utf-8")
    request = ImportExamplesRequest(task="support", split="unlabelled", path="messages.csv", text_column="message")

    found = import_examples(request, context_on(workspace, import_folders=(tmp_path,)))

    assert "not kept as they came" in found.summary
    assert read_card(workspace, str(found.dataset)).sources == ()
    assert not (workspace.artifact(str(found.dataset), "dataset").path / "source.jsonl").exists()
