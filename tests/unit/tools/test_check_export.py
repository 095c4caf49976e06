"""An export measured on rows with labels: the figures, what is left out, and when it is not to be shipped."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import binomtest

from classwright.predict import Answer, Classifier, Predictions
from classwright_server.cli import main
from classwright_tools.bulk.check import check_export
from classwright_tools.bulk.check_figures import Check
from classwright_tools.errors import InvalidInput
from classwright_tools.statistics.exact_tests import mcnemar
from classwright_tools.statistics.paired import paired_p
from classwright_tools.statistics.share_interval import wilson

LABELS = ("billing", "outage")
TEXTS = [f"{'billing' if number % 2 else 'outage'} of case {number}" for number in range(40)]


class ByWords:
    """Answers with the labels that a text names, is sure of even cases, and errs on those in `wrong`."""

    takes_pairs = False
    mismatch = None

    def __init__(self, wrong: Iterable[int] = (), *, several: bool = False, labels: tuple[str, ...] = LABELS) -> None:
        self.wrong, self.several, self.labels = {TEXTS[number] for number in wrong}, several, labels
        self.about = {"model": "support-m1"}

    def predict(self, texts: list[str]) -> Predictions:
        found: list[Answer] = []
        for text in texts:
            named = tuple(label for label in self.labels if (label in text) != (text in self.wrong))
            found.append(named if self.several else named[0])
        sure = np.array([int(text.split()[-1]) % 2 == 0 for text in texts])
        return Predictions(found, np.zeros((len(texts), len(self.labels))), sure, np.zeros(len(texts), bool))


def check(folder: Path, rows: Iterable[tuple[str, str]], model: ByWords, **options: Any) -> Check:
    """What is found on a CSV file of texts and labels."""
    path = folder / "rows.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows), encoding="utf-8")
    return check_export(cast(Classifier, model), path, folder="new", **options)


ROWS = [(text, text.split()[0]) for text in TEXTS]


def test_the_figures_are_the_shares_of_right_answers_with_wilsons_interval(tmp_path: Path) -> None:
    found = check(tmp_path, ROWS, ByWords({0, 2, 3}), at_least=["0.9"])

    assert (found.rows, found.left_out, found.failed) == (40, 0, ())
    assert found.export.accuracy == wilson(37, 40)
    assert found.export.sure == wilson(20, 40)
    assert found.export.sure_accuracy == wilson(18, 20)
    assert found.export.about == {"model": "support-m1"}
    billing, outage = found.export.labels
    assert (billing.label, billing.rows) == ("billing", 20)
    assert (billing.precision, billing.recall) == (wilson(19, 21), wilson(19, 20))
    assert (outage.precision, outage.recall) == (wilson(18, 19), wilson(18, 20))
    assert (
        "On 40 rows, with 95% intervals:\nnew: accuracy 0.925 (0.801 to 0.974), macro-F1 0.925. It is sure of 20 of "
        "these rows (50%), and labels 18 of them right (95% interval 70% to 97%). 0 rows are out of scope."
    ) in found.in_words()


def test_an_accuracy_below_what_is_asked_fails(tmp_path: Path) -> None:
    [why] = check(tmp_path, ROWS, ByWords({0, 2, 3}), at_least=["0.95"]).failed
    assert why == "accuracy 0.925 is less than 0.95."


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("accuracy=0.92", None),
        ("macro_f1=0.92", None),
        ("accuracy=0.92501", "accuracy 0.925 is less than 0.92501."),
        ("precision:billing=0.9048", "precision of 'billing' 0.90476 is less than 0.9048."),
        ("macro_f1=0.93", "macro_f1 0.925 is less than 0.93."),
        ("recall:billing=0.95", None),
        ("recall:outage=0.95", "recall of 'outage' 0.900 is less than 0.95."),
        ("precision:billing=0.95", "precision of 'billing' 0.905 is less than 0.95."),
        ("recall:a=b:c=0.1", "recall of 'a=b:c' cannot be measured: no row has this label."),
        ("precision:a=b:c=0.1", "precision of 'a=b:c' cannot be measured: no row was given this label."),
    ],
)
def test_macro_f1_and_the_figures_of_one_label_can_be_asked_for(tmp_path: Path, asked: str, why: str | None) -> None:
    found = check(tmp_path, ROWS, ByWords({0, 2, 3}, labels=(*LABELS, "a=b:c")), at_least=["0.9", asked])
    assert found.failed == ((why,) if why else ())
    assert "macro-F1 0.925." in found.in_words()


@pytest.mark.parametrize(
    "asked", ["95.0", "nan", "-0.1", "much", "", "f1=0.9", "recall=0.9", "macro_f1:billing=0.9", "recall:biling=0.9"]
)
def test_what_is_no_figure_with_a_share_is_refused(tmp_path: Path, asked: str) -> None:
    with pytest.raises(InvalidInput, match=f"`--at-least`: {asked!r} (is no figure|names a label.*you mean .billing)"):
        check(tmp_path, ROWS, ByWords(), at_least=[asked])


LEFT_OUT = [("what is this", "bill"), ("what is that", ""), (" ", "billing")]


@pytest.mark.parametrize("asked", [{"at_least": ["0.5"]}, {"against": ByWords(), "other_folder": "old"}])
@pytest.mark.parametrize(("allowed", "fails"), [(0, True), (2, True), (3, False)])
def test_a_gate_does_not_pass_because_rows_were_left_out(
    tmp_path: Path, asked: dict[str, Any], allowed: int, fails: bool
) -> None:
    found = check(tmp_path, [*ROWS, *LEFT_OUT], ByWords(), may_leave_out=allowed, **asked)

    why = f"3 of 43 rows are left out, and --may-leave-out allows {allowed}."
    assert found.failed == ((why,) if fails else ())
    assert found.in_words().startswith("On 40 of 43 rows (3 left out), with 95% intervals:\nLeft out: file 'rows.csv'")


def test_without_a_gate_rows_that_are_left_out_are_told_alone(tmp_path: Path) -> None:
    assert check(tmp_path, [*ROWS, *LEFT_OUT], ByWords()).failed == ()
    with pytest.raises(InvalidInput, match="`--may-leave-out`: -1 is no number of rows"):
        check(tmp_path, ROWS, ByWords(), may_leave_out=-1)


@pytest.mark.parametrize(("wrong", "fails"), [((), False), ({0, 1, 2}, False), (range(8), True)])
def test_an_export_that_is_worse_by_more_than_chance_fails(tmp_path: Path, wrong: Any, fails: bool) -> None:
    other = cast(Classifier, ByWords({39}))
    found = check(tmp_path, ROWS, ByWords(wrong), against=other, other_folder="old")

    assert found.against is not None
    compared = found.against.comparison
    assert (compared.only_this_right, compared.only_other_right) == (1, len(wrong))
    assert compared.p == pytest.approx(binomtest(1, 1 + len(wrong)).pvalue)
    assert bool(found.failed) == fails
    assert found.against.other.accuracy == wilson(39, 40)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(("gained", "why"), [(3, "it is worse than old by more than"), (12, "against old it gains in")])
def test_an_export_that_loses_a_rare_label_fails_though_its_accuracy_is_no_worse_by_more_than_chance(
    tmp_path: Path, gained: int, why: str, *, several: bool
) -> None:
    """As `evaluate` has it: a label that dies is a loss, or beside a gain in accuracy a trade. Of sets F1 decides."""
    labels = ("billing", "outage", "fraud")
    rows = [(f"{label} of case {n}", label) for label, n in zip(labels, (60, 60, 12), strict=True) for n in range(n)]
    new, old = (ByWords(labels=labels, several=several) for _ in range(2))
    new.wrong, old.wrong = {text for text, _ in rows[-9:]}, {text for text, _ in rows[:gained]}

    found = check(tmp_path, rows, new, against=cast(Classifier, old), other_folder="old")

    assert found.against
    assert not found.against.comparison.significant
    if several and gained > 9:
        assert found.failed == ()
        return
    assert found.failed[0].startswith(why)
    assert found.failed[0].endswith("Most is lost of 'fraud': recall 1.000 there, 0.250 here.")
    assert " -0." in found.failed[0]


@pytest.mark.parametrize(("a", "b"), [(0, 1), (3, 11), (40, 61), (900, 1_100), (20_000, 20_400)])
def test_the_exact_test_is_that_of_scipy(a: int, b: int) -> None:
    assert mcnemar(a, b) == pytest.approx(binomtest(a, a + b).pvalue, rel=1e-6)


def test_rows_that_do_not_count_are_left_out_and_named(tmp_path: Path) -> None:
    rows = [*ROWS, (" ", "billing"), ("what is this", "spam"), ("what is this", ""), ("outage again 41", "OUTAGE")]
    found = check(tmp_path, [*rows, ("what is that", "spam")], ByWords())

    assert (found.rows, found.left_out) == (41, 4)
    assert found.first_left_out == (
        "file 'rows.csv', line 42 is empty",
        "file 'rows.csv', line 43 has the label 'spam', which new does not know (1 more such row)",
        "file 'rows.csv', line 44 has no label",
    )
    assert "Left out: file 'rows.csv', line 42 is empty;" in found.in_words()
    with pytest.raises(InvalidInput, match=r"has no row to measure on: file 'rows\.csv', line 2"):
        check(tmp_path, [("what is this", "spam")], ByWords())


def test_rows_whose_label_the_other_does_not_know_are_told_apart(tmp_path: Path) -> None:
    other = cast(Classifier, ByWords(labels=("outage",)))
    found = check(tmp_path, ROWS, ByWords({1, 3, 4}), against=other, other_folder="old")

    assert (found.rows, found.left_out, found.export.accuracy) == (40, 0, wilson(37, 40))
    assert found.against is not None
    assert (found.against.rows, found.against.other.accuracy) == (20, wilson(20, 20))
    assert (found.against.new_labels, found.against.new_labels_right) == (20, 18)
    assert "The other 20 rows have labels that old does not know: the first labels 18 of them right" in found.in_words()


def test_rows_whose_label_the_first_does_not_know_are_left_out_by_its_name(tmp_path: Path) -> None:
    found = check(tmp_path, ROWS, ByWords(labels=("outage",)), against=cast(Classifier, ByWords()), other_folder="old")

    assert (found.rows, found.left_out) == (20, 20)
    assert "has the label 'billing', which new does not know" in found.in_words()
    assert found.against is not None
    assert found.against.new_labels == 0
    none = cast(Classifier, ByWords(labels=("billing",)))
    with pytest.raises(InvalidInput, match="'old': knows the label of none of the 20 rows"):
        check(tmp_path, ROWS, ByWords(labels=("outage",)), against=none, other_folder="old")


def test_of_several_labels_all_must_be_right(tmp_path: Path) -> None:
    rows = [("billing and outage 0", "billing|outage"), ("billing 2", "billing|outage"), ("neither 4", "|")]
    found = check(tmp_path, rows, ByWords(several=True))

    assert found.export.accuracy == wilson(2, 3)
    assert [(one.precision, one.recall) for one in found.export.labels] == [
        (wilson(2, 2), wilson(2, 2)),
        (wilson(1, 1), wilson(1, 2)),
    ]
    assert found.export.micro_f1 == pytest.approx(6 / 7)
    assert "new: all labels of a row right 0.667 (" in found.in_words()
    assert "macro-F1 0.833, micro-F1 0.857." in found.in_words()
    [why] = check(tmp_path, rows, ByWords(several=True), at_least=["micro_f1=0.9"]).failed
    assert why == "micro_f1 0.857 is less than 0.9."
    with pytest.raises(InvalidInput, match="one label, and the other several"):
        check(tmp_path, ROWS, ByWords(), against=cast(Classifier, ByWords(several=True)), other_folder="old")


class ByScores:
    """Answers pairs, or texts: a last word is how probable a mismatch is, turned round for items in `turned`."""

    several, labels, about = False, ("fits", "mismatch"), MappingProxyType({})

    def __init__(self, turned: Iterable[str] = (), *, threshold: float = 0.5, pairs: bool = True) -> None:
        self.turned, self.threshold, self.takes_pairs = {*turned}, threshold, pairs
        self.mismatch = "mismatch" if pairs else None

    def predict(self, texts: list[str] | list[tuple[str, str]]) -> Predictions:
        items = [text if isinstance(text, str) else text[1] for text in texts]
        scores = np.array([float(item.split()[-1]) for item in items])
        turned = np.array([item in self.turned for item in items])
        scores = np.where(turned, 1 - scores, scores)
        sure = np.ones(len(items), bool)
        labels = ["mismatch" if score > self.threshold else "fits" for score in scores]
        return Predictions(labels, np.stack([1 - scores, scores], axis=1), sure, ~sure)


def test_an_export_of_pairs_is_measured_by_how_it_ranks_mismatches_and_its_queries_are_drawn_as_a_whole(
    tmp_path: Path,
) -> None:
    pairs = [(f"query {n // 4}", f"item {n} of {0.6 if n % 8 == 0 else 0.1}", n % 8 == 0) for n in range(160)]
    path = tmp_path / "pairs.csv"
    rows = (f"{query},{item},{'mismatch' if wrong else 'fits'}\n" for query, item, wrong in pairs)
    path.write_text("query,item,label\n" + "".join(rows) + "query 1,,fits\n", encoding="utf-8")
    right, worse = (cast(Classifier, ByScores(item for _, item, _ in pairs[:turned])) for turned in (0, 80))

    found = check_export(right, path, folder="new", against=worse, other_folder="old", at_least=["average_precision=1"])
    back = check_export(worse, path, folder="old", against=right, other_folder="new", may_leave_out=1)

    assert (found.rows, found.left_out) == (160, 1)
    assert found.export.average_precision
    assert found.export.average_precision.value == 1
    assert "average precision of the mismatches 1.000 (" in found.in_words()
    assert found.against
    assert found.against.comparison.p == paired_p(np.ones(160, bool), np.arange(160) >= 80, np.arange(160) // 4)
    assert found.failed == ("1 of 161 rows are left out, and --may-leave-out allows 0.",)
    assert len(back.failed) == 1
    assert back.failed[0].startswith("it is worse than new by more than chance")
    with pytest.raises(InvalidInput, match="and the other of single texts"):
        check_export(right, path, folder="new", against=cast(Classifier, ByWords()), other_folder="old")
    with pytest.raises(InvalidInput, match=r"'micro_f1=0\.5' is of several labels a row, and the export is not"):
        check_export(right, path, folder="new", at_least=["micro_f1=0.5"])


@pytest.mark.parametrize("pairs", [True, False])
def test_a_threshold_of_a_label_moves_the_answers_and_not_how_rows_are_ranked(tmp_path: Path, pairs: bool) -> None:
    scores = [0.9 if n % 8 == 0 else 0.3 if n % 4 == 1 else 0.1 for n in range(160)]
    path = tmp_path / "rows.csv"
    rows = (f"item {n} of {score},query {n},{'mismatch' if n % 8 == 0 else 'fits'}" for n, score in enumerate(scores))
    columns = "text_pair,text,label" if pairs else "text,query,label"
    path.write_text("\n".join([columns, *rows]), encoding="utf-8")
    new, old = (cast(Classifier, ByScores(threshold=threshold, pairs=pairs)) for threshold in (0.2, 0.5))

    found = check_export(new, path, folder="new", against=old, other_folder="old")

    assert found.against
    compared = found.against.comparison
    assert (compared.only_this_right, compared.only_other_right) == (0, 40)
    ranked = compared.average_precision_gain if pairs else compared.rare and compared.rare.average_precision_gain
    assert ranked
    assert (ranked.value, ranked.low, ranked.high) == (0, 0, 0)


def test_the_command_says_what_it_cannot_measure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,b\n", encoding="utf-8")
    assert main(["check", str(tmp_path), str(tmp_path / "rows.csv")]) == 2
    assert "holds no export" in capsys.readouterr().err
