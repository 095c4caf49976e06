"""The report, the card and the summary of a finished build, from figures made by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from classwright_agents.moves import Stop
from classwright_agents.outcome import Outcome
from classwright_agents.report.card import card
from classwright_agents.report.held_out import HeldOutFigures
from classwright_agents.report.page import Material, render
from classwright_agents.report.words import SURE_OF_NONE, cost_words, sure_of
from classwright_agents.summary import in_a_line, summary
from classwright_tools.contract import Cell, ErrorAnalysisResult, Refusal
from classwright_tools.domain.example import Provenance, make_example
from support.agent import (
    LABELS,
    REMARK,
    analysed,
    evaluation_report,
    finished_outcome,
    make_round,
    measured,
    small_task,
    trained,
    usage,
    written,
)

NASTY = '<script>alert("x")</script>&"\'>'
LATE = Cell(label="delivery", topic="late", subtopic="a week", source_type="chat")
SVG = b"<svg/>"


def material(**changes: Any) -> Material:
    fields: dict[str, Any] = {
        "measured": evaluation_report(),
        "map": SVG,
        "samples": (
            make_example("where is my parcel?", "delivery", origin="written", provenance=Provenance(cell=LATE)),
            make_example("no money yet", "refund", origin="written", provenance=Provenance(contrast="delivery")),
        ),
        "refusals": (Refusal(text="Refund me", label="refund", reason="too short: 2 words"),),
        "files": (("model.onnx", 90_000_000),),
        "usage": "model.predict(texts)",
    }
    return Material(**(fields | changes))


class Tags(HTMLParser):
    """Collects the tags of a page and checks that they close."""

    VOID = ("meta", "br", "img", "rect", "line", "circle", "polygon", "polyline", "path")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] not in ("style", "title"):
            self.text.append(" ".join(data.split()))


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def test_the_page_tells_everything_that_the_build_found_out() -> None:
    text = " ".join(parsed(render(small_task(), "support-1", finished_outcome(), material())).text)

    for told in (
        "Finds the right one of 3 labels for 87 of 100 real texts that it had never seen.",
        "87.0%",
        "no real row was trained on",
        "These test rows were used before.",
        "round 1",
        "+0.070 (p 0.010)",
        "p is the probability of such a difference in accuracy by chance alone.",
        "a rare label counts as much as a frequent one",
        "Probe trains a linear classifier on the embeddings of a frozen encoder.",
        "Recall is the share of its texts that are found.",
        "The curve shows accuracy on the 120 real validation rows after each round",
        "Confusion matrix Measured on 120 real test rows. Each row is a true label, each column a predicted label.",
        "F1, precision and recall by label",
        "near-duplicate",
        "where is it?",
        f"no text 2 {REMARK}",
        "Refund me",
        "the writer gave fewer texts than asked",
        "where is my parcel?",
        "late / a week / chat",
        "easily confused with delivery",
        "written texts are longer",
        "model.predict(texts)",
        "7,000 tokens",
    ):
        assert told in text, told


def test_the_table_of_rounds_tells_the_gain_in_the_targets_metric_as_the_curve_does() -> None:
    rounds = [make_round(0, 0.78), make_round(1, 0.85, gain=0.07, significant=True, macro_f1_gain=0.11)]

    page = render(small_task(target={"macro_f1": 0.95}), "support-1", finished_outcome(rounds=rounds), material())

    text = " ".join(parsed(page).text)
    assert "macro-F1 gain over the best before" in text
    assert "The curve shows macro-F1 on the 120 real validation rows after each round" in text
    assert "+0.110 (+0.060 to +0.160)" in text
    assert "A gain is shown with its 95% interval." in text
    assert "(p " not in text


def test_a_method_is_explained_where_it_was_used_and_so_in_the_card() -> None:
    outcome = finished_outcome()
    outcome.final = replace(outcome.rounds[1], method="contrastive")

    text = card(small_task(), outcome, material())

    assert (
        "Probe trains a linear classifier on the embeddings of a frozen encoder; contrastive fine-tunes the encoder"
        in text
    )
    assert "setfit" not in text


def test_missing_texts_that_the_table_has_no_room_for_are_counted() -> None:
    first, second = written(0), written(1)
    first |= {"wanted": 200, "missing": first["missing"] * 15}  # of 5 texts each; 12 are shown
    outcome = finished_outcome(written=[first, second | {"wanted": 100, "missing": []}])

    assert "And 40 more." in text_of_missing(outcome)
    assert "more." not in text_of_missing(finished_outcome())


def text_of_missing(outcome: Outcome) -> str:
    text = " ".join(parsed(render(small_task(), "support-1", outcome, material())).text)
    return text[text.index("Missing texts") : text.index("Real rows left out")]


def test_a_missing_text_between_two_labels_says_which_it_was_to_resemble() -> None:
    told = written(0)
    told["missing"][0]["contrast"] = "delivery"

    assert "refund written to resemble delivery 5" in text_of_missing(finished_outcome(written=[told]))


def test_the_page_needs_nothing_beside_itself() -> None:
    page = render(small_task(), "support-1", finished_outcome(), material())

    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "@import" not in page
    assert parsed(page).seen.isdisjoint({"script", "link", "iframe"})
    assert 'src="data:image/svg+xml;base64,' in page


def test_texts_from_outside_cannot_become_markup() -> None:
    labels = [{"name": name + NASTY} for name in LABELS]
    task = small_task(instruction=NASTY, labels=labels, credit=NASTY)
    told = evaluation_report([label["name"] for label in labels], warnings=[NASTY])
    pair = {"label": NASTY, "predicted": NASTY, "count": 1, "examples": [NASTY]}
    outcome = finished_outcome(
        decisions=[NASTY],
        analysis=analysed(confused_pairs=[pair]),
        written=[written(0) | {"refused": {NASTY: 3}}],
    )
    page = render(
        task,
        NASTY,
        outcome,
        material(
            measured=told,
            samples=(make_example(NASTY, NASTY, origin="written"),),
            refusals=(Refusal(text=NASTY, label="refund", reason=NASTY),),
            usage=NASTY,
            files=((NASTY, 1),),
        ),
    )

    assert "script" not in parsed(page).seen
    assert "alert" in page


def test_a_build_without_validation_or_test_rows_says_what_it_cannot_know() -> None:
    outcome = finished_outcome(
        rounds=[make_round(0, 0.9)],
        best=make_round(0, 0.9),
        measured={},
        test=None,
        trained=[trained()],
        imported={},
        analysis=None,
    )
    page = render(small_task(), "support-1", outcome, material(measured=None, map=b"", samples=(), refusals=()))

    text = " ".join(parsed(page).text)
    assert "for 90 of 100 real texts that were held out of its training." in text
    assert "do not tell how the classifier does on real texts" in page
    assert text.count("Figures by label are kept for validation and test rows alone, and there were none.") == 1
    assert "no held-out rows" not in text
    assert "Each row is a true label" not in text
    assert "F1, precision and recall" not in text
    assert "there were no test rows" in page
    assert summary("support", outcome)["best"]["test"] is None


def test_without_other_rows_the_matrix_is_that_of_held_out_training_rows_and_what_is_cut_is_counted() -> None:
    pairs = [{"label": "refund", "predicted": f"other {n}", "count": 9 - n, "examples": ["a text"]} for n in range(6)]
    clusters = [{"name": f"word {n}", "errors": 2, "labels": {}, "examples": []} for n in range(6)]
    found = ErrorAnalysisResult.model_validate(
        analysed(confused_pairs=pairs, clusters=clusters)
        | {"shown_in_part": {"clusters": {"shown": 6, "total": 11, "uri": "classwright://x"}}}
    )
    outcome = finished_outcome(
        rounds=[make_round(0, 0.9)], best=make_round(0, 0.9), measured={}, test=None, imported={}, analysis=found
    )
    figures = evaluation_report()
    held_out = HeldOutFigures(
        data="written",
        rows=240,
        labels=figures.labels,
        classes=figures.classes,
        confusion_matrix=figures.confusion_matrix,
    )

    page = render(small_task(), "support-1", outcome, material(measured=None, held_out=held_out))

    text = " ".join(parsed(page).text)
    assert "Measured on 240 written training rows, held out group by group" in text
    assert "Each row is a true label" in text
    assert "F1, precision and recall by label" in text
    assert re.search(r"It was measured on \d+ real held-out training rows; there were no test rows.", text)
    assert "The first 4 of 6 confused pairs." in text
    assert "The first 6 of 11 clusters, the largest." in text
    assert "svg" in parsed(page).seen


def test_a_figure_that_the_model_was_chosen_by_is_called_too_good() -> None:
    rounds = finished_outcome().rounds
    outcome = finished_outcome(test=None, measured={rounds[1].model: measured(0.85, 120)})

    text = card(small_task(validation="v.jsonl"), outcome, material())

    assert "a little too good" in text
    assert "120 rows are few" in text


def test_a_single_round_and_a_hundred_labels_still_make_a_page() -> None:
    matrix = [[int(a == b) for a in range(100)] for b in range(100)]
    told = evaluation_report([f"label {n}" for n in range(100)], confusion_matrix=matrix)
    best = make_round(0, 0.9)

    page = render(
        small_task(target={"accuracy": 1.0}),
        "support-1",
        finished_outcome(rounds=[best], best=best, trained=[trained()], stop=Stop(cause="target", reason="Reached.")),
        material(measured=told),
    )

    text = " ".join(parsed(page).text)
    assert "The 40 of 100 labels with most errors." in text
    assert "Learning curve" in page


def test_of_few_rows_no_hundred_is_told_and_a_model_that_is_sure_of_none_says_so_everywhere() -> None:
    none = {"threshold": 0.5, "kept": 0, "share": 0.0, "accuracy": {"value": 0.0, "low": 0.0, "high": 1.0}}
    found, outcome = material(measured=evaluation_report(coverage=[none])), finished_outcome(test=measured(1.0, 19))

    told = card(small_task(), outcome, found)

    assert "for 19 of 19 real texts that it had never seen." in told
    assert f"- {SURE_OF_NONE}" in told
    assert SURE_OF_NONE in " ".join(parsed(render(small_task(), "support-1", outcome, found)).text)
    facts = summary("support", outcome, sure_of(found.measured))
    assert facts["best"]["sure_of_rows"] == 0
    assert SURE_OF_NONE in in_a_line(facts, "accuracy")


def test_the_model_of_the_final_method_is_the_one_called_kept() -> None:
    rounds = finished_outcome().rounds
    best = replace(rounds[1], model="support-m3", method="contrastive")

    own = {"support-m3": measured(0.85, 120)}
    page = render(small_task(), "support-1", finished_outcome(best=best, final=best, measured=own), material())

    assert page.count(">kept<") == 1
    assert page.index("support-m3") < page.index(">kept<")


@pytest.mark.parametrize("kept", [True, False])
def test_the_training_by_the_final_method_is_in_curve_card_and_summary_whether_it_is_kept_or_not(*, kept: bool) -> None:
    outcome = finished_outcome(trained=[trained(f"support-m{n}") for n in (1, 2, 3)])
    outcome.final = make_round(1, 0.901, model="support-m3", method="contrastive")
    outcome.best = outcome.final if kept else outcome.rounds[1]

    page = render(small_task(), "support-1", outcome, material())
    told = summary("support", outcome)

    curve = page[page.index('aria-label="Learning curve"') :].partition("</svg>")[0]
    assert ">0.901<" in curve
    assert ">final<" in curve
    assert "after each round and by the final method" in page
    assert "| final | 200 | contrastive | 0.901 | 0.891 |" in card(small_task(), outcome, material())
    assert (told["final"]["model"], told["final"]["validation"]["accuracy"]) == ("support-m3", 0.901)
    assert len(told["rounds"]) == 2


def test_a_writer_that_is_the_limit_is_named_in_report_card_summary_and_last_line() -> None:
    """By all rounds together: the second one alone has too few texts."""
    first = written(0, 5_000) | {"accepted": 30, "refused": {"near-duplicate": 50, "unparsable": 9}}
    outcome = finished_outcome(written=[first, written(1, 2_000) | {"accepted": 2, "refused": {"too short": 3}}])
    limit = "The writer is the limit: of 94 texts that 'recorded' was to give, 32 could be used"

    told = summary("support", outcome)

    assert limit in " ".join(parsed(render(small_task(), "support-1", outcome, material())).text)
    assert limit in card(small_task(), outcome, material())
    assert limit in told["writer"]["limit"]
    assert limit in in_a_line(told, "accuracy")
    assert summary("support", finished_outcome())["writer"]["limit"] == ""


def test_page_and_card_say_in_which_folder_the_lines_of_python_run() -> None:
    text = " ".join(parsed(render(small_task(), "support-1", finished_outcome(), material())).text)

    assert "In the folder model/ : model.predict(texts)" in text
    assert "In the folder `model/`:\n\n```python\nmodel.predict(texts)" in card(
        small_task(), finished_outcome(), material()
    )


def test_what_a_build_took_is_told_without_what_there_was_none_of() -> None:
    outcome = finished_outcome(written=[written(0) | {"usage": usage() | {"completions_reused": 0}}])

    assert cost_words(outcome) == "1.1 minutes; 12 completions."
    assert cost_words(finished_outcome(written=[])) == "1.1 minutes."


def test_no_text_from_outside_is_html_in_the_card() -> None:
    labels = [{"name": f"`{NASTY}{name}", "description": NASTY} for name in LABELS]
    told = evaluation_report(warnings=[NASTY])

    text = card(small_task(instruction=NASTY, credit=NASTY, labels=labels), finished_outcome(), material(measured=told))

    between_backticks = f"`'{NASTY}{LABELS[0]}`: "
    assert between_backticks in text
    assert "<script>" not in text.replace(f"'{NASTY}", "")
    assert text.count("&lt;script&gt;") == 6  # instruction, credit, warning, three descriptions


def test_no_text_from_outside_is_a_link_or_an_image_in_the_card() -> None:
    link, image = "[pay](https://evil.example)", "![x](https://evil.example/p.png)"
    labels = [{"name": f"{image}{name}", "description": link} for name in LABELS]
    told = evaluation_report(warnings=[link + image])

    text = card(small_task(instruction=image, credit=link, labels=labels), finished_outcome(), material(measured=told))

    assert r"\[pay\](https\://evil.example)" in text
    assert "](https" not in text.replace(r"\](https", "").replace(f"`{image}", "")


def test_the_card_is_markdown_whose_lines_come_from_us() -> None:
    text = card(small_task(instruction="Sort\n# Not a heading\nit"), finished_outcome(), material())

    assert "\n# Not" not in text
    assert "| 1 | 200 | probe | 0.850 | 0.840 |" in text


def test_figures_on_rows_without_some_labels_say_so_in_headline_facts_card_and_summary() -> None:
    outcome = finished_outcome(test=measured(0.87, not_covered=["delivery", "account"]))

    page = " ".join(parsed(render(small_task(), "support-1", outcome, material())).text)
    own_card = card(small_task(), outcome, material())
    told = summary("support", outcome)

    headline = "which are of 1 of the 3 labels: none is 'delivery', 'account'."
    assert headline in page
    assert headline in own_card
    assert "the mean of the F1 of 1 of 3 labels" in page
    assert "Finds the right one of 3 labels" not in page + own_card
    assert told["best"]["test"]["not_covered"] == ("delivery", "account")
    assert in_a_line(told, "accuracy").endswith("None of these rows is 'delivery', 'account'.")


def test_rounds_that_were_chosen_by_rows_without_some_labels_say_so_though_the_test_rows_have_them() -> None:
    rounds = [make_round(0, 0.9, not_covered=("account",))]

    own_card = card(small_task(), finished_outcome(rounds=rounds), material())

    assert "None of the rows that models were chosen by is 'account'." in own_card
    assert "Finds the right one of 3 labels" in own_card


def test_an_accuracy_of_training_that_guessing_reaches_is_called_so_where_nothing_else_was_measured() -> None:
    rounds = [make_round(0, 0.78), make_round(1, 0.85, guessing=0.82)]  # the interval of the second begins at 0.80
    bare: dict[str, Any] = {"measured": {}, "test": None, "imported": {}, "rounds": rounds}

    own_card = card(small_task(), finished_outcome(**bare), material(measured=None))

    assert "is not shown to be better than guessing: always answering the most frequent label of these" in own_card
    assert "reaches 0.820, and about" in own_card
