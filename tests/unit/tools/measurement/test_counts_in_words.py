"""Counts in told texts: of one thing in the singular."""

from __future__ import annotations

import numpy as np

from classwright_tools.domain.augmentation import MatchedCorpus
from classwright_tools.domain.text_rules import TextRules, UsualLength
from classwright_tools.learning.rows import Rows
from classwright_tools.measurement.caveats import not_counted


def test_one_label_that_a_corpus_lacks_is_one() -> None:
    corpus = MatchedCorpus(rows=90, matched=("refund", "delivery"), reused=False)

    assert " 1 label is not in shop-d1, " in corpus.remark(["refund", "delivery", "account"], "shop-d1")
    assert " 2 labels are not in shop-d1, " in corpus.remark(["refund", "delivery", "account", "other"], "shop-d1")


def test_one_row_that_counts_or_does_not_is_one() -> None:
    assert not_counted(3, 4, "test", "shop-m1").startswith("1 of 4 test rows is counted: 3 are in")
    assert not_counted(1, 4, "test", "shop-m1").startswith("3 of 4 test rows are counted: 1 is in")


def test_one_row_held_out_is_one() -> None:
    rows = Rows(("it broke", "where is it"), np.array([0, 1]), np.array([0, 1]), "real")

    assert (rows.in_words("real"), rows.take(np.array([0])).in_words("real")) == ("2 real rows", "1 real row")


def test_a_text_of_one_word_has_one() -> None:
    rules = TextRules(usual_length=UsualLength(low=1, middle=1, high=12))

    assert "has 1 word, and at" in " ".join(rules.sentences(", ".join))
