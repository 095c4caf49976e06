"""`error_analysis`: what it finds, and what it says it cannot know; and it never opens the test rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.outcome import WritingOutcome
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import Cancelled, InvalidInput, NotEnoughData
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.measurement import evidence, out_of_fold, text_map
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.error_analysis import analysed, page_of, report_of
from support.learning import brief_encoder
from support.measurement import REAL, WRITTEN, context_on, dataset_of, real_rows, trained_on, written_rows

HOSTILE = "<script>alert(1)</script>"


def test_with_real_rows_the_errors_are_the_models_own(workspace: Workspace, dataset: str, model: str) -> None:
    result = analysed(workspace, model, dataset)

    assert (result.data, result.cannot_know, result.rows) == ("real", "", 12)
    assert result.summary.startswith("Errors found on real texts: 12 rows")
    report = report_of(workspace, result)
    wrong = sum(map(sum, report.confusion_matrix)) - sum(row[i] for i, row in enumerate(report.confusion_matrix))
    assert result.errors == wrong == sum(pair.count for pair in report.confused_pairs)
    assert sum(cluster.errors for cluster in report.clusters) == wrong


def test_an_analysis_of_the_same_rows_fits_and_draws_nothing_again(
    workspace: Workspace, dataset: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = analysed(workspace, model, dataset)
    for module, name in ((out_of_fold, "_fit"), (text_map, "TSNE")):
        monkeypatch.delattr(module, name)

    second = analysed(workspace, model, dataset, rows=299)

    one, other = (report_of(workspace, result) for result in (first, second))
    assert one.label_issues == other.label_issues
    maps = [workspace.artifact(result.report, "report").path / "map.svg" for result in (first, second)]
    assert maps[0].read_bytes() == maps[1].read_bytes()


def test_where_all_rows_are_real_one_opinion_answers_the_rows_of_both_splits(
    workspace: Workspace, dataset: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(evidence, "out_of_fold")
    known = [make_example(row.text, row.label) for row in written_rows()]

    result = analysed(workspace, model, dataset_of(workspace, train=known, validation=real_rows()))

    assert (result.data, result.rows) == ("real", 12)
    with pytest.raises(NameError):  # written rows are answered by a classifier that has seen no real one
        analysed(workspace, model, dataset_of(workspace, train=written_rows(), validation=real_rows()))


def test_without_real_rows_it_says_what_it_cannot_know(workspace: Workspace, dataset: str, model: str) -> None:
    only_written = dataset_of(workspace, train=written_rows())

    result = analysed(workspace, model, only_written)

    assert (result.data, result.rows) == ("written", 18)
    assert "There are no real validation rows" in result.cannot_know
    assert "cannot tell how often real texts are classified wrongly" in result.cannot_know
    assert result.cannot_know in result.summary
    assert result.style == ()
    assert "What this cannot tell" in page_of(workspace, result)


def test_written_validation_rows_do_not_pass_for_real_ones(workspace: Workspace, dataset: str, model: str) -> None:
    written = [make_example(text, label, origin="written") for label, texts in REAL.items() for text in texts]
    pretended = dataset_of(workspace, train=written_rows(), validation=written)

    result = analysed(workspace, model, pretended)

    assert result.data == "written"
    assert result.cannot_know


def test_real_training_rows_tell_which_texts_are_hard_but_not_how_good_the_model_is(
    workspace: Workspace, dataset: str, model: str
) -> None:
    result = analysed(workspace, model, dataset_of(workspace, train=real_rows()))

    assert result.data == "real"
    assert "not how often this model is wrong" in result.cannot_know


def test_real_and_written_training_rows_together_pass_for_neither(
    workspace: Workspace, dataset: str, model: str
) -> None:
    result = analysed(workspace, model, dataset_of(workspace, train=[*real_rows(), *written_rows()]))

    assert (result.data, report_of(workspace, result).data) == ("mixed", "mixed")
    assert result.summary.startswith("Errors found on training rows that are not all real ones: 30 rows")
    assert "on training rows, real, annotated or written," in result.cannot_know
    assert "not how often this model is wrong" in result.cannot_know


def test_a_label_without_real_rows_is_named_as_unknown(workspace: Workspace, dataset: str, model: str) -> None:
    some = dataset_of(workspace, train=written_rows(), validation=real_rows({"refund": REAL["refund"]}))

    result = analysed(workspace, model, some)

    assert result.cannot_know == "No row of 'delivery', 'account' was there: of these labels nothing is known."


def test_validation_rows_that_the_model_trained_on_are_not_counted(
    workspace: Workspace, dataset: str, model: str
) -> None:
    learnt = [make_example(row.text + "!", row.label) for row in written_rows()[:2]]
    later = dataset_of(workspace, train=written_rows(), validation=[*real_rows(), *learnt])

    result = analysed(workspace, model, later)

    assert result.rows == 12
    assert f"12 of 14 validation rows are counted: 2 are in the training rows of {model}" in result.summary
    assert "12 of 14 validation rows" in page_of(workspace, result)


def test_errors_that_gather_in_rows_longer_than_the_encoder_reads_are_told_by_a_test(
    workspace: Workspace, dataset: str, tmp_path: Path
) -> None:
    model = trained_on(workspace, dataset, encoder=str(brief_encoder(tmp_path / "brief")))
    ends = ("money back", "repay me", "refund it", "return the price", "reimburse me", "pay it back")
    hidden = [make_example("where is my parcel, courier? " * 80 + end, "refund") for end in ends]
    seen = [make_example("where is my parcel, courier? " * 80 + end, "delivery") for end in ("ok", "hm")]
    rows = [*real_rows(), *hidden, *seen]

    result = analysed(workspace, model, dataset_of(workspace, train=written_rows(), validation=rows))

    assert "8 of 20 validation rows are cut at 498 tokens" in result.summary
    assert re.search(r"Errors gather in the rows that are cut: 6 of 8 are wrong, of the others \d of", result.summary)
    few = dataset_of(workspace, train=written_rows(), validation=[*real_rows(), *hidden[:1]])
    assert "Errors gather" not in analysed(workspace, model, few).summary


def test_the_test_rows_are_never_opened(workspace: Workspace, dataset: str, model: str) -> None:
    sealed = dataset_of(workspace, train=written_rows(), validation=real_rows(), test=real_rows())
    (workspace.artifact(sealed, "dataset").path / "test.parquet").write_bytes(b"not to be read")

    assert analysed(workspace, model, sealed).rows == 12


def test_neither_real_rows_nor_enough_written_ones_is_not_enough_data(
    workspace: Workspace, dataset: str, model: str
) -> None:
    poor = dataset_of(workspace, train=written_rows()[:1])

    with pytest.raises(NotEnoughData):
        analysed(workspace, model, poor)


@pytest.mark.parametrize("seed", range(4))
def test_of_more_rows_than_are_looked_at_each_label_has_some(
    workspace: Workspace, dataset: str, model: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out_of_fold, "MOST_ROWS", 4)
    monkeypatch.setattr(out_of_fold, "LEAST_ROWS", 3)
    many = dataset_of(workspace, train=written_rows())

    result = error_analysis(ErrorAnalysisRequest(model=model, dataset=many), context_on(workspace, seed=seed))

    support = {figures.label: figures.support for figures in report_of(workspace, result).classes}
    assert set(support) == set(WRITTEN)
    assert 9 <= sum(support.values()) < 18


def test_real_rows_alone_suffice(workspace: Workspace, dataset: str, model: str) -> None:
    bare = dataset_of(workspace, validation=real_rows())

    result = analysed(workspace, model, bare)

    assert (result.data, result.rows) == ("real", 12)


def test_a_label_that_the_model_does_not_know_is_named(workspace: Workspace, dataset: str, model: str) -> None:
    strange = dataset_of(workspace, train=written_rows(), validation=[make_example("do you sell ice", "products")])

    with pytest.raises(InvalidInput, match="'products'"):
        analysed(workspace, model, strange)


def test_errors_of_rows_by_a_writer_that_is_the_limit_are_told_so(workspace: Workspace, dataset: str) -> None:
    """The rows that were written last are of another kind; the writer's are behind them."""
    usage = WriterUsage(writer="small-1b", tokens_in=9_000)
    outcome = WritingOutcome(wanted=40, accepted=9, refused={"unparsable": 31}, usage=usage)
    parent = dataset
    for name, files in (("synthesize_examples", {"writing.json": outcome.model_dump_json()}), ("edit_examples", {})):
        parent = save_dataset(workspace, "support", {}, parent=parent, run_key=name, made_by=name, files=files).id
    model = trained_on(workspace, parent)

    assert "The writer is the limit: of 40 texts that 'small-1b'" in analysed(workspace, model, parent).summary
    assert "The writer" not in analysed(workspace, model, dataset).summary


