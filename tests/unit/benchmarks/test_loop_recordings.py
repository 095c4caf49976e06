"""What a client did in a workspace is recorded, and the benchmark of the loop does it again by the product's tools."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import LabelTopics, Topic
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.workspace.datasets import read_rows
from support.learning import WRITTEN, real_rows, save_rows, written_rows
from support.paths import ROOT
from support.writing_verbs import sentence

sys.path.append(str(ROOT / "benchmarks"))
from looping.record import record
from looping.recorded import RecordedSet, open_recorded
from looping.steps import steps

POOL = [make_example(sentence(number), None) for number in range(30)]
TEST = [{"text": f"shut down user number {number} for good", "label": "account"} for number in range(20)]


def label_of(row: Example) -> str:
    """Return the label of a real row, or what the set says of one in the pool."""
    return row.label or ("refund" if POOL.index(row) % 2 else "delivery")


def recorded(context: ToolContext, task: Task, folder: Path) -> RecordedSet:
    """Return what is recorded of a client that wrote thirty texts and labelled ten, one with two candidates."""
    topics = tuple(
        LabelTopics(label=label, topics=tuple(Topic(name=name, subtopics=texts) for name, texts in own.items()))
        for label, own in WRITTEN.items()
    )
    request = ProposeTopicsRequest(
        task=task.slug, instruction=task.instruction, labels=task.labels, source_types=("message",), topics=topics
    )
    propose_topics(request, replace(context, run_key="topics"))
    save_rows(context.workspace, written_rows(), real_rows(copies=10), unlabelled=POOL)
    asked = annotate_examples(AnnotateExamplesRequest(task=task.slug, rows=10), replace(context, run_key="annotation"))
    annotation = context.workspace.document(asked.annotation, "annotation", Annotation)
    texts = {row.id: row for row in [*POOL, *real_rows(copies=10)]}
    labels = {row.id: (label_of(texts[row.row]),) for row in annotation.rows}
    pooled = next(row.id for row in annotation.rows if row.row in {one.id for one in POOL})
    labels[pooled] = ("refund", "delivery")
    annotate_examples(AnnotateExamplesRequest(task=task.slug, annotation=asked.annotation, labels=labels), context)
    record(context.workspace, task.slug, folder / "recorded" / "shop")
    train = [{"text": row.text, "label": label_of(row)} for row in [*real_rows(copies=10), *POOL]]
    (folder / "data" / "shop").mkdir(parents=True)
    for split, lines in (("train", train), ("test", TEST)):
        with gzip.open(folder / "data" / "shop" / f"{split}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    return open_recorded(folder / "recorded" / "shop", folder / "data")


def test_what_a_client_did_is_done_again_from_its_recording(context: ToolContext, task: Task, tmp_path: Path) -> None:
    found = recorded(context, task, tmp_path)
    of = steps(found, tmp_path / "work", held_out=False)
    first = of.with_round(0, of.begin())
    labelled = of.annotated(of.with_unlabelled(first))

    def rows(split: str) -> list[Example]:
        return read_rows(of.context.workspace, labelled, split)  # type: ignore[arg-type]  # one of the splits

    written = {row.id: row for row in rows("train") if row.origin == "written"}
    assert {id_: row.label for id_, row in written.items()} == {row.id: row.label for row in written_rows()}
    assert all(row.provenance and row.provenance.cell and row.provenance.cell.topic for row in written.values())
    assert {row.id for row in rows("validation")} == {row.id for row in real_rows(copies=10)}
    annotated = [row for row in rows("train") if row.origin == "annotated"]
    assert len(annotated) == 9
    known = {row.id: label_of(row) for row in POOL}
    assert all(row.label == known[row.id] for row in annotated)
    assert not {row.id for row in rows("unlabelled")} & {row.id for row in annotated}
    assert of.annotated(of.with_unlabelled(first)) == labelled  # what was made is found again


def test_no_text_of_the_set_is_recorded(context: ToolContext, task: Task, tmp_path: Path) -> None:
    recorded(context, task, tmp_path)
    texts = b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in (tmp_path / "recorded" / "shop").iterdir()
    ).decode()
    assert written_rows()[0].text in texts
    assert not any(row.text in texts for row in [*POOL, *real_rows(copies=10)])


def test_rows_that_stand_for_the_test_rows_are_used_for_nothing_else(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    found = recorded(context, task, tmp_path)
    measured = {row["text"] for row in found.measured(held_out=True)}
    assert not measured & {row["text"] for row in [*found.validation, *found.unlabelled(held_out=True)]}
    assert found.measured(held_out=False) == TEST


def test_another_seed_draws_other_validation_rows_with_as_many_of_each_label(
    context: ToolContext, task: Task, tmp_path: Path
) -> None:
    first = recorded(context, task, tmp_path)
    other = replace(first, seed=1)

    def labels(of: RecordedSet) -> Counter[str]:
        return Counter(row["label"] for row in of.validation)

    def texts(of: RecordedSet) -> set[str]:
        return {row["text"] for row in of.validation}

    assert labels(other) == labels(first)
    assert texts(other) != texts(first)
    answered = {row["text"] for row in other.unlabelled(held_out=False)}
    assert not texts(other) & answered
    assert {row.text for row in POOL if row.id in first.answers} <= answered
