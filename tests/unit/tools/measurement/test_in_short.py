"""A report in a few sentences: figures of 100 texts, the worst labels, and what can be done."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classwright_tools.domain.analysis import ConfusedPair, LabelErrorRows, LabelIssue
from classwright_tools.domain.comparison import RelabelledRows
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.regeneration import RegenerationItem
from classwright_tools.measurement.comparison_words import in_sentences
from classwright_tools.measurement.error_report import ErrorReport
from classwright_tools.measurement.evaluation import measure, write_report
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.in_short import errors_in_short, evaluation_in_short
from support.agent import around, compared
from support.measurement import answers_of

LABELS = ("refund", "delivery", "account")


def answers(rows: int, wrong: int, unsure: int = 0, labels: tuple[str, ...] = LABELS) -> Answers:
    """Answers to so many rows, of which the first are wrong, and others right but unsure."""
    true = np.arange(rows) % len(labels)
    found = np.where(np.arange(rows) < wrong, (true + 1) % len(labels), true)
    proba = np.full((rows, len(labels)), 0.1 / (len(labels) - 1))
    proba[np.arange(rows), found] = 0.9
    proba[rows - unsure :] = 0.6 / (len(labels) - 1)
    proba[np.arange(rows - unsure, rows), found[rows - unsure :]] = 0.4
    return answers_of(true.tolist(), proba, labels)


def evaluated(found: Answers) -> EvaluationReport:
    return measure(found, model="support-m1", split="validation", threshold=0.5, seed=0)


def analysed(found: Answers, **findings: Any) -> ErrorReport:
    report = evaluated(found)
    empty = dict.fromkeys(("confused_pairs", "label_issues", "clusters", "cells", "style", "plan_items"), ())
    return ErrorReport(
        data=report.data,
        cannot_know="",
        task="support",
        model="support-m1",
        dataset="support-d1",
        labels=report.labels,
        rows=report.figures.rows,
        errors=len(found.wrong),
        accuracy=report.figures.accuracy,
        classes=report.weakest,
        confusion_matrix=report.confusion_matrix,
        **empty | findings,
    )


def test_an_evaluation_is_told_by_a_hundred_texts() -> None:
    told = evaluation_in_short(evaluated(answers(300, wrong=30, unsure=60)))

    assert told.startswith("Of 100 real texts the model labels about 90 (86 to 93) right; to give all the most")
    assert "would be right for 33." in told
    assert "Where it is unsure, 20 in 100, it can leave the text to a person" in told
    assert "of 100 that it then answers itself it labels about 88 (83 to 91) right." in told
    assert "It does worst with " in told
    assert "more rows would tell" not in told


def test_a_model_without_error_has_no_worst_label_and_few_rows_are_said_to_be_few() -> None:
    told = evaluation_in_short(evaluated(answers(9, wrong=0)))

    assert "worst" not in told
    assert "unsure" not in told
    assert "With 9 rows this cannot be said more exactly" in told


def test_few_rows_are_counted_and_not_told_as_so_many_of_a_hundred() -> None:
    told = evaluation_in_short(evaluated(answers(60, wrong=0, unsure=59)))
    few = evaluation_in_short(evaluated(answers(9, wrong=3)))
    errors = errors_in_short(analysed(answers(9, wrong=3)))

    assert "of 1 that it then answers itself it labels 1 (21 to 100 in 100) right." in told
    assert few.startswith("Of 9 real texts the model labels 6 (35 to 88 in 100) right; to give all the most frequent")
    assert errors.startswith("Of 9 real texts 3 (12 to 65 in 100) are labelled wrong.")


def test_errors_are_told_with_what_can_be_done() -> None:
    issue = LabelIssue(
        example="0" * 16,
        split="train",
        text="it is late",
        given="refund",
        suggested="delivery",
        given_probability=0.1,
        suggested_probability=0.9,
    )
    told = errors_in_short(
        analysed(
            answers(200, wrong=20),
            confused_pairs=(ConfusedPair(label="refund", predicted="delivery", count=7, examples=()),),
            label_issues=(issue,),
            plan_items=(RegenerationItem(label="refund", count=12, reason="r"),) * 2,
        )
    )

    assert told.startswith("Of 100 real texts about 10 (7 to 15) are labelled wrong.")
    assert "refund is taken for delivery (7 of 20 errors)." in told
    assert "read the 1 row whose own label" in told
    assert "A plan for 24 texts" in told


def test_the_label_with_most_errors_is_not_said_to_have_most_of_them() -> None:
    errors = LabelErrorRows(label="refund", rows=40, missed=5, added=3, missed_rows=(), added_rows=())

    told = errors_in_short(analysed(answers(200, wrong=20), label_errors=(errors,)))

    assert "The label with the most errors, refund, is missed in 5 of 40 rows that have it, and added to 3" in told


def test_without_findings_nothing_is_to_be_done() -> None:
    assert errors_in_short(analysed(answers(300, wrong=0))).endswith("are labelled wrong.")


def test_the_page_says_of_a_comparison_what_the_answer_says(tmp_path: Path) -> None:
    found = answers(60, wrong=12)
    told = RelabelledRows(
        rows=4, left=56, gain=around(0.2), by="by an edit of a person: ...", before=None, version=None
    )
    against = compared(0.01, macro_f1_gain=-0.02).model_copy(update={"relabelled": told})
    write_report(tmp_path, evaluated(found).model_copy(update={"comparison": against}), found)

    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert "Nothing shows that it is better than support-m1." in page
    for sentence in in_sentences(against, "support-m1"):
        assert sentence in page
    assert "4 of 60 rows changed their labels between support-m1 and support-m1, by an edit of a person" in page


def test_a_gain_is_said_to_be_one_in_the_figures_in_which_it_is() -> None:
    found = answers(60, wrong=12)
    for accuracy, beyond in ((0.01, "macro-F1"), (0.1, "accuracy, macro-F1")):
        against = compared(accuracy, macro_f1_gain=0.1, significant=accuracy > 0.05)
        told = evaluation_in_short(evaluated(found).model_copy(update={"comparison": against}))

        assert told.endswith(f"It is better than support-m1 by more than chance in {beyond}.")


def test_a_classifier_in_the_model_s_place_names_itself_and_gives_no_thresholds_of_the_model_s(tmp_path: Path) -> None:
    found = answers_of([0] * 20 + [1] * 80, [[0.4, 0.6]] * 15 + [[0.1, 0.9]] * 85, ("fraud", "other"))
    report = measure(found, model="support-m1", split="train", threshold=0.0, seed=0)
    write_report(tmp_path, report, found)

    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Of 100 real texts a simple classifier (probe) on the rows of support-m1 labels about 80 (" in page
    assert report.at_shares is None
    for of_the_model in ("--threshold", "from 0.", "can leave the text", "calibration", "threshold"):
        assert of_the_model not in page.partition("<body")[2]


@pytest.mark.parametrize("labels", [LABELS, ('<td class="n">', "</table>", "<tr><th>")])
def test_each_cell_of_a_page_tells_its_column_whatever_labels_hold(labels: tuple[str, ...], tmp_path: Path) -> None:
    found = answers(60, wrong=12, labels=labels)
    write_report(tmp_path, evaluated(found), found)

    tables = re.findall(r"<table>.*?</table>", (tmp_path / "report.html").read_text(encoding="utf-8"), re.DOTALL)
    for table in tables:
        names = re.findall(r"<th[^>]*>(.*?)</th>", table)
        cells = re.findall(r"<td[^>]*?(?: data-name=\"(.*?)\")", table)
        assert len(cells) == table.count("<td")
        assert cells == names * (len(cells) // len(names))
    assert len(tables) == 4