def test_a_damaged_account_of_a_writer_costs_the_sentence_on_it_and_not_the_analysis(
    workspace: Workspace, dataset: str
) -> None:
    damaged = {"writing.json": "{"}
    made = save_dataset(
        workspace, "support", {}, parent=dataset, run_key="w", made_by="synthesize_examples", files=damaged
    ).id

    result = analysed(workspace, trained_on(workspace, made), made)

    assert result.report
    assert "The writer is the limit" not in result.summary


def test_a_cell_that_repeats_itself_is_found(workspace: Workspace, dataset: str, model: str) -> None:
    cell = Cell(label="refund", topic="money", subtopic="money in general", source_type="email")
    made = Provenance(cell=cell, writer="recorded")
    repeats = [
        make_example(text, "refund", origin="written", provenance=made)
        for text in ("Where is my money?", "where is my money", "Where is my money??")
    ]
    repeating = dataset_of(workspace, train=[*written_rows()[3:], *repeats], validation=real_rows())

    result = analysed(workspace, model, repeating)

    assert [(finding.cell, finding.finding) for finding in result.cells] == [(cell, "redundant")]


def test_a_row_with_a_swapped_label_is_suspected(workspace: Workspace, dataset: str, model: str) -> None:
    rows = written_rows()
    swapped = make_example(WRITTEN["account"][0][1], "delivery", origin="written", provenance=rows[6].provenance)
    suspect = dataset_of(workspace, train=[*rows[:12], swapped, *rows[13:]], validation=real_rows())

    result = analysed(workspace, model, suspect)

    assert (swapped.id, "delivery", "account") in [(i.example, i.given, i.suggested) for i in result.label_issues]
    assert "of the labelled rows; at 85% about half of such doubts are right, at 70% a fifth or less" in result.summary


