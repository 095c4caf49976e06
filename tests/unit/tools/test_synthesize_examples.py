"""`synthesize_examples`: exactly N rows or a precise account of what is missing, at no cost paid twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import LabelTopics, Topic, TopicTree
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_card, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.synthesize import asked_of, fails, train_rows, whole_outcome, with_writer
from support.writing_verbs import import_beside, sentence, texts_of, well_written

# --- filling the tree


def test_two_texts_a_cell_are_written_by_default(context: ToolContext, tree: str) -> None:
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    rows = train_rows(context, result.dataset)
    assert (result.wanted, result.accepted, result.rows, result.missing) == (48, 48, 48, ())
    assert set(Counter(row.provenance.cell for row in rows if row.provenance).values()) == {2}
    assert {row.origin for row in rows} == {"written"}
    assert {row.label for row in rows} == {"refund", "delivery", "account"}
    assert all(row.provenance and row.provenance.cell and row.provenance.cell.label == row.label for row in rows)


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_the_dataset_holds_exactly_the_rows_asked_for(context: ToolContext, tree: str, rows: int) -> None:
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=rows), context)

    labels = Counter(row.label for row in train_rows(context, result.dataset))
    assert labels.total() == result.accepted == rows
    assert max(labels.values()) - min(labels[name] for name in ("refund", "delivery", "account")) <= 1


def test_no_request_asks_for_more_than_25_texts(context: ToolContext, tree: str) -> None:
    context = replace(with_writer(context), encoder="nobody/no-such-encoder")  # so labels are not checked

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=24 * 60), context)

    assert result.accepted == 24 * 60
    assert {request.count for request in asked_of(context)} == {20}


def test_what_is_written_over_is_cut_and_not_called_refused(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=texts_of(request, 5)))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.accepted, result.refused) == (48, {})
    assert len(asked_of(context)) == 24


def test_a_surplus_text_takes_the_place_of_a_refused_one(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=("ok", *texts_of(request, 2))))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.accepted, result.refused) == (48, {"too short": 24})
    assert len(asked_of(context)) == 24
    assert result.refusals[0].text == "ok"
    assert result.refusals[0].reason.startswith("too short: ")


def test_what_is_short_is_asked_for_again_with_texts_to_avoid(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=texts_of(request, 1)))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    first, again = asked_of(context)[:24], asked_of(context)[24:]
    assert result.accepted == 48
    assert [(request.count, request.attempt) for request in again] == [(1, 1)] * 24
    written = {request.cell: texts_of(request, 1) for request in first}
    assert all(request.avoid == written[request.cell] for request in again)


def test_a_cell_that_the_writer_cannot_fill_is_made_up_for_by_the_other_cells_of_its_label(
    context: ToolContext, tree: str
) -> None:
    def refuses_one_cell(request: WritingRequest) -> Completion:
        cell = request.cell
        assert cell
        blocked = (cell.label, cell.topic, cell.subtopic) == ("refund", "topic 0 of refund", "matter 0.0")
        return fails(request) if blocked else well_written(request)

    context = with_writer(context, refuses_one_cell)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.accepted, result.missing) == (48, ())
    assert Counter(row.label for row in train_rows(context, result.dataset))["refund"] == 16


def test_what_is_missing_is_named_by_cell_with_the_writers_reason(context: ToolContext, tree: str) -> None:
    def refuses_refunds(request: WritingRequest) -> Completion:
        assert request.cell
        return fails(request) if request.cell.label == "refund" else well_written(request)

    context = with_writer(context, refuses_refunds)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.wanted, result.accepted) == (48, 32)
    assert sum(shortfall.missing for shortfall in result.missing) == 16
    assert {shortfall.cell.label for shortfall in result.missing} == {"refund"}
    assert {shortfall.reason for shortfall in result.missing} == {"the writer failed: refused to write this"}
    assert "16 are missing" in result.summary


def test_candidates_are_capped_and_the_reasons_of_the_refusals_are_told(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=("no",) * request.count))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=24, candidates_per_row=2), context)

    assert sum(request.count for request in asked_of(context)) == 48
    assert (result.dataset, result.accepted, result.refused) == (None, 0, {"too short": 48})
    assert "too short" in result.missing[0].reason


def test_a_writer_that_always_repeats_itself_ends_with_what_was_good(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=(sentence(1),) * request.count))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert result.accepted == 1
    assert set(result.refused) == {"duplicate"}
    assert sum(shortfall.missing for shortfall in whole_outcome(context, result.dataset).missing) == 47


def test_parts_of_an_answer_that_were_lost_are_counted(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=texts_of(request), lost=("the last item is cut",)))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert result.refused == {"unparsable": 24}


def test_broken_utf_8_is_refused_and_the_rest_is_kept(context: ToolContext, tree: str) -> None:
    broken = (f"{sentence(5)} \ud800", f"{sentence(6)} \ufffd")
    context = with_writer(context, lambda request: Completion(items=(*broken, *texts_of(request))))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.accepted, result.refused) == (48, {"unparsable": 48})


def test_the_rows_join_those_of_the_parent_and_the_other_splits_stay(context: ToolContext, tree: str) -> None:
    real = [make_example(sentence(n), "refund") for n in (1, 2, 3)]
    parent = save_dataset(
        context.workspace,
        "support",
        {"train": real, "test": [make_example(sentence(9), "refund")]},
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert result.dataset
    assert result.rows == 51
    card = read_card(context.workspace, result.dataset)
    assert (card.parent, card.rows("train", "real"), card.rows("train", "written")) == (parent.id, 3, 48)
    assert card.rows("test") == 1


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ("train", "duplicate"),
        ("test", "near-duplicate of a test row"),
        ("validation", "near-duplicate of a validation row"),
    ],
)
def test_copies_of_rows_that_are_there_are_refused(context: ToolContext, tree: str, split: str, reason: str) -> None:
    known = make_example(sentence(77), "refund")
    save_dataset(
        context.workspace,
        "support",
        {split: [known]},  # type: ignore[dict-item]  # a parametrised split
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    context = with_writer(context, lambda request: Completion(items=(known.text, *texts_of(request))))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.accepted, result.refused) == (48, {reason: 24})


@pytest.mark.parametrize("there", [0, 1], ids=["the first dataset", "a further one"])
def test_rows_that_come_while_texts_are_written_are_in_the_new_dataset_and_no_text_repeats_one(
    there: int, context: ToolContext, tree: str
) -> None:
    if there:
        import_beside(context.workspace, "before", {"train": [make_example(sentence(1), "refund")]})
    written: list[str] = []

    def writes_beside_an_import(request: WritingRequest) -> Completion:
        written.extend(texts_of(request))
        if len(written) == request.count:
            same = make_example(written[0], request.labels[0].name)
            other = make_example(sentence(2), "refund")
            import_beside(context.workspace, "beside", {"train": [other], "test": [same]})
        return well_written(request)

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support"), with_writer(context, writes_beside_an_import)
    )

    assert (result.wanted, result.accepted) == (48, 47)
    assert result.refused == {"near-duplicate of a test row": 1}
    assert sum(shortfall.missing for shortfall in result.missing) == 1
    assert result.dataset
    card = read_card(context.workspace, result.dataset)
    assert card.parent == f"support-d{1 + there}"
    assert (card.rows("test"), card.rows("train", "real"), card.rows("train", "written")) == (1, 1, 47)
    assert whole_outcome(context, result.dataset).accepted == 47


def test_texts_for_a_named_dataset_go_there_whatever_is_made_meanwhile(context: ToolContext, tree: str) -> None:
    import_beside(context.workspace, "before", {"train": [make_example(sentence(1), "refund")]})

    def writes_beside_an_import(request: WritingRequest) -> Completion:
        import_beside(context.workspace, "beside", {"test": [make_example(sentence(2), "refund")]})
        return well_written(request)

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support", dataset="support-d1"), with_writer(context, writes_beside_an_import)
    )

    assert result.dataset
    card = read_card(context.workspace, result.dataset)
    assert (card.parent, card.rows("test")) == ("support-d1", 0)


def test_texts_of_a_new_dataset_are_alone_in_it_whatever_is_there_and_is_made_meanwhile(
    context: ToolContext, tree: str
) -> None:
    import_beside(context.workspace, "before", {"train": [make_example(sentence(1), "refund")]})

    def writes_beside_an_import(request: WritingRequest) -> Completion:
        import_beside(context.workspace, "beside", {"train": [make_example(sentence(2), "refund")]})
        return well_written(request)

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support", new_dataset=True), with_writer(context, writes_beside_an_import)
    )

    assert result.dataset
    card = read_card(context.workspace, result.dataset)
    assert (card.parent, result.rows, result.accepted) == (None, 48, 48)


def test_a_new_dataset_and_one_to_add_to_are_refused_together(context: ToolContext, tree: str) -> None:
    import_beside(context.workspace, "before", {"train": [make_example(sentence(1), "refund")]})

    with pytest.raises(InvalidInput, match="`dataset` and `new_dataset`"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", dataset="support-d1", new_dataset=True), context)


def test_a_second_filling_is_a_new_round_and_avoids_the_texts_of_the_first(context: ToolContext, tree: str) -> None:
    synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, run_key="first"))
    context = with_writer(context, run_key="second")

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert (result.accepted, result.rows) == (48, 96)
    assert {request.round for request in asked_of(context)} == {1}
    assert {len(request.avoid) for request in asked_of(context)} == {2}


# --- without a writer


def test_without_a_writer_the_calling_model_gets_an_assignment(context: ToolContext, tree: str) -> None:
    result = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=96), context)

    assert (result.dataset, result.assignment, result.wanted, result.accepted) == (None, "support-a1", 96, 0)
    assert [(batch.batch, batch.count) for batch in result.batches] == [("b1", 16)]  # another would be over 25 texts
    assert all(sum(cell.count for cell in batch.cells) == batch.count for batch in result.batches)
    assert "submit_examples" in result.next_step
    assert "support-a1" in result.next_step
    assert any("the customer wants money back" in rule for rule in result.rules)


def test_a_repeated_hand_out_is_the_same_assignment(context: ToolContext, tree: str) -> None:
    first = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert synthesize_examples(SynthesizeExamplesRequest(task="support"), context) == first


def test_the_answer_stays_under_10_kb_however_long_the_names(workspace: Workspace, context: ToolContext) -> None:
    labels = tuple(Label(name=f"{n:03}" + "語" * 97, description="説" * 2000) for n in range(16))
    workspace.save_task(Task(slug="long", instruction="明" * 4000, labels=labels))
    tree = TopicTree(
        task="long",
        source_types=("類" * 300, "型" * 300),
        labels=tuple(
            LabelTopics(label=label.name, topics=(Topic(name="題" * 300, subtopics=("甲" * 300, "乙" * 300)),))
            for label in labels
        ),
    )
    workspace.publish_document("topics", "long", tree, run_key="tree")
    document = RegenerationPlan(
        task="long",
        model="long-m1",
        dataset="long-d1",
        round=1,
        items=tuple(
            RegenerationItem(
                label=labels[n].name, contrast=labels[n + 1].name, count=25, reason="x", style=("語" * 20_000,) * 10
            )
            for n in range(15)
        ),
    )
    workspace.publish_document("plan", "long", document, run_key="plan")

    def overlong(request: WritingRequest) -> Completion:
        return Completion(items=("語" * 3_000,) * request.count)

    answers = [
        synthesize_examples(SynthesizeExamplesRequest(task="long", plan=plan, rows=rows), run)
        for plan in (None, "long-p1")
        for rows, run in (
            (None, replace(context, run_key=f"assignment {plan}")),
            (32, with_writer(context, overlong, f"run {plan}")),
        )
    ]

    *kept_somewhere, nothing_made = answers
    assert [len(answer.model_dump_json().encode()) < 10_000 for answer in kept_somewhere] == [True] * 3
    # Nothing else holds what was refused here, so the result has it; what is shown of it is the server's to shorten.
    assert len(nothing_made.refusals) == sum(nothing_made.refused.values())


# --- bad input


def test_unknown_ids_are_named_with_the_nearest_one(context: ToolContext, tree: str) -> None:
    context = with_writer(context)

    with pytest.raises(NotFound, match=r"task 'suport'.*'support'"):
        synthesize_examples(SynthesizeExamplesRequest(task="suport"), context)
    with pytest.raises(NotFound, match=r"topic tree 'support-t7'.*'support-t1'"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", topic_tree="support-t7"), context)
    with pytest.raises(NotFound, match="plan 'support-p1'"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", plan="support-p1"), context)
    with pytest.raises(NotFound, match="dataset 'support-d1'"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", dataset="support-d1"), context)
    with pytest.raises(ValidationError, match="is the id of a topic tree, not of a dataset"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", dataset="support-t1"), context)


def test_a_task_without_a_tree_says_what_to_do(context: ToolContext, task: Task) -> None:
    with pytest.raises(NotFound, match="topic tree"):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context))


def test_a_tree_that_lacks_a_label_is_refused_by_name(context: ToolContext, tree: str, task: Task) -> None:
    context.workspace.save_task(task.model_copy(update={"labels": (*task.labels, Label(name="praise"))}))

    with pytest.raises(InvalidInput, match=r"'praise'.*propose_topics"):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context))


def test_a_label_that_the_task_no_longer_has_is_not_written_for(context: ToolContext, tree: str, task: Task) -> None:
    context.workspace.save_task(task.model_copy(update={"labels": task.labels[:2]}))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context))

    assert result.dataset
    rows = train_rows(context, result.dataset)
    assert {row.label for row in rows} == {label.name for label in task.labels[:2]}


@pytest.mark.parametrize("rows", [0, -1, 10**9])
def test_counts_out_of_bounds_are_refused_by_name(rows: int) -> None:
    with pytest.raises(ValidationError, match="rows"):
        SynthesizeExamplesRequest(task="support", rows=rows)


def test_every_refused_text_lies_beside_the_dataset(context: ToolContext, tree: str) -> None:
    context = with_writer(context, lambda request: Completion(items=("no", *texts_of(request))))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert result.dataset
    folder: Path = context.workspace.artifact(result.dataset, "dataset").path
    assert len((folder / "refused.jsonl").read_text(encoding="utf-8").splitlines()) == 24
    assert read_card(context.workspace, result.dataset).refused == {"too short": 24}


@pytest.mark.parametrize("labels", [("refund",), ("refund", "delivery", "account")])
def test_the_next_step_is_what_repairs_the_writer(context: ToolContext, tree: str, labels: tuple[str, ...]) -> None:
    def thinks_too_long(request: WritingRequest) -> Completion:
        return fails(request) if request.cell and request.cell.label in labels else well_written(request)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, thinks_too_long))

    assert result.missing
    assert result.next_step.endswith("Ask for something else.")


@pytest.mark.parametrize("labels", [("refund",), ()])
def test_the_next_step_is_one_that_can_be_made_and_asks_for_what_is_missing(
    context: ToolContext, tree: str, labels: tuple[str, ...]
) -> None:
    """Of each cell of refund one text is of no use, nor what comes in its place; more candidates would be paid for."""

    def one_refund_short(request: WritingRequest) -> Completion:
        assert request.cell
        is_refund = request.cell.label == "refund"
        texts = enumerate(texts_of(request))
        return Completion(items=tuple("no" if is_refund and (request.attempt or n == 1) else text for n, text in texts))

    made = SynthesizeExamplesRequest(task="support", rows=48, labels=labels, candidates_per_row=10, new_dataset=True)
    result = synthesize_examples(made, with_writer(context, one_refund_short))

    train = "Too few rows to train on ('delivery' 0, 'account' 0;" if labels else "Call train_classifier("
    assert result.next_step.startswith(train)
    assert {shortfall.reason.partition(" (")[0] for shortfall in result.missing} == {"the writer was asked 3 times"}
    assert result.next_step.endswith(
        "the same call, but with rows=8, labels=['refund'], dataset='support-d1' (not new_dataset)."
    )
