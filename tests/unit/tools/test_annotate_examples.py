"""`annotate_examples`: unlabelled rows get labels by their ids, none twice, and the annotator is checked unseen."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from classwright_tools.annotate_examples import AnnotateExamplesRequest, AnnotateExamplesResult, annotate_examples
from classwright_tools.annotation.disagreement import other_rules
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation, Answer, RowToLabel
from classwright_tools.domain.assignment import Assignment, Batch
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.model import load_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from support.editing import editor
from support.learning import real_rows, written_rows
from support.writing_verbs import import_beside, sentence

UNLABELLED = [make_example(sentence(number), None) for number in range(40)]
TEST = [make_example("where on earth is my parcel", "delivery")]


@pytest.fixture
def dataset(context: ToolContext, task: Task) -> str:
    """A dataset of 30 written training rows, 6 real validation rows, a test row and 40 unlabelled rows."""
    rows = {"train": written_rows(), "validation": real_rows(), "test": TEST, "unlabelled": UNLABELLED}
    return save_dataset(context.workspace, task.slug, rows, parent=None, run_key="rows", made_by="import_examples").id  # type: ignore[arg-type]  # the keys are splits


def ask(context: ToolContext, run_key: str = "ask", **more: Any) -> Annotation:
    result = annotate_examples(AnnotateExamplesRequest(task="support", **more), replace(context, run_key=run_key))
    return context.workspace.document(result.annotation, "annotation", Annotation)


def answer(context: ToolContext, annotation: str = "support-n1", **more: Any) -> AnnotateExamplesResult:
    return annotate_examples(AnnotateExamplesRequest(task="support", annotation=annotation, **more), context)


def pooled(annotation: Annotation) -> list[RowToLabel]:
    """Return the rows that are no checks."""
    unlabelled = {row.id for row in UNLABELLED}
    return [row for row in annotation.rows if row.row in unlabelled]


def test_a_tenth_of_the_texts_are_labelled_rows_that_nothing_marks_and_no_test_rows(
    context: ToolContext, dataset: str
) -> None:
    annotation = ask(context, rows=40)

    checks = {row.row for row in annotation.rows} - {row.id for row in UNLABELLED}
    assert checks <= {row.id for row in real_rows()}  # real ones first
    assert len(checks) == 5
    assert len(pooled(annotation)) == 40
    assert {tuple(row.model_dump(exclude={"id", "row", "text"}).items()) for row in annotation.rows} == {
        (("text_pair", None),)
    }
    assert max(map(len, annotation.batches)) == 25


@pytest.mark.parametrize(("labels", "characters"), [(12, 300), (40, 300), (77, 60)])
def test_of_many_labels_every_name_is_told_whatever_is_left_of_the_meanings(
    context: ToolContext, task: Task, labels: int, characters: int
) -> None:
    many = tuple(Label(name=f"a_label_with_a_long_name_{n}", description=f"m{'e' * characters}") for n in range(labels))
    context.workspace.save_task(task.model_copy(update={"labels": many}))
    import_beside(context.workspace, "bare", {"unlabelled": UNLABELLED})

    rules = annotate_examples(AnnotateExamplesRequest(task="support"), context).rules[-1]

    assert all(repr(label.name) in rules for label in many)
    assert ("'a_label_with_a_long_name_0': me" in rules) == (labels == 12)
    assert "mean: classwright://" in rules
    assert len(rules.encode()) < 3_500


def test_a_row_that_was_shown_as_style_under_its_label_is_no_check(context: ToolContext, dataset: str) -> None:
    shown, *others = real_rows()
    batch = Batch(batch="b1", label=str(shown.label), count=1)
    style = {str(shown.label): (shown.text,)}
    assignment = Assignment(task="support", parent=dataset, round=0, style=style, batches=(batch,))
    context.workspace.publish_document("assignment", "support", assignment, run_key="assigned")

    checks = {row.row for row in ask(context, rows=40).rows} - {row.id for row in UNLABELLED}

    assert checks == {row.id for row in others}


def test_rows_that_a_report_or_a_plan_showed_and_what_a_link_tells_from_a_held_out_row_are_not_asked_about(
    context: ToolContext, dataset: str
) -> None:
    in_report, in_plan, *others = real_rows()
    for kind, content in (
        ("report", {"clusters": [{"examples": [in_report.text]}]}),
        ("plan", {"style": [in_plan.text]}),
    ):
        name = KINDS[kind].document  # type: ignore[index]  # one of the kinds
        context.workspace.publish(
            kind,  # type: ignore[arg-type]  # likewise
            "support",
            lambda folder, name=name, content=content: (folder / name).write_text(json.dumps(content)) and None,
            run_key=kind,
        )
    copies = [make_example(f"{row.text} https://t.co/x", None) for row in (*others, *TEST)]
    import_beside(context.workspace, "copies", {"unlabelled": [*UNLABELLED, *copies]})

    asked = {row.row for row in ask(context, rows=60).rows} - {row.id for row in written_rows()}

    assert asked == {row.id for row in (*UNLABELLED, *others)}


def test_texts_come_in_short_with_their_whole_length_and_the_labels_with_their_meanings(
    context: ToolContext, dataset: str
) -> None:
    long = make_example("word " * 400, None)
    import_beside(context.workspace, "long", {"unlabelled": [long]})

    result = annotate_examples(AnnotateExamplesRequest(task="support"), context)

    (shown,) = [text for text in result.texts if text.characters]
    assert (len(shown.text), shown.characters) == (1_000, 2_000)
    assert "'refund': the customer wants money back" in result.rules[-1]
    assert "annotate_examples(task='support', annotation='support-n1'" in result.next_step


def test_answers_in_any_order_reach_the_rows_of_their_ids_and_become_training_rows(
    context: ToolContext, dataset: str
) -> None:
    annotation = ask(context, rows=10)
    label = {row.id: ("refund", "delivery", "account")[len(row.text) % 3] for row in annotation.rows}
    backwards = [row.id for row in reversed(annotation.rows)]

    first = answer(context, labels={id_: [label[id_]] for id_ in backwards[:6]})
    last = answer(context, labels={id_: [label[id_]] for id_ in backwards[6:]})

    assert (first.have, first.dataset, last.dataset) == (6, None, "support-d2")
    rows = {row.id: row for row in read_rows(context.workspace, "support-d2", "train")}
    for row in pooled(annotation):
        made = rows[row.row]
        assert (made.text, made.label, made.origin) == (row.text, label[row.id], "annotated")
        assert made.provenance
        assert (made.provenance.writer, made.provenance.cell) == ("calling model", None)
    card = read_card(context.workspace, "support-d2")
    assert [card.rows(split) for split in ("train", "validation", "test", "unlabelled")] == [40, 6, 1, 30]
    assert card.rows("train", "real") == 0


def test_an_answer_that_is_sent_twice_counts_once_and_another_one_is_told_unless_a_person_gives_it_after_a_model(
    context: ToolContext, dataset: str
) -> None:
    row, other = pooled(ask(context, rows=5))[:2]
    answer(context, labels={row.id: ["refund"]}, fits_none=[other.id])

    again = answer(context, labels={row.id: ["refund"], other.id: ["delivery"]})
    by_person = answer(context, labels={row.id: ["account"], other.id: ["delivery"]}, decided_by="person: Mara")
    last = answer(context, labels={row.id: ["refund"], other.id: ["account"]}, decided_by="person", finish=True)

    assert again.summary.startswith(
        "0 answers kept, 1 had been answered before. Not taken: 1 text had another answer before, which stays: "
        f"{other.id} (row {other.row}) no label that fits. To change that: edit_examples (relabel) once the "
    )
    assert by_person.summary.startswith("2 answers kept (2 in place of a model's). Answered so far: 2 of ")
    assert "2 texts had another answer before, which stay: " in last.summary
    assert f"{row.id} (row {row.row}) 'account', " in last.summary
    assert (last.have, last.dataset) == (2, "support-d2")
    rows = {one.id: (one.label, one.origin) for one in read_rows(context.workspace, "support-d2", "train")}
    assert (rows[row.row], rows[other.row]) == (("account", "real"), ("delivery", "real"))


def test_an_answer_that_cannot_be_used_is_refused_with_the_nearest_and_the_others_are_kept(
    context: ToolContext, dataset: str
) -> None:
    ids = [row.id for row in ask(context, rows=5).rows]

    result = answer(
        context,
        labels={ids[0]: ["Refund "], ids[1]: ["refunds"], "t99": ["refund"], ids[2]: ["account"]},
        unsure=[ids[2]],
    )

    told = {refused.id: (refused.reason, refused.repair) for refused in result.refused}
    assert result.have == 1
    assert told == {
        ids[1]: ("label 'refunds': does not exist", "Did you mean 'refund'?"),
        "t99": ("text 't99': does not exist", told["t99"][1]),
        ids[2]: (f"text '{ids[2]}': has more than one answer", "Send one of them."),
    }
    assert told["t99"][1].startswith("Did you mean 't9'?") or "None that is there" in told["t99"][1]


def test_texts_without_a_single_label_stay_unlabelled_and_are_not_asked_about_again(
    context: ToolContext, dataset: str
) -> None:
    one, two, three, four = pooled(ask(context, rows=40))[:4]

    result = answer(
        context,
        labels={one.id: ["refund"], two.id: ["refund", "delivery"]},
        fits_none=[three.id],
        unsure=[four.id],
        finish=True,
    )

    assert "1 row got a label" in result.summary
    assert "1 with several candidates, 1 with no label that fits, 1 with an unsure answer stay" in result.summary
    left = {row.id for row in read_rows(context.workspace, "support-d2", "unlabelled")}
    assert left == {row.id for row in UNLABELLED} - {one.row}
    again = ask(context, "again", rows=40)
    asked = {row.row for row in pooled(again)}
    assert asked == left - {two.row, three.row, four.row}


def test_the_checks_tell_how_good_the_labels_are(context: ToolContext, dataset: str) -> None:
    annotation = ask(context, rows=10)
    known = {row.id: row.label for row in real_rows()}
    checks = [row for row in annotation.rows if row.row in known]
    right = {row.id: [known[row.row]] for row in checks[:3]}
    wrong = {row.id: ["refund" if known[row.row] != "refund" else "account"] for row in checks[3:4]}
    unfit = [row.id for row in checks[4:]]
    rest = [row.id for row in annotation.rows if row.id not in {*right, *wrong, *unfit}]

    result = answer(context, labels=right | wrong, fits_none=unfit, unsure=rest)

    assert result.agreement
    assert (result.agreement.value, result.checked, result.dataset) == (3 / 5, 5, None)
    assert "agrees with the known label of 60% (" in result.summary
    assert "is not known" not in result.summary
    assert "follow different rules" not in result.summary, "with so few checks it may be chance"


def test_pairs_that_were_answered_otherwise_are_shown_with_their_items(task: Task) -> None:
    asked = [RowToLabel(id=f"t{n}", row=f"r{n}", text="red shoe", text_pair=f"item {n}") for n in range(9)]
    annotation = Annotation(task="shop", dataset="shop-d1", on_newest=True, order="typical", pool=9, batches=(asked,))
    answered = dict.fromkeys((row.row for row in asked), Answer(labels=task.label_names[:1]))

    told, _ = other_rules(annotation, answered, dict.fromkeys(answered, task.label_names[1]), task)

    assert "'red shoe → item 0' (row r0) is " in told


def test_labels_that_follow_other_rules_than_the_known_ones_are_told_with_the_rows_that_differ(
    context: ToolContext, dataset: str
) -> None:
    annotation = ask(context, rows=30)
    known = {row.id: row for row in real_rows()}
    wrong = {row.id: "account" if row.label == "refund" else "refund" for row in real_rows()}
    labels = {row.id: [wrong.get(row.row, "account")] for row in annotation.rows}

    for batch in annotation.batches:
        result = answer(context, labels={row.id: labels[row.id] for row in batch})

    checks = [known[row.row] for row in annotation.rows if row.row in known]
    assert result.agreement
    assert result.agreement.high < 0.7
    assert f"at best {result.agreement.high:.0%}: these labels and those follow different rules" in result.summary
    for row in checks:
        assert f"{row.text!r} (row {row.id}) is {row.label!r} and was answered {wrong[row.id]!r}" in result.summary
    assert TEST[0].text not in result.summary
    assert result.next_step.startswith("First settle with the person what belongs to each label")
    assert "Call train_classifier(" in result.next_step

    again = ask(context, "again", rows=10)
    fresh = known.keys() - {row.id for row in checks}
    assert fresh < {row.row for row in again.rows}, "checks whose label was told come last"


def test_labels_of_rows_that_another_annotation_labelled_meanwhile_are_said_to_join_nothing(
    context: ToolContext, dataset: str
) -> None:
    first, second = ask(context, "one", rows=5), ask(context, "two", rows=5)
    assert {row.row for row in pooled(first)} == {row.row for row in pooled(second)}
    labels = {row.id: ["refund"] for row in first.rows}
    assert answer(context, labels=labels, finish=True).summary.count(
        "5 rows got a label from a model and are training rows now."
    )

    own = pooled(second)
    kinds = {row.id: ["account" if place else "refund"] for place, row in enumerate(own)}

    late = answer(context, "support-n2", labels=kinds, finish=True)

    assert late.dataset is None
    assert "5 rows got a label from a model, and none of them became training rows" in late.summary
    assert "5 rows had a label meanwhile and keep it; 1 of the answers says the same." in late.summary
    for row in own[1:]:
        assert f"{row.id} (row {row.row}) was answered 'account' here and has 'refund'" in late.summary
    assert late.next_step.startswith("The newest dataset has other labels for these rows")


def test_the_first_answer_says_how_many_of_the_texts_check_the_annotator(context: ToolContext, dataset: str) -> None:
    result = annotate_examples(AnnotateExamplesRequest(task="support", rows=18), context)

    assert result.want > 18
    assert f"18 typical ones of {len(UNLABELLED)} unlabelled rows, and {result.want - 18} whose labels are known" in (
        result.summary
    )


def test_labels_without_a_labelled_row_to_check_them_by_are_told_so(context: ToolContext, task: Task) -> None:
    import_beside(context.workspace, "bare", {"unlabelled": UNLABELLED})
    annotation = ask(context, rows=3)

    result = answer(context, labels={row.id: ["refund"] for row in annotation.rows})

    assert result.agreement is None
    assert "How good the labels are is not known: the dataset has no labelled rows" in result.summary
    assert "those that a model labelled, or a report showed, are none" in result.summary


@pytest.fixture
def model(context: ToolContext, dataset: str) -> str:
    """A model trained on the written rows."""
    request = TrainClassifierRequest(task="support", dataset=dataset, method="probe")
    return train_classifier(request, replace(context, run_key="train")).model


def test_random_rows_show_the_accuracy_of_the_newest_model_whatever_its_labels_are_called_since(
    context: ToolContext, model: str
) -> None:
    annotation = ask(context, order="random", rows=20)
    rows = pooled(annotation)
    assert "predicted" not in annotation.model_dump()  # whoever labels can read it
    others = {"refund": "delivery", "delivery": "account", "account": "refund"}
    trained = load_model(context.workspace, model)
    said = [trained.labels[place] for place in trained.predict_proba([row.text for row in rows]).argmax(axis=1)]
    labels = {
        row.id: [own if place < 15 else others[own]] for place, (row, own) in enumerate(zip(rows, said, strict=True))
    }
    answer(context, labels=dict(list(labels.items())[:10]))
    editor(context)({"action": "rename_label", "label": "refund", "to": "money"})
    labels = {id_: ["money" if own == ["refund"] else own[0]] for id_, own in labels.items()}

    result = answer(context, labels=dict(list(labels.items())[10:]), finish=True)

    assert result.model == model
    assert result.model_accuracy
    assert result.model_accuracy.value == 0.75
    assert f"{model} agrees with the annotator on 75% (" in result.summary
    given = Counter(own[0] for own in labels.values()).most_common(1)[0][1] / len(labels)
    assert (f"would agree on {given:.0%}" in result.summary) is (given >= 0.55)
    assert "of 20 random rows of 40" in result.summary


def test_with_a_model_the_rows_that_it_is_unsure_of_come_first(context: ToolContext, model: str) -> None:
    annotation = ask(context, rows=2)

    assert (annotation.order, annotation.model) == ("informative", model)


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        ({"order": "informative"}, InvalidInput, "the task has none yet.*order='typical'"),
        ({"annotation": "support-n7"}, Exception, "'support-n7': does not exist"),
    ],
)
def test_what_cannot_be_done_is_told(
    context: ToolContext, dataset: str, request_: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        annotate_examples(AnnotateExamplesRequest(task="support", **request_), context)


def test_a_dataset_whose_unlabelled_rows_are_all_answered_is_told_so(context: ToolContext, dataset: str) -> None:
    answer(context, ask(context, rows=40) and "support-n1", unsure=[f"t{n}" for n in range(1, 46)])

    with pytest.raises(NotEnoughData, match=r"no real unlabelled rows.*split='unlabelled'"):
        ask(context, "again")


def test_answers_without_the_annotation_that_they_are_for_are_refused() -> None:
    with pytest.raises(ValidationError, match="pass its id"):
        AnnotateExamplesRequest(task="support", labels={"t1": ["refund"]})


def test_rows_that_came_meanwhile_stay_and_a_finished_annotation_takes_no_more(
    context: ToolContext, dataset: str
) -> None:
    first, second = pooled(ask(context, rows=5))[:2]
    meanwhile = [make_example("a row that came meanwhile", "refund")]
    import_beside(context.workspace, "meanwhile", {"train": [*written_rows(), *meanwhile]})

    answer(context, labels={first.id: ["refund"]}, finish=True)
    late = answer(context, labels={second.id: ["refund"]})

    assert (late.dataset, late.have) == ("support-d3", 1)
    assert "1 came after the end" in late.summary
    origins = [row.origin for row in read_rows(context.workspace, "support-d3", "train")]
    assert (origins.count("annotated"), origins.count("real"), origins.count("written")) == (1, 1, 30)


def test_a_run_that_is_repeated_hands_out_the_same_texts(context: ToolContext, dataset: str) -> None:
    assert ask(context) == ask(context)
    assert [one.id for one in context.workspace.artifacts("support", "annotation")] == ["support-n1"]


def test_rows_annotated_by_the_same_seed_are_the_same(context: ToolContext, dataset: str) -> None:
    def ids(run_key: str, seed: int) -> list[str]:
        return [row.row for row in pooled(ask(replace(context, seed=seed), run_key, order="random", rows=5))]

    assert ids("one", 1) == ids("two", 1) != ids("three", 2)


def test_only_real_unlabelled_rows_are_picked(context: ToolContext, task: Task) -> None:
    written: list[Example] = [replace_origin(row) for row in UNLABELLED[:39]]
    import_beside(context.workspace, "mixed", {"unlabelled": [*written, UNLABELLED[39]]})

    assert [row.row for row in ask(context).rows] == [UNLABELLED[39].id]


def replace_origin(row: Example) -> Example:
    return row.model_copy(update={"origin": "written"})