@pytest.mark.parametrize("checked", [True, False], ids=["validation rows", "training rows alone"])
@pytest.mark.usefixtures("task")
def test_the_label_issues_are_the_rows_that_are_found_as_suspect(workspace: Workspace, checked: bool) -> None:
    """Also where validation rows are of several origins, of which a model is measured on some."""
    rows = written_rows()
    swapped = make_example(WRITTEN["account"][0][1], "delivery", origin="written", provenance=rows[6].provenance)
    others = [*real_rows(), make_example("a model says that the parcel is late", "account", origin="annotated")]
    train = [*rows[:12], swapped, *rows[13:], *([] if checked else real_rows())]
    dataset = dataset_of(workspace, train=train, validation=others if checked else [])
    model = trained_on(workspace, dataset)

    issues = {issue.example for issue in analysed(workspace, model, dataset).label_issues}

    assert swapped.id in issues
    for own in (None, model):
        request = FindExamplesRequest(task="support", dataset=dataset, doubt="suspect", model=own, limit=100)
        rows_found = find_examples(request, context_on(workspace)).rows
        assert {row.id for row in rows_found} == issues
        told = [row.note for row in rows_found if row.split == "validation"]
        assert bool(told) == checked
        assert all(("; doubted by a probe: delivery 0." in str(note)) == bool(own) for note in told)


