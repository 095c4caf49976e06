"""What an import says beside its counts: nothing of test rows, the rows that are cut, labels of uneven shares."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.cards import DatasetCard, SplitCount
from classwright_tools.domain.example import Origin, Split
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.measurement.label_shares import label_shifts, shifts_remark, written_apart
from support.importing import Importer, given

SECRET = "the xylophone parcel of mister quuxington never came to his door"


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Return a function that imports by the request's fields, each call under a run key of its own."""
    calls = iter(range(1_000))

    def importer(split: Split = "train", encoder: str = context.encoder, **fields: Any) -> ImportExamplesResult:
        request = ImportExamplesRequest(task=task.slug, split=split, **fields)
        own = replace(context, run_key=f"run-{next(calls)}", import_folders=(folder,), encoder=encoder)
        return import_examples(request, own)

    return importer


def test_of_test_rows_an_import_tells_places_and_reasons_but_no_text_and_no_label(run: Importer, folder: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": SECRET, "label": "delivery"},
        {"text": SECRET, "label": "delivery"},
        {"text": SECRET, "label": "account"},
        {"text": "the xylophone of another label", "label": "quuxlabel"},
        {"text": "the xylophone without a label", "label": None},
        {"text": "xylophone \ufffd broken", "label": "delivery"},
        {"text": ["xylophone"], "label": "delivery"},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows) + "xylophone: no JSON at all\n"
    (folder / "test.jsonl").write_text(lines)

    answer = run("test", path="test.jsonl")

    assert (answer.read, answer.imported, len(answer.examples)) == (8, 0, 8)
    assert {example.row for example in answer.examples} == set(range(1, 9))
    for word in ("xylophone", "quux", "'account'", "nearest"):
        assert word not in answer.model_dump_json()


def test_a_row_of_another_split_that_repeats_a_test_row_is_not_shown_either(run: Importer) -> None:
    run("test", rows=given((SECRET, "delivery")))
    for split in ("validation", "train", "unlabelled"):
        near = SECRET if split == "validation" else SECRET + " today"
        answer = run(split, rows=given((near, "account"), (f"{split}: nothing is repeated", "refund")))

        (example,) = answer.examples
        assert (example.row, example.text) == (1, "")
        kind = "duplicate" if split == "validation" else "near-duplicate"
        assert example.reason.startswith(f"{kind} of a test row: ")
        assert "xylophone" not in answer.model_dump_json()


def test_what_is_skipped_of_other_rows_is_shown_as_before(run: Importer) -> None:
    answer = run("validation", rows=given((SECRET, "delivery"), (SECRET, "delivery"), ("another", "quuxlabel")))

    assert [example.text for example in answer.examples] == ["another", SECRET]
    assert "label 'quuxlabel' is not in the task" in answer.examples[0].reason


def test_test_rows_whose_labels_are_all_unknown_are_refused_by_the_place_of_one(run: Importer) -> None:
    with pytest.raises(InvalidInput) as refusal:
        run("test", rows=given((SECRET, "quuxlabel"), ("another one", "quuxtwo")))

    assert "that of row 1 is not" in str(refusal.value)
    assert "quux" not in str(refusal.value)


def test_rows_that_the_encoder_cuts_are_counted(run: Importer) -> None:
    long = " ".join(f"word{number} of a long story" for number in range(500))
    answer = run(rows=given((long, "refund"), (long[::-1], "delivery"), ("short", "account"), (long, "refund")))

    assert answer.cut == 2
    assert "2 of 3 rows are cut at 2,034 tokens" in answer.summary
    assert "cut at" not in run(rows=given(("another short one", "refund"))).summary


