"""The plan of what to write: its counts follow the errors, and each item says what to go by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.domain.example import make_example, next_round
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.cells import held_rows, missing_cells
from classwright_tools.measurement.confusion_rates import expected_confusions
from classwright_tools.measurement.guidance import usual_length
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.regeneration import (
    LEAST_OF_PAIR,
    MOST_OF_PAIR,
    TEXTS_AN_ERROR,
    Planned,
    confused_labels,
    plan_items,
    rows_of_pairs,
)
from support.measurement import answers_of, support_tree, written_rows

LABELS = ("a", "b", "c", "d")


def by_letters(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return vectors (n, 128) of how often each character is in a text."""
    counts = np.array([[text.count(chr(code)) + 1e-9 for code in range(128)] for text in texts])
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def plan(found: Answers, rows: int, **settings: object) -> Planned:
    return plan_items(found, [found], rows, embed=by_letters, **settings)  # type: ignore[arg-type]


def mixed_up(seed: int = 0, rows_a_label: int = 10, confusable: float = 0.35) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities of a model that mixes up a with b, and c with d, and nothing else."""
    generator = np.random.default_rng(seed)
    true = np.repeat(np.arange(4), rows_a_label)
    other = np.array([1, 0, 3, 2])[true]
    given_other = generator.beta(2, 2 / confusable - 2, len(true))
    proba = np.full((len(true), 4), 0.01)
    proba[np.arange(len(true)), true] += 0.96 * (1 - given_other)
    proba[np.arange(len(true)), other] += 0.96 * given_other
    return true, proba / proba.sum(axis=1, keepdims=True)


def mistaken(*errors: tuple[int, int, int], rows_a_label: int = 20, texts: Sequence[str] = ()) -> Answers:
    """Return the answers of a model that is sure, with so many `errors` of one label taken for another."""
    true = np.repeat(np.arange(4), rows_a_label)
    predicted = true.copy()
    for label, other, count in errors:
        free = np.flatnonzero((true == label) & (predicted == true))
        predicted[free[:count]] = other
    return answers_of(true, np.eye(4)[predicted] * 0.9 + 0.025, LABELS, texts)


def test_each_confused_pair_gets_contrasts_both_ways_and_ordinary_texts_of_both_labels() -> None:
    items = plan(mistaken((0, 1, 5)), rows=60).items

    assert {(item.label, item.contrast) for item in items} == {("a", "b"), ("b", "a"), ("a", None), ("b", None)}
    counts = {(item.label, item.contrast): item.count for item in items}
    assert counts["a", "b"] > counts["b", "a"]
    assert counts["a", "b"] + counts["b", "a"] == 20
    assert counts["a", None] == counts["b", None] == 20


def test_the_more_labels_a_task_has_the_more_of_the_texts_are_contrasts() -> None:
    shares = {}
    for labels in (2, 3, 6, 12, 30):
        true = np.repeat(np.arange(labels), 10)
        predicted = true.copy()
        predicted[:4] = 1
        found = answers_of(true, np.eye(labels)[predicted] * 0.9 + 0.1 / labels, [f"l{n}" for n in range(labels)])
        items = plan(found, rows=120).items
        shares[labels] = sum(item.count for item in items if item.contrast) / sum(item.count for item in items)

    assert list(shares.values()) == sorted(shares.values())
    assert shares[2] == pytest.approx(1 / 6, abs=0.01)
    assert shares[12] == shares[30] == 0.75


def test_where_contrasts_did_not_help_only_ordinary_texts_are_planned() -> None:
    planned = plan(mistaken((0, 1, 5)), rows=60, with_contrasts=False)

    assert {(item.label, item.contrast, item.count) for item in planned.items} == {("a", None, 30), ("b", None, 30)}


def test_a_pair_without_an_error_gets_nothing_however_near_its_labels_are() -> None:
    true = np.repeat(np.arange(3), 10)
    proba = np.full((30, 3), 0.005)
    proba[np.arange(30), true] = 0.99
    proba[:10] = [0.6, 0.39, 0.01]
    found = answers_of(true, proba, LABELS[:3])

    assert not len(found.wrong)
    assert plan(found, rows=100) == Planned()


def test_a_few_errors_are_no_ground_for_hundreds_of_texts() -> None:
    planned = plan(mistaken((0, 1, 1), (2, 3, 1)), rows=300)

    assert 2 * LEAST_OF_PAIR <= sum(item.count for item in planned.items) <= 2 * TEXTS_AN_ERROR


def test_the_more_a_pair_is_confused_the_more_texts_it_gets() -> None:
    items = plan(mistaken((0, 1, 8), (2, 3, 1)), rows=80).items

    rows = {pair: sum(item.count for item in items if item.label in pair) for pair in ("ab", "cd")}
    assert rows["ab"] > 1.5 * rows["cd"] > 0
    assert items[0].reason == "8 of 20 rows of 'a' were taken for 'b', 0 of 20 the other way."


def test_a_label_with_many_texts_counts_for_more() -> None:
    true = np.array([0] * 80 + [1] * 10 + [2] * 10 + [3] * 10)
    predicted = true.copy()
    predicted[:16], predicted[90:92] = 1, 3  # a fifth of both
    found = answers_of(true, np.eye(4)[predicted] * 0.9 + 0.025, LABELS)

    weights = {(pair.first, pair.second): pair.weight for pair in confused_labels(found, [found])}

    assert weights[0, 1] > 4 * weights[2, 3]


def test_errors_are_weighed_by_the_shares_where_the_model_is_used() -> None:
    found = mistaken((0, 1, 4), (2, 3, 4))

    rows = {
        pair: sum(item.count for item in plan(found, 100, shares=(0.45, 0.45, 0.05, 0.05)).items if item.label in pair)
        for pair in ("ab", "cd")
    }

    assert rows["ab"] > 2 * rows["cd"] > 0


def test_a_pair_that_shares_alone_put_behind_others_is_named() -> None:
    found = mistaken((0, 1, 2), (2, 3, 5))

    assert plan(found, LEAST_OF_PAIR, shares=(0.49, 0.49, 0.01, 0.01)).passed_over == (("c", "d"),)
    for reached in ({}, {"shares": (0.25, 0.25, 0.25, 0.25)}, {"shares": (0.01, 0.01, 0.49, 0.49)}):
        assert plan(found, LEAST_OF_PAIR, **reached).passed_over == ()


def test_what_the_rows_do_not_reach_is_counted() -> None:
    planned = plan(mistaken((0, 1, 5), (2, 3, 2), (1, 2, 1)), rows=LEAST_OF_PAIR)

    assert {item.label for item in planned.items} == {"a", "b"}
    assert (planned.pairs_left_out, planned.errors_left_out) == (2, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=60), st.integers(1, 5_000))
def test_rows_of_pairs_spend_no_more_than_there_is_and_stay_within_bounds(weights: list[float], rows: int) -> None:
    weights = sorted(weights, reverse=True)[: max(1, rows // LEAST_OF_PAIR)]

    counts = rows_of_pairs(weights, rows)

    assert sum(counts) <= rows
    assert all(min(LEAST_OF_PAIR, rows) <= count <= MOST_OF_PAIR for count in counts)
    assert counts == sorted(counts, reverse=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 400), st.randoms(use_true_random=False))
def test_a_plan_never_exceeds_its_rows_and_does_not_depend_on_their_order(seed: int, rows: int, random: object) -> None:
    true, proba = mixed_up(seed, confusable=0.6)
    texts = [f"text number {place}" for place in range(len(true))]
    order = np.arange(len(true))
    random.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
    one = answers_of(true, proba, LABELS, texts)
    other = answers_of(true[order], proba[order], LABELS, [texts[place] for place in order])

    items = plan(one, rows).items

    assert 0 < sum(item.count for item in items) <= rows
    assert items == plan(other, rows).items


# --- what counts are shrunk by


def test_few_errors_are_shrunk_towards_what_the_probabilities_expect() -> None:
    true = np.repeat(np.arange(2), 10)
    proba = np.where(np.eye(2)[true] == 1, 0.9, 0.1)
    proba[0] = [0.4, 0.6]
    found = answers_of(true, proba, LABELS[:2])

    expected = expected_confusions(found, [found])

    assert expected[0, 1] == pytest.approx(0.5 * 0.13, abs=0.03)
    assert 0.02 < expected[1, 0] < 0.06  # no error, but the probabilities are those of a model that makes some
    assert expected.diagonal().tolist() == [0, 0]


def test_other_rows_steady_the_counts() -> None:
    true = np.repeat(np.arange(3), 10)
    proba = np.eye(3)[true] * 0.9 + 1 / 30
    proba[0], proba[1] = [0.3, 0.6, 0.1], [0.3, 0.1, 0.6]
    real = answers_of(true, proba, LABELS[:3])
    like_c = np.eye(3)[true] * 0.9 + 1 / 30
    like_c[:10] = [0.5, 0.05, 0.45]
    written = answers_of(true, like_c, LABELS[:3], origin="written")

    alone, steadied = expected_confusions(real, [real]), expected_confusions(real, [real, written])

    assert alone[0, 1] == pytest.approx(alone[0, 2], rel=0.01)
    assert steadied[0, 2] > 1.5 * steadied[0, 1]


def test_a_label_without_rows_is_expected_to_be_answered_rightly() -> None:
    found = answers_of([0, 0, 1], np.array([[0.2, 0.7, 0.1], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]), LABELS[:3])

    assert expected_confusions(found, [found])[2].tolist() == [0, 0, 0]


# --- what an item says


def test_an_item_shows_typical_texts_of_both_labels_and_never_errors_or_doubtful_rows() -> None:
    texts = [f"{letter * 5} {place}" for letter in LABELS for place in range(20)]
    found = mistaken((0, 1, 4), texts=texts)
    doubted = {found.rows[place].id for place in (4, 5, 24)}

    items = {(item.label, item.contrast): item for item in plan(found, rows=60, doubted=doubted).items}

    shown = items["a", "b"]
    assert 1 < len(shown.style) <= 5
    assert all(text.startswith("aaaaa") for text in shown.style)
    assert all(text.startswith("bbbbb") for text in shown.contrast_style)
    assert not {texts[place] for place in (0, 1, 2, 3, 4, 5, 24)} & {*shown.style, *shown.contrast_style}
    assert items["a", None].contrast_style == ()


def test_typical_texts_are_spread_over_what_a_label_is_about() -> None:
    kinds = ("pppp", "qqqq", "rrrr", "ssss", "tttt")
    texts = [f"{kinds[place % 5]} {place}" for place in range(80)]

    shown = plan(mistaken((0, 1, 2), texts=texts), rows=60).items[0].style

    assert {text[:4] for text in shown} == set(kinds)


def test_written_texts_never_show_the_style() -> None:
    true, proba = mixed_up(confusable=0.6)
    found = answers_of(true, proba, LABELS, origin="written")

    assert len(found.wrong)
    items = plan(found, rows=60).items
    assert items
    assert all(item.style == item.contrast_style == () for item in items)


def test_a_few_texts_of_another_script_leave_the_usual_length_of_the_others_told() -> None:
    texts = [*["one two three"] * 19, "\u738b"]

    assert usual_length("a", texts) == "Most real texts of 'a' have 3 to 3 words: spread over that range."
    assert not usual_length("a", [*texts, *["\u738b"] * 2])


def test_an_item_says_which_words_tell_the_labels_apart_which_misled_and_how_long_texts_are() -> None:
    of_a = ["refund the broken lamp", "refund the torn shoes", "refund the lost parcel", "the parcel refund is late"]
    of_b = ["where is the courier", "the courier was late", "no courier came", "courier at the door"]
    rest = [f"something else {place}" for place in range(8)]
    found = mistaken((0, 1, 2), rows_a_label=4, texts=[*reversed(of_a), *of_b, *rest])

    said = plan(found, rows=60).items[0].guidance

    assert said[0].startswith("Words of 'a' rather than of 'b': refund")
    assert said[1].startswith("Words of 'b' rather than of 'a': courier")
    assert said[2] == "Texts of 'a' that were taken for 'b' speak of: parcel."
    assert said[3] == "Most real texts of 'a' have 4 to 5 words: spread over that range."


def test_ordinary_texts_are_asked_for_in_the_form_of_the_errors() -> None:
    long = "Please explain to me at length and in detail how number {} of these letters is made, and why it is so."
    texts = [f"what is {place}?" if place % 20 < 8 else long.format(place) for place in range(80)]
    errors = [(label, (label + 1) % 4, 8) for label in range(4)]

    [item] = [
        item for item in plan(mistaken(*errors, texts=texts), rows=100).items if item.label == "a" and not item.contrast
    ]

    assert item.guidance[0].startswith("Write in the form of texts that were mistaken: ")
    assert "100% ask a question (0% of the others)" in item.guidance[0]


def test_contrasts_keep_cells_near_the_errors_and_ordinary_texts_fill_the_emptiest() -> None:
    cells = [
        Cell(label=label, topic=topic, subtopic=f"{topic} {matter}", source_type=source)
        for label in ("a", "b")
        for topic in ("xxxx", "yyyy", "zzzz")
        for matter in ("jj", "kk")
        for source in ("email", "chat")
    ]
    texts = ["zzzz jj"] * 4 + [f"text {place}" for place in range(76)]

    held = {cell: 1 + (cell.topic == "xxxx") for cell in cells}
    items = plan(mistaken((0, 1, 4), texts=[f"{text}{'.' * n}" for n, text in enumerate(texts)]), rows=60, held=held)

    first = items.items[0]
    assert (first.cells[0].topic, first.cells[0].subtopic) == ("zzzz", "zzzz jj")
    assert len({cell.subtopic for cell in first.cells}) == len(first.cells) > 2
    assert {cell.source_type for cell in first.cells} == {"email", "chat"}
    assert all(cell.label == item.label for item in items.items for cell in item.cells)
    [ordinary] = [
        item for item in plan(mistaken((0, 1, 2)), 30, held=held).items if item.label == "a" and not item.contrast
    ]
    assert {cell.topic for cell in ordinary.cells} == {"yyyy", "zzzz"}
    assert len({cell.subtopic for cell in ordinary.cells}) == 4 < len(ordinary.cells)


def test_thin_cells_are_planned_but_take_a_quarter_of_the_rows_at_most() -> None:
    found = mistaken((0, 1, 5))
    rows = [row for row in written_rows() if row.label != "refund"]
    thin = missing_cells(held_rows(rows, support_tree()), wanted=3)

    items = plan(found, 100, thin=thin, wanted=3).items
    few = plan(found, 12, thin=thin, wanted=3).items

    assert [(item.label, len(item.cells), item.count) for item in items if item.label == "refund"] == [("refund", 2, 6)]
    assert sum(item.count for item in few if item.label == "refund") == 3


def test_thin_cells_that_the_rows_do_not_reach_are_spread_over_labels_and_tree() -> None:
    cells = [
        Cell(label=label, topic=f"topic {topic}", subtopic=f"{topic}.{matter}", source_type="email")
        for label in LABELS
        for topic in range(3)
        for matter in range(3)
    ]

    items = plan(mistaken((0, 1, 5)), 48, thin=missing_cells(dict.fromkeys(cells, 0), 1), wanted=1).items

    thin = [item for item in items if "less than half" in item.reason]
    assert [(item.label, item.count) for item in thin] == [(label, 3) for label in LABELS]
    assert all({cell.topic for cell in item.cells} == {"topic 0", "topic 1", "topic 2"} for item in thin)


def test_which_labels_go_short_of_thin_cells_is_drawn_and_not_the_order_of_their_names() -> None:
    cells = [Cell(label=label, topic="topic", subtopic="matter", source_type="email") for label in LABELS]
    thin = missing_cells(dict.fromkeys(cells, 0), 1)

    def first(seed: int) -> str:
        (item,) = (
            i
            for i in plan(mistaken((0, 1, 5)), 4, thin=thin, wanted=1, seed=seed).items
            if "less than half" in i.reason
        )
        return item.label

    assert len({first(seed) for seed in range(8)}) > 2
    assert first(3) == first(3)


def test_the_next_round_follows_the_highest_round_so_far() -> None:
    assert next_round([make_example("imported", "a")]) == 0
    assert next_round([*written_rows(0), *written_rows(3)]) == 4


def test_a_mistaken_label_without_topics_gets_ordinary_texts_where_others_have_topics() -> None:
    cells = [Cell(label=label, topic="any", subtopic=str(n), source_type="post") for label in "abc" for n in range(4)]
    unlike = mistaken((0, 1, 9), (1, 0, 9), (3, 2, 1))

    with_all = plan(unlike, 12, held=dict.fromkeys(cells, 2), wanted=2).items
    without = plan(unlike, 12).items

    bare = [item for item in with_all if item.label == "d"]
    assert [(item.contrast, item.cells, item.count) for item in bare] == [(None, (), 3)]
    assert "which has no topics" in bare[0].reason
    assert sum(item.count for item in with_all) <= 12
    assert "d" not in {item.label for item in without}  # nothing has topics