def test_written_and_real_texts_are_compared_in_style(workspace: Workspace, dataset: str, model: str) -> None:
    gaps = {gap.measure: gap for gap in analysed(workspace, model, dataset).style}

    assert gaps["share of long texts"].reading.endswith("ask for fewer texts of more than 5 words.")
    assert gaps["share of lower-case starts"].real.value == 1


def test_unlabelled_real_texts_show_their_style_too(workspace: Workspace, dataset: str, model: str) -> None:
    unlabelled = [make_example(text, None) for texts in REAL.values() for text in texts]
    collected = dataset_of(workspace, train=written_rows(), unlabelled=unlabelled)

    result = analysed(workspace, model, collected)

    assert result.data == "written"
    assert "share of long texts" in {gap.measure for gap in result.style}


def test_the_same_call_finds_the_same(workspace: Workspace, dataset: str, model: str) -> None:
    one, other = (analysed(workspace, model, dataset) for _ in range(2))

    assert report_of(workspace, one) == report_of(workspace, other)


def test_a_job_that_is_repeated_after_a_crash_makes_nothing_twice(
    workspace: Workspace, confused: str, model: str
) -> None:
    context = context_on(workspace)
    request = ErrorAnalysisRequest(model=model, dataset=confused)

    one, other = (error_analysis(request, context) for _ in range(2))

    assert (one.report, one.plan) == (other.report, other.plan)
    assert len(workspace.artifacts("support", "plan")) == 1


def test_a_job_that_is_repeated_after_an_import_tells_what_it_had_found(
    workspace: Workspace, dataset: str, model: str
) -> None:
    context = context_on(workspace)
    first = error_analysis(ErrorAnalysisRequest(model=model), context)
    dataset_of(workspace, train=written_rows(), validation=real_rows()[:3])

    repeated = error_analysis(ErrorAnalysisRequest(model=model), context)

    assert (repeated.report, repeated.dataset, repeated.rows) == (first.report, dataset, first.rows)


def test_cancelling_in_the_middle_leaves_nothing(workspace: Workspace, dataset: str, model: str) -> None:
    messages: list[str] = []

    def is_cancelled() -> bool:
        return any("Grouping" in message for message in messages)

    context = context_on(workspace, report=lambda _, message: messages.append(message), is_cancelled=is_cancelled)
    with pytest.raises(Cancelled):
        error_analysis(ErrorAnalysisRequest(model=model, dataset=dataset), context)

    assert not workspace.artifacts("support", "report")
    assert not workspace.artifacts("support", "plan")


def test_the_page_stands_alone_and_says_first_whose_texts(workspace: Workspace, dataset: str, model: str) -> None:
    page = page_of(workspace, analysed(workspace, model, dataset))

    assert not re.search(r"(?:src|href)=", page)
    assert page.count("<svg ") == 3
    seen = " ".join(re.sub(r"<[^>]+>", " ", page.split("<main>")[1]).split())
    assert seen.startswith("Errors found on real texts: 12 rows that were not trained on.")


def test_hostile_labels_and_texts_are_harmless_on_the_page(workspace: Workspace) -> None:
    labels = (Label(name=HOSTILE), Label(name="plain"))
    workspace.save_task(Task(slug="hostile", instruction="Tell two labels apart.", labels=labels))
    texts = {HOSTILE: "where is my parcel", "plain": "my password is wrong"}
    ends = ("now", "today", "at last", "please", "again", "still")
    train = [make_example(f"{text} {end}", label, origin="written") for label, text in texts.items() for end in ends]
    wrong = [make_example(f"{HOSTILE} my password is wrong {end}", HOSTILE) for end in ends]
    dataset = dataset_of(workspace, "hostile", train=train, validation=wrong)

    page = page_of(workspace, analysed(workspace, trained_on(workspace, dataset, "hostile"), dataset))

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; my password is wrong" in page
