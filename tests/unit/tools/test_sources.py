"""Files that come one after the other: rows are found, labelled and measured by their file, and a new kind is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, AnnotateExamplesResult, annotate_examples
from classwright_tools.bulk.classify_files import classify_files
from classwright_tools.bulk.models import open_predictor
from classwright_tools.classify import ClassifyRequest, ClassifyResult, classify
from classwright_tools.context import ToolContext
from classwright_tools.curation.row_sources import row_sources
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.selection import RowFilter
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import InvalidInput
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows
from support.learning import real_rows, save_rows, written_rows

WHERE = ("at the post office", "in front of my door", "since last Monday", "for the second time", "before the holidays")
OWN = ("refund my money please", "my parcel seems to be lost on the way now", "i cannot log in to my account")
FOREIGN = (
    "the mitochondria is the powerhouse of the cell",
    "Mozart wrote his last symphony in 1788",
    "a prime number has exactly two divisors",
    "the volcano last erupted in the Pleistocene",
    "add two eggs and whisk until fluffy",
)
SEPTEMBER = [f"{text} {where}" for text in OWN for where in WHERE]
OCTOBER = [f"{text}, {number}" for number in range(5) for text in FOREIGN]


class Months:
    """A probe of written rows, measured on 24 real ones, and two files that came after it."""

    def __init__(self, context: ToolContext, folder: Path) -> None:
        self.context, self.workspace, self._folder = context, context.workspace, folder
        self._runs = 0
        folder.mkdir()
        save_rows(self.workspace, written_rows(), real_rows(4))
        self.model = self.call(train_classifier, TrainClassifierRequest(task="support", method="probe")).model
        self.bring("09-september.csv", SEPTEMBER)
        self.dataset = self.bring("months/10-october.csv", OCTOBER)

    def call(self, verb: Any, request: Any) -> Any:
        self._runs += 1
        return verb(request, replace(self.context, run_key=f"run {self._runs}", import_folders=(self._folder,)))

    def bring(self, name: str, texts: Sequence[str], **fields: Any) -> str:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text\n" + "".join(f'"{text}"\n' for text in texts), encoding="utf-8")
        request = {"task": "support", "split": "unlabelled", "path": name, "keep_near_duplicates": True} | fields
        return str(self.call(import_examples, ImportExamplesRequest(**request)).dataset)

    def find(self, source: str | None = None, **fields: Any) -> Any:
        where = RowFilter(source=source) if source else None
        return self.call(find_examples, FindExamplesRequest(task="support", where=where, **fields))

    def annotate(self, **fields: Any) -> AnnotateExamplesResult:
        found: AnnotateExamplesResult = self.call(annotate_examples, AnnotateExamplesRequest(task="support", **fields))
        return found

    def asked(self, made: AnnotateExamplesResult) -> Annotation:
        return self.workspace.document(made.annotation, "annotation", Annotation)

    def answer(self, made: AnnotateExamplesResult, label: str | None) -> AnnotateExamplesResult:
        """Answer all rows of an annotation, and end it; without a label they fit none."""
        ids = [row.id for row in self.asked(made).rows]
        for start in range(0, len(ids), 50):
            part = ids[start : start + 50]
            given = {"labels": dict.fromkeys(part, (label,))} if label else {"fits_none": tuple(part)}
            made = self.annotate(annotation=made.annotation, decided_by="person", **given)
        return made

    def edit(self, *changes: dict[str, Any]) -> str:
        request = EditExamplesRequest.model_validate({"task": "support", "reason": "agreed", "changes": changes})
        return str(self.call(edit_examples, request).dataset)

    def classify(self, **fields: Any) -> ClassifyResult:
        found: ClassifyResult = self.call(classify, ClassifyRequest(model=self.model, **fields))
        return found


@pytest.fixture
def months(context: ToolContext, task: Task, tmp_path: Path) -> Months:
    return Months(context, tmp_path / "in")


def test_rows_are_found_counted_and_edited_by_the_file_that_brought_them(months: Months) -> None:
    counted = months.find(limit=0)
    assert counted.sources == {"10-october.csv": 25, "09-september.csv": 15, "support-d1": 54}
    assert "By source, the newest first: 25 10-october.csv, 15 09-september.csv, 54 support-d1." in counted.summary
    assert months.find("10-october.csv").total == months.find(months.dataset).total == 25

    row = months.find("09-september.csv").rows[0]
    months.edit(
        {"action": "rewrite", "rows": {"ids": [row.id]}, "text": "send back what I paid"},
        {"action": "relabel", "rows": {"where": {"source": "09-september.csv"}}, "label": "refund"},
    )
    labelled = months.find("09-september.csv")
    assert {found.label for found in labelled.rows} == {"refund"}, "the row that was rewritten is among them"
    assert months.find("10-october.csv").labels == {}


def test_a_source_that_brought_no_row_is_told_with_those_that_did(months: Months) -> None:
    for call in (months.find, lambda source: months.annotate(source=source)):
        with pytest.raises(InvalidInput, match=r"source 'october': is that of no row.*'10-october\.csv', '09-sept"):
            call("october")


def test_imports_of_one_name_are_told_apart_and_rows_from_another_dataset_keep_their_file(months: Months) -> None:
    months.bring("09-september.csv", [f"where is it {text}" for text in WHERE])
    found = months.find(limit=0).sources
    assert found == {"09-september.csv (2)": 5, "10-october.csv": 25, "09-september.csv": 15, "support-d1": 54}

    whole = months.find(limit=0).dataset
    other = months.bring("11.csv", ["a text of a dataset of its own"], new_dataset=True)
    request = ImportExamplesRequest(task="support", split="unlabelled", dataset=other, from_dataset=whole)
    joined = months.call(import_examples, request).dataset
    assert set(row_sources(months.workspace, joined).names) == {*found, "11.csv"} - {"support-d1"}


def test_rows_to_label_are_of_the_source_that_is_named_and_so_is_the_audit(months: Months) -> None:
    made = months.annotate(source="10-october.csv", order="random", rows=20)
    drawn = {row.row for row in months.asked(made).rows}
    sources = row_sources(months.workspace, months.dataset)
    assert {sources.of_row[row] for row in drawn} == {"10-october.csv", "support-d1"}, "and checks"
    assert "of 25 unlabelled rows of '10-october.csv'" in made.summary
    assert re.search(r"random rows of 25 of '10-october\.csv', which is its", months.answer(made, "refund").summary)


def test_a_file_unlike_what_was_measured_raises_the_alarm_first_and_the_next_step_looks_and_measures(
    months: Months,
) -> None:
    found = months.classify(dataset=months.dataset)
    assert re.match(
        r"'10-october\.csv' is unlike what was measured: .*out of scope where 4% is usual.*need not hold there\. Class",
        found.summary,
    )
    assert "'09-september.csv' is unlike" not in found.summary
    assert "It is sure of" not in found.summary, "what it reached on rows of another kind is not told as if it held"
    assert "where={'source': '10-october.csv', 'splits': ['unlabelled']}, groups=0" in found.next_step
    assert "split='validation', source='10-october.csv')" in found.next_step
    own = re.search(
        r"To 10-october\.csv, which came last, 25 labels are given: [^.]*, (\d+) of which it is not sure\.",
        found.summary,
    )
    every = re.search(r"([\d,]+) of these are guesses", found.summary)
    assert own
    assert every
    assert 0 < int(own[1]) <= min(25, int(every[1]))
    assert found.uris["newest"] in found.next_step
    assert "in the workspace" not in found.next_step


def test_texts_of_a_call_and_files_raise_the_alarm_too(months: Months, tmp_path: Path) -> None:
    assert months.classify(texts=OCTOBER).summary.startswith("These texts are unlike what was measured: ")
    assert "unlike what was measured" not in months.classify(texts=SEPTEMBER[:5]).summary

    export = months.call(export_model, ExportModelRequest(model=months.model, onnx=False)).export
    folder = months.workspace.artifact(export, "export").path
    source = tmp_path / "in" / "months" / "10-october.csv"
    for name in (months.model, str(folder)):
        predictor = open_predictor(name, months.workspace.root)
        done = classify_files(predictor, source, tmp_path / "out.csv", model_name=name)
        assert done.summary.startswith("'10-october.csv' is unlike what was measured: ")


def test_evaluate_tells_the_rows_right_by_source_the_newest_first(months: Months) -> None:
    every = {"where": {"source": "09-september.csv"}}
    months.annotate(split="validation", source="09-september.csv", rows=15)
    months.answer(months.annotate(split="validation", source="10-october.csv", rows=10), "refund")
    months.edit({"action": "relabel", "rows": every, "label": "delivery"})
    summary = months.call(evaluate, EvaluateRequest(model=months.model)).summary
    assert re.search(
        r"By source, the newest first: '10-october\.csv' \d+ of 10 right, '09-september\.csv' \d+ of 15 right, 'supp",
        summary,
    )


def test_a_random_sample_of_what_hard_rows_were_taken_from_flatters_and_its_figures_say_so(months: Months) -> None:
    first = months.annotate(order="informative", rows=8, source="09-september.csv")
    assert "There are no validation rows" not in first.summary, "there are"
    early = months.annotate(split="validation", source="09-september.csv", rows=1)
    assert "were taken from the same texts" not in early.summary, "none of them has an answer yet"
    months.answer(first, "refund")

    late = months.annotate(split="validation", source="09-september.csv")
    assert "Before, 8 rows that a model was unsure of were taken from the same texts" in late.summary
    assert "so the figure flatters" in months.answer(late, "refund").summary
    fresh = months.annotate(split="validation", source="10-october.csv")
    assert "were taken from the same texts" not in fresh.summary

    for call, request in (
        (evaluate, EvaluateRequest(model=months.model)),
        (train_classifier, TrainClassifierRequest(task="support", method="probe")),
    ):
        said = months.call(call, request).model_dump_json()
        assert re.search(r"\d of these rows were drawn after 8 rows that a model was unsure of", said)


def test_before_rows_are_picked_the_validation_sample_is_advised(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows())
    request = ImportExamplesRequest(task="support", split="unlabelled", rows=[{"text": text} for text in SEPTEMBER])
    import_examples(request, replace(context, run_key="import"))
    made = annotate_examples(AnnotateExamplesRequest(task="support", rows=5), replace(context, run_key="ask"))
    assert made.summary.startswith("There are no validation rows of real texts yet")
    assert "lacks the most typical ones. Draw it first: annotate_examples(task='support', split='v" in made.summary


def test_rows_of_a_validation_sample_stay_in_it_when_they_get_a_label_later(months: Months) -> None:
    sample = months.annotate(split="validation", source="10-october.csv", rows=10)
    known = {row.id for row in read_rows(months.workspace, months.dataset, "unlabelled")}
    drawn = {row.row for row in months.asked(sample).rows} & known
    months.answer(sample, None)
    edited = months.edit(
        {"action": "add_label", "label": "other", "description": "Anything else."},
        {"action": "relabel", "label": "other", "rows": {"where": {"source": "10-october.csv"}}},
    )

    validation = {row.id for row in read_rows(months.workspace, edited, "validation")}
    train = {row.id for row in read_rows(months.workspace, edited, "train") if row.label == "other"}
    assert drawn <= validation
    assert len(train) == 15, "what was not drawn is for training, as before"


def test_an_import_names_a_difference_in_shares_once(context: ToolContext, task: Task) -> None:
    rows = [{"text": f"{text} {where}", "label": "refund"} for text in FOREIGN for where in WHERE]
    rows += [{"text": f"{text} {where}", "label": "delivery"} for text in OWN for where in WHERE]
    import_examples(
        ImportExamplesRequest(task="support", split="test", rows=rows, keep_near_duplicates=True),
        replace(context, run_key="first"),
    )
    more = [{"text": f"so {row['text']} again", "label": "delivery"} for row in rows]
    request = ImportExamplesRequest(
        task="support", split={"train": 1, "validation": 1}, rows=more, keep_near_duplicates=True
    )
    said = import_examples(request, replace(context, run_key="second")).summary
    assert said.count("Labels have other shares in other splits") == 1