def test_texts_with_quoted_replies_and_signatures_are_counted(run: Importer, folder: Path) -> None:
    texts = ["thanks\n> it is on its way", "and now?\n\n-- \nAnn", "so?\n---\nBob", "a > b, and a--b", "-- none\nof it"]
    (folder / "mails.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))

    assert "3 texts hold a quoted reply" in run("unlabelled", path="mails.jsonl").summary
    assert "quoted reply" not in run("unlabelled", rows=given(("fine\n> so it is", None))).summary


def test_an_encoder_that_is_not_at_hand_stops_no_import(run: Importer) -> None:
    long = " ".join(f"word{number} of a long story" for number in range(500))
    answer = run(encoder="nobody/has-this-model", rows=given((long, "refund")))

    assert (answer.imported, answer.cut) == (1, 0)


def test_labels_whose_share_differs_between_splits_are_named_at_import(run: Importer) -> None:
    def rows(split: str, refunds: int, deliveries: int) -> tuple[GivenRow, ...]:
        texts = [(f"{split} refund case {n * 7919}", "refund") for n in range(refunds)]
        return given(*texts, *((f"{split} parcel case {n * 7919}", "delivery") for n in range(deliveries)))

    keep: dict[str, Any] = {"keep_near_duplicates": True}
    assert "other shares" not in run("validation", rows=rows("validation", 50, 50), **keep).summary
    answer = run("test", rows=rows("test", 13, 87), **keep)

    assert "'refund' is 50% of validation and 13% of test" in answer.summary


@pytest.mark.parametrize(
    ("validation", "test", "told"),
    [
        ({"a": 50, "b": 50}, {"a": 13, "b": 87}, True),
        ({"a": 5_000, "b": 5_000}, {"a": 4_600, "b": 5_400}, False),  # too little to move a figure
        ({"a": 197, "b": 2}, {"a": 179, "b": 16}, True),  # the rare one of two
        ({"a": 2, "b": 2}, {"a": 1, "b": 3}, False),  # so few rows that it may be chance
        ({"a": 90}, {"a": 50, "b": 50}, True),  # a label that a split lacks
        ({"a": 5}, {}, False),
        ({}, {}, False),
    ],
)
def test_a_shift_of_labels_is_told_where_it_is_large_and_no_chance(
    validation: dict[str, int], test: dict[str, int], told: bool
) -> None:
    shifts = label_shifts({"validation": validation, "test": test})
    assert bool(shifts) == told == bool(shifts_remark(shifts))


def test_splits_that_are_drawn_alike_have_no_shift_however_many_labels() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    for _ in range(50):
        shares = rng.dirichlet(np.ones(77))
        drawn = [rng.multinomial(500, shares) for _ in range(3)]
        counts = [{str(label): int(rows) for label, rows in enumerate(split)} for split in drawn]
        assert label_shifts(dict(zip(("train", "validation", "test"), counts, strict=True))) == ()


def test_near_duplicates_are_kept_where_the_caller_says_so_and_equal_texts_are_not(run: Importer) -> None:
    one = "I transferred money to my friend last week and it is not there"
    near = one + " yet"
    rows = given((one, "refund"), (near, "refund"), (one.upper() + "!", "refund"))

    assert run(rows=rows, new_dataset=True).skipped == {"near-duplicate": 1, "duplicate": 1}
    kept = run(rows=rows, new_dataset=True, keep_near_duplicates=True)

    assert (kept.imported, kept.skipped) == (2, {"duplicate": 1})


def test_every_skipped_row_is_named_by_its_number_beside_the_dataset(run: Importer, context: ToolContext) -> None:
    rows = given(*((f"parcel number {n} never came to my door", "delivery") for n in range(3)))
    answer = run(rows=(*rows, *rows * 10, *given(("what is this", "nonsense"), ("and that", None))))

    part = answer.shown_in_part["examples"]
    file = context.workspace.artifact(str(answer.dataset), "dataset").path / "skipped.json"
    told = json.loads(file.read_text(encoding="utf-8"))

    assert (part.shown, part.total) == (len(answer.examples), 32)
    assert part.uri == f"classwright://{answer.dataset.partition('-')[0]}/artifacts/{answer.dataset}/files/skipped.json"  # type: ignore[union-attr]  # there is one
    assert {reason: len(numbers) for reason, numbers in told.items()} == answer.skipped
    assert sorted(number for numbers in told.values() for number in numbers) == list(range(4, 36))


def test_skipped_rows_are_counted_in_part_also_where_no_row_is_imported(run: Importer) -> None:
    run(rows=given(("the first row", "refund")))

    answer = run(rows=given(*[("the first row", "refund")] * 9))

    assert answer.dataset is None
    part = answer.shown_in_part["examples"]
    assert (part.shown, part.total, part.uri) == (len(answer.examples), 9, "")


def test_rows_are_to_be_divided_anew_only_where_all_are_real_and_nothing_is_left_behind(run: Importer) -> None:
    divide = "If you have no others, import these anew with new_dataset=true"
    first = run(rows=given(("where is my parcel", "delivery")))
    later = run(rows=given(("i want my money back", "refund")))
    written = run(rows=given(("my login does not work", "account")), new_dataset=True, written=True)

    assert divide in first.next_step
    for answer in (later, written):
        assert divide not in answer.next_step
        assert "no test rows for the final figure: import real ones before you train" in answer.next_step


def test_a_column_that_is_written_with_other_code_points_is_the_one_that_is_meant(run: Importer, folder: Path) -> None:
    (folder / "a.csv").write_text("cafe\u0301,la\u200bbel\nwhere is it,delivery\n", encoding="utf-8")

    assert run(path="a.csv", text_column="caf\u00e9", label_column="label").imported == 1


def train_card(**labels: dict[Origin, int]) -> DatasetCard:
    """Return the card of a dataset with training rows of `labels` by origin."""
    counts = (
        SplitCount(split="train", label=label, origin=origin, rows=rows)
        for label, origins in labels.items()
        for origin, rows in origins.items()
    )
    return DatasetCard(task="support", task_version=1, made_by="import_examples", counts=tuple(counts))


def test_written_rows_in_a_few_labels_of_real_rows_are_warned_of() -> None:
    told = written_apart(train_card(a={"real": 20, "written": 10}, b={"real": 20}, c={"annotated": 20}))
    assert told.startswith("Written rows lie in 'a' alone")
    assert "synthesize_examples" in told


def test_written_rows_in_a_few_of_several_labels_are_warned_of() -> None:
    card = train_card(a={"real": 20, "written": 10}, b={"real": 20}, c={"annotated": 20})
    several = card.model_copy(
        update={
            "counts": tuple(count.model_copy(update={"label": None}) for count in card.counts),
            "by_label": card.counts,
        }
    )

    assert written_apart(several) == written_apart(card)


@pytest.mark.parametrize(
    "labels",
    [
        {"a": {"real": 20}, "b": {"real": 20}, "c": {"real": 20}},
        {"a": {"real": 20, "written": 5}, "b": {"real": 20, "written": 5}, "c": {"real": 20}},
        {"a": {"written": 30}, "b": {"real": 5}, "c": {"real": 5}},
    ],
    ids=["none is written", "in most labels", "most rows are written"],
)
def test_other_mixes_of_written_and_real_rows_are_not(labels: dict[str, dict[Origin, int]]) -> None:
    assert written_apart(train_card(**labels)) == ""


def test_rows_in_another_language_than_the_task_names_are_told_with_the_call_that_names_it(run: Importer) -> None:
    spanish = [(f"Quiero que me devuelvan el dinero del pedido {number * 'x'}", "refund") for number in range(10)]

    told = run(rows=given(*spanish), keep_near_duplicates=True).summary

    call = "call propose_topics(task='support', languages=['es']) first."
    assert f"10 of 10 rows looked at are clearly in es, and the task says en: {call}" in told
