"""Rows with several labels: what sources call them, what is refused, and that exports bring them back as they were."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.context import ToolContext
from classwright_tools.curation.shingles import folded
from classwright_tools.domain.cleaning import REPLACEMENT, clean_text
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Label, Task, folded_name
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import InvalidInput
from classwright_tools.export.dataset_files import FORMS, Form, export_rows
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.importing import given as given_rows
from support.importing import write_jsonl
from support.several import LABELS, ROWS, several_rows, several_task


@pytest.fixture
def mail(workspace: Workspace) -> Task:
    """A saved task whose rows may have several labels."""
    return workspace.save_task(several_task())


def brought(workspace: Workspace, folder: Path, **fields: Any) -> tuple[ImportExamplesResult, list[Example]]:
    """Import training rows into a new dataset; return the result and the rows."""
    context = ToolContext(workspace=workspace, run_key=repr(fields), import_folders=(folder,))
    request = ImportExamplesRequest(task="mail", split="train", new_dataset=True, **fields)
    result = import_examples(request, context)
    return result, read_rows(workspace, result.dataset, "train") if result.dataset else []


def write(folder: Path, form: str) -> dict[str, Any]:
    """Write `ROWS` in a form, and return what a call says of it."""
    path = folder / f"rows.{form.split()[0]}"
    match form:
        case "csv with bars":
            path.write_text("text,label\n" + "".join(f'"{text}",{"|".join(named)}\n' for text, named in ROWS))
        case "csv with semicolons":
            path.write_text("text,label\n" + "".join(f'"{text}",{"; ".join(named)}\n' for text, named in ROWS))
            return {"path": path.name, "label_separator": ";"}
        case "jsonl of lists":
            lines = (json.dumps({"text": text, "labels": named}) for text, named in ROWS)
            path.write_text("\n".join(lines))
        case "jsonl of strings of JSON":
            lines = (json.dumps({"text": text, "label": json.dumps(named)}) for text, named in ROWS)
            path.write_text("\n".join(lines))
        case "parquet of numbers as datasets writes them":
            feature = {"feature": {"names": LABELS, "_type": "ClassLabel"}, "_type": "List"}
            metadata = {b"huggingface": json.dumps({"info": {"features": {"labels": feature}}}).encode()}
            columns = {"text": [text for text, _ in ROWS], "labels": [[*map(LABELS.index, named)] for _, named in ROWS]}
            types = pa.schema([("text", pa.string()), ("labels", pa.list_(pa.int64()))], metadata)
            pq.write_table(pa.table(columns, schema=types), path)
    return {"path": path.name}


@pytest.mark.parametrize(
    "form",
    [
        "csv with bars",
        "csv with semicolons",
        "jsonl of lists",
        "jsonl of strings of JSON",
        "parquet of numbers as datasets writes them",
    ],
)
def test_rows_come_with_none_one_or_several_labels(form: str, mail: Task, workspace: Workspace, folder: Path) -> None:
    result, rows = brought(workspace, folder, **write(folder, form))

    assert rows == several_rows()
    assert result.labels == {"refund": 2, "delivery": 3, "account": 2}
    assert "2 have several labels, and of 1 none applies" in result.summary


def test_rows_of_a_call_name_their_labels_in_one_string_or_a_list(
    mail: Task, workspace: Workspace, folder: Path
) -> None:
    rows = given_rows((ROWS[3][0], "Delivery| refund|delivery"), (ROWS[5][0], ""))
    listed = GivenRow.model_validate({"text": ROWS[4][0], "label": ["account", "delivery"]})
    _, rows_in = brought(workspace, folder, rows=(*rows, listed))

    assert [row.labels for row in rows_in] == [("refund", "delivery"), (), ("delivery", "account")]


def test_an_unknown_label_among_others_skips_the_row_and_is_named(
    mail: Task, workspace: Workspace, folder: Path
) -> None:
    labels = ("refund", "refund|delivry", "neutral")
    result, rows = brought(workspace, folder, rows=given_rows(*((ROWS[n][0], name) for n, name in enumerate(labels))))

    assert len(rows) == 1
    assert "If one says that no label applies, write the separator alone, or nothing, in place" in result.next_step
    assert "there are two ways" not in result.next_step
    assert "'delivry' is not in the task; the nearest is 'delivery'" in result.examples[0].reason


def test_labels_with_another_separator_between_them_are_told_by_it_and_never_mapped_to_one_of_them(
    mail: Task, workspace: Workspace, folder: Path
) -> None:
    parted = [(ROWS[3][0], "Refund, delivery"), (ROWS[4][0], "delivery,account")]
    result, _ = brought(workspace, folder, rows=given_rows((ROWS[0][0], "refund"), *parted))
    _, rows = brought(workspace, folder, rows=given_rows(*parted), label_separator=",")
    half, _ = brought(workspace, folder, rows=given_rows((ROWS[0][0], "refund"), (ROWS[4][0], "account, late")))

    assert "import the same source again with dataset='mail-d1' and label_separator=','" in result.next_step
    assert [row.labels for row in rows] == [("refund", "delivery"), ("delivery", "account")]
    assert "{'account, late': 'account'}" not in half.next_step
    with pytest.raises(InvalidInput, match="pass label_separator=','"):
        brought(workspace, folder, rows=given_rows(*parted))


def test_a_name_may_stand_for_several_labels(mail: Task, workspace: Workspace, folder: Path) -> None:
    lead = {"both": "delivery|refund"}
    _, rows = brought(
        workspace, folder, rows=given_rows((ROWS[3][0], "both"), (ROWS[4][0], "both|account")), label_names=lead
    )

    assert [row.labels for row in rows] == [("refund", "delivery"), LABELS]
    with pytest.raises(InvalidInput, match=r"label_names\['both'\]: leads to 'delivry', which is no label.*'delivery'"):
        brought(workspace, folder, rows=given_rows((ROWS[3][0], "both")), label_names={"both": "refund|delivry"})


def test_a_row_that_says_nothing_of_labels_is_skipped_and_is_none_without_labels(
    mail: Task, workspace: Workspace, folder: Path
) -> None:
    path = write_jsonl(
        folder / "rows.jsonl", [{"text": ROWS[0][0], "labels": []}, {"text": ROWS[1][0], "labels": None}]
    )

    result, rows = brought(workspace, folder, path=path.name)

    assert [row.labels for row in rows] == [()]
    assert result.skipped == {"no label": 1}


def test_the_same_text_with_other_labels_is_told_from_one_with_the_same(
    mail: Task, workspace: Workspace, folder: Path
) -> None:
    text = ROWS[3][0]
    result, _ = brought(
        workspace, folder, rows=given_rows((text, "refund|delivery"), (text, "delivery|refund"), (text, "refund"))
    )

    assert result.skipped == {"duplicate": 1, "same text with another label": 1}
    assert "('refund + delivery')" in result.summary


def test_a_separator_is_refused_where_rows_have_one_label(task: Task, context: ToolContext) -> None:
    request = ImportExamplesRequest(task="support", split="train", csv="text,label\na b,refund", label_separator=";")
    with pytest.raises(InvalidInput, match=r"rows of task 'support' have one label.*Leave it out"):
        import_examples(request, context)


def test_a_request_that_was_stored_as_a_job_says_nothing_that_was_not_given(task: Task, context: ToolContext) -> None:
    given = ImportExamplesRequest(task="support", split="train", csv="text,label\nwhere is my parcel,delivery")
    stored = ImportExamplesRequest.model_validate(given.model_dump(mode="json"))

    assert import_examples(stored, context).dataset == "support-d1"


@pytest.mark.parametrize(("slug", "row"), [("mail", make_example("a b", "refund")), ("support", several_rows()[0])])
def test_no_dataset_mixes_rows_with_one_label_and_rows_with_several(
    slug: str, row: Example, mail: Task, task: Task, workspace: Workspace
) -> None:
    with pytest.raises(InvalidInput, match="Give it"):
        save_dataset(workspace, slug, {"train": [row]}, parent=None, run_key="d", made_by="t")


def test_a_task_does_not_become_one_of_several_labels(mail: Task, task: Task, workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        Task.model_validate(several_task().model_dump() | {"expected_shares": dict.fromkeys(LABELS, 1 / 3)})


def test_rows_are_found_by_each_of_their_labels_and_counted_under_each(
    mail: Task, workspace: Workspace, context: ToolContext
) -> None:
    save_dataset(workspace, "mail", {"train": several_rows()}, parent=None, run_key="d", made_by="t")

    found = find_examples(FindExamplesRequest(task="Mail", where={"labels": ["Refund"]}), context)

    assert [row.labels for row in found.rows] == [("refund",), ("refund", "delivery")]
    assert found.labels == {"refund": 2, "delivery": 1}
    bare = find_examples(FindExamplesRequest(task="mail", where={"labels": ["|"]}), context)
    assert [row.labels for row in bare.rows] == [()]
    assert (bare.none, found.none) == (1, 0)
    assert "none of the labels 1" in bare.summary
    assert "label" not in found.model_dump(mode="json")["rows"][0]


def test_changes_of_labels_are_told_between_versions(mail: Task, workspace: Workspace, context: ToolContext) -> None:
    rows = several_rows()
    first = save_dataset(workspace, "mail", {"train": rows}, parent=None, run_key="1", made_by="t").id
    rows[0] = rows[0].model_copy(update={"labels": ("refund", "account")})
    save_dataset(workspace, "mail", {"train": rows}, parent=first, run_key="2", made_by="t")

    found = find_examples(FindExamplesRequest(task="mail", compare_to=first), context)

    assert found.changes == {"relabelled": 1, "'refund' to 'refund + account'": 1}


def test_the_card_counts_rows_once_and_labels_each(mail: Task, workspace: Workspace) -> None:
    dataset = save_dataset(workspace, "mail", {"train": several_rows()}, parent=None, run_key="d", made_by="t").id

    card = read_card(workspace, dataset)

    assert card.rows("train") == len(ROWS)
    assert {count.label: count.rows for count in card.by_label} == {"refund": 2, "delivery": 3, "account": 2}


# An import refuses texts with the mark of characters that were lost.
characters = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters=REPLACEMENT)
phrases = st.text(characters, min_size=1, max_size=60).map(clean_text).filter(bool)
texts = phrases.filter(lambda text: sum(character.isalnum() for character in text) > 2)
names = st.lists(
    st.text(characters, min_size=1, max_size=20).map(clean_text).filter(bool), min_size=2, max_size=5, unique_by=folded
)


def rows_of(labels: Sequence[str]) -> st.SearchStrategy[Example]:
    """Rows with any of `labels`, real or written for a cell."""

    @st.composite
    def row(draw: st.DrawFn) -> Example:
        own = [label for label in labels if draw(st.booleans())]
        if draw(st.booleans()):
            return make_example(draw(texts), None, labels=own)
        cell = Cell(label=draw(st.sampled_from(labels)), topic=draw(phrases), subtopic=draw(st.none() | phrases))
        made = Provenance(cell=cell, writer=draw(phrases), round=draw(st.integers(0, 9)))
        return make_example(draw(texts), None, labels=own, origin="written", provenance=made)

    return row()


@pytest.mark.parametrize("form", FORMS)
def test_names_that_look_like_what_parts_names_come_back(form: Form, workspace: Workspace, folder: Path) -> None:
    labels = ("a|b", "a", '["a"]', "ends in a \\", 'says "no"', "a\\\\")
    task = workspace.save_task(several_task().model_copy(update={"labels": tuple(Label(name=name) for name in labels)}))
    made = [make_example(f"row {number} of them", None, labels=labels[number:]) for number in range(len(labels) + 1)]
    dataset = save_dataset(workspace, task.slug, {"train": made}, parent=None, run_key="d", made_by="t").id
    export_rows(workspace, dataset, folder / "out", form)

    _, back = brought(workspace, folder, path="out", keep_near_duplicates=True)

    assert [row.labels for row in back] == [row.labels for row in made]


@settings(max_examples=25)
@given(st.data(), st.sampled_from(FORMS))
def test_whatever_labels_rows_have_they_come_back_as_they_were(data: st.DataObject, form: Form) -> None:
    labels = data.draw(names.filter(lambda found: len({folded_name(name) for name in found}) == len(found)))
    made = data.draw(st.lists(rows_of(labels), min_size=1, max_size=8, unique_by=lambda row: folded(row.content)))
    with tempfile.TemporaryDirectory() as here:
        folder = Path(here)
        task = several_task().model_copy(update={"labels": tuple(Label(name=name) for name in labels)})
        back = []
        workspace, elsewhere = Workspace(folder / "one"), Workspace(folder / "other")
        for one in (workspace, elsewhere):
            one.save_task(task)
        dataset = save_dataset(workspace, "mail", {"train": made}, parent=None, run_key="d", made_by="t").id
        export_rows(workspace, dataset, folder / "out", form)

        _, back = brought(elsewhere, folder, path="out", keep_near_duplicates=True)

        assert back == read_rows(workspace, dataset, "train")
        for one in (workspace, elsewhere):
            one.engine.dispose()


def save_real(workspace: Workspace) -> str:
    """Save a dataset of one real row and return its id."""
    rows = [make_example("do you still hire students", None, labels=())]
    return save_dataset(workspace, "mail", {"train": rows}, parent=None, run_key="real", made_by="t").id


@pytest.mark.usefixtures("mail")
def test_rows_that_a_language_model_wrote_count_as_written_and_stay_so(workspace: Workspace, tmp_path: Path) -> None:
    rows = given_rows(*((text, "|".join(labels)) for text, labels in ROWS))

    result, imported = brought(workspace, tmp_path, rows=rows, written=True)

    assert result.origins == {"written": len(ROWS)}
    assert f"{len(ROWS)} count as written, as you say." in result.summary
    assert {row.origin for row in imported} == {"written"}
    assert all(row.provenance and row.provenance.writer for row in imported)
    _, told = brought(workspace, tmp_path, from_dataset=save_real(workspace), written=True)
    assert {row.origin for row in told} == {"written"}
    _, again = brought(workspace, tmp_path, csv="text,label\n" + "".join(f'"{text}",refund\n' for text, _ in ROWS))
    assert {row.origin for row in again} == {"written"}


def test_an_empty_cell_says_that_none_applies_or_that_nobody_has_looked(
    mail: Task, workspace: Workspace, folder: Path
) -> None:
    cells = [LABELS[0].upper(), *[""] * (len(ROWS) - 1)]
    lines = (f'"{text}","{cell}",{number}' for number, ((text, _), cell) in enumerate(zip(ROWS, cells, strict=True)))
    (folder / "a.csv").write_text("text,label,comment_id\n" + "\n".join(lines) + "\n", encoding="utf-8")
    empty = len(ROWS) - 1

    as_none, rows = brought(workspace, folder, path="a.csv")
    as_nothing, _ = brought(workspace, folder, path="a.csv", empty="unlabelled")
    rest = ImportExamplesRequest(task="mail", split="unlabelled", path="a.csv")
    besides = import_examples(rest, ToolContext(workspace=workspace, run_key="rest", import_folders=(folder,)))

    assert sum(row.labels == () for row in rows) == empty
    assert f"{empty} of these rows have an empty cell" in as_none.summary
    assert "empty='unlabelled'" in as_none.summary
    assert f"{LABELS[0].upper()!r} is {LABELS[0]!r}." in as_none.summary
    assert "Not kept: column 'comment_id'" in as_none.summary
    assert as_none.summary.isprintable()
    assert (as_nothing.imported, as_nothing.skipped) == (1, {"no label": empty})
    assert "split='unlabelled' brings these in" in as_nothing.summary
    assert besides.imported == empty
    assert "Not kept" not in besides.summary
