"""The parts of an error analysis, each on rows where the right finding is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.domain.example import Provenance, make_example, next_round
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.bare_text import bare_text
from classwright_tools.measurement.cells import held_rows, missing_cells, redundant_cells, wanted_rows
from classwright_tools.measurement.clusters import error_clusters
from classwright_tools.measurement.confused_pairs import confused_pairs
from classwright_tools.measurement.label_issues import label_issues
from classwright_tools.measurement.naming import group_names, words
from classwright_tools.measurement.regeneration import (
    LEAST_TEXTS,
    MOST_TEXTS,
    confused_labels,
    plan_items,
    shares,
)
from classwright_tools.measurement.style import sentences, style_gaps, told_form
from classwright_tools.measurement.text_map import MOST_TEXTS as MOST_DRAWN
from classwright_tools.measurement.text_map import map_sample, text_map
from classwright_tools.statistics.coverage import coverage
from support.measurement import answers_of, support_tree, written_rows

LABELS = ("a", "b", "c", "d")


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


# --- the plan


def test_each_label_is_contrasted_with_the_label_that_it_is_mixed_up_with_in_both_directions() -> None:
    found = answers_of(*mixed_up(), LABELS)

    items = plan_items(found, [found], (), 2, rows=60)

    ranked = [(item.label, item.contrast) for item in items]
    assert set(ranked[:4]) == {("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")}
    assert all((contrast, label) in ranked for label, contrast in ranked)


def test_a_confusion_that_made_no_error_yet_is_planned_by_its_probability() -> None:
    true = np.repeat(np.arange(3), 10)
    proba = np.full((30, 3), 0.005)
    proba[np.arange(30), true] = 0.99
    proba[:10] = [0.6, 0.39, 0.01]
    found = answers_of(true, proba, LABELS[:3])

    items = plan_items(found, [found], (), 2, rows=100)

    assert not len(found.wrong)
    assert {(item.label, item.contrast) for item in items} == {("a", "b"), ("b", "a")}
    assert items[0].reason.startswith("0 of 10 rows of 'a' were taken for 'b', 0 of 10 the other way")


def test_nothing_is_planned_where_nothing_is_confused() -> None:
    true = np.repeat(np.arange(4), 5)
    found = answers_of(true, np.eye(4)[true] * 0.996 + 0.001, LABELS)

    assert plan_items(found, [found], (), 2, rows=300) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.02, 2), min_size=1, max_size=60), st.integers(1, 2_000))
def test_shares_spend_no_more_than_there_is_and_stay_within_bounds(weights: list[float], rows: int) -> None:
    weights = sorted(weights, reverse=True)[: max(1, rows // LEAST_TEXTS)]

    counts = shares(np.array(weights), rows)

    assert sum(counts) <= rows
    assert all(min(LEAST_TEXTS, rows) <= count <= MOST_TEXTS for count in counts)
    assert counts == sorted(counts, reverse=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 400), st.randoms(use_true_random=False))
def test_a_plan_never_exceeds_its_rows_and_does_not_depend_on_their_order(seed: int, rows: int, random: object) -> None:
    true, proba = mixed_up(seed)
    texts = [f"text number {place}" for place in range(len(true))]
    order = np.arange(len(true))
    random.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
    one = answers_of(true, proba, LABELS, texts)
    other = answers_of(true[order], proba[order], LABELS, [texts[place] for place in order])

    items = plan_items(one, [one], (), 2, rows)

    assert 0 < sum(item.count for item in items) <= rows
    assert [(i.label, i.contrast, i.style) for i in items] == [
        (i.label, i.contrast, i.style) for i in plan_items(other, [other], (), 2, rows)
    ]


def test_the_style_is_shown_by_real_misclassified_texts_of_the_label_the_ones_taken_for_the_contrast_first() -> None:
    true = np.array([0] * 8 + [1] * 8)
    proba = np.full((16, 3), 0.2)
    proba[np.arange(16), true] = 0.6
    proba[:2] = [0.1, 0.2, 0.7]  # taken for c
    proba[2:4] = [0.1, 0.7, 0.2]  # taken for b
    found = answers_of(true, proba, LABELS[:3])

    items = {(item.label, item.contrast): item for item in plan_items(found, [found], (), 2, rows=60)}

    assert set(items["a", "b"].style[:2]) == {"text number 2", "text number 3"}
    assert set(items["a", "b"].style) == {f"text number {place}" for place in range(4)}
    assert items["b", "a"].style == ()


def test_written_texts_never_show_the_style() -> None:
    true, proba = mixed_up(confusable=0.6)
    found = answers_of(true, proba, LABELS, origin="written")

    assert len(found.wrong)
    assert all(item.style == () for item in plan_items(found, [found], (), 2, rows=60))


def test_thin_cells_are_planned_but_take_a_quarter_of_the_rows_at_most() -> None:
    found = answers_of(*mixed_up(), LABELS)
    rows = [row for row in written_rows() if row.label != "refund"]
    thin = missing_cells(held_rows(rows, support_tree()), wanted=3)

    items = plan_items(found, [found], thin, 3, rows=100)
    few = plan_items(found, [found], thin, 3, rows=12)

    cells = [item for item in items if item.contrast is None]
    assert [(item.label, len(item.cells), item.count) for item in cells] == [("refund", 2, 6)]
    assert sum(item.count for item in few if item.contrast is None) == 3


def test_the_neighbours_of_several_sources_are_those_of_their_mean() -> None:
    true = np.repeat(np.arange(3), 10)
    a_like_b, a_like_c = (np.eye(3)[true] * 0.9 + 0.01 for _ in range(2))
    a_like_b[:10, 1], a_like_c[:10, 2] = 0.3, 0.6
    sources = [answers_of(true, proba, LABELS[:3]) for proba in (a_like_b, a_like_c)]

    pairs = confused_labels(sources)

    assert pairs[0, 2] > pairs[0, 1] > 0.1


def test_a_pair_is_as_confused_as_both_directions_together() -> None:
    true = np.repeat(np.arange(3), 10)
    proba = np.eye(3)[true] * 0.99 + 0.0033
    proba[:10] = [0.7, 0.3, 0.0]
    proba[10:20] = [0.1, 0.9, 0.0]

    pairs = confused_labels([answers_of(true, proba, LABELS[:3])])

    assert pairs == {(0, 1): pytest.approx(0.4), (1, 0): pytest.approx(0.4)}


def test_the_next_round_follows_the_highest_round_so_far() -> None:
    assert next_round([make_example("imported", "a")]) == 0
    assert next_round([*written_rows(0), *written_rows(3)]) == 4


# --- pairs, issues, clusters, names


def test_confused_pairs_show_the_surest_errors_first() -> None:
    true = np.array([0, 0, 0, 1])
    proba = np.array([[0.4, 0.6], [0.1, 0.9], [0.9, 0.1], [0.2, 0.8]])

    pairs = confused_pairs(answers_of(true, proba, LABELS[:2]))

    assert [(pair.label, pair.predicted, pair.count) for pair in pairs] == [("a", "b", 2)]
    assert pairs[0].examples == ("text number 1", "text number 0")


def test_rows_whose_label_was_swapped_are_found_with_the_right_label() -> None:
    generator = np.random.default_rng(0)
    right = np.repeat(np.arange(4), 40)
    swapped = [3, 50, 90, 130, 150]
    sure = generator.uniform(0.5, 0.95, len(right))
    sure[swapped] = 0.97
    proba = np.repeat((1 - sure)[:, None] / 3, 4, axis=1)
    proba[np.arange(len(right)), right] = sure
    given = right.copy()
    given[swapped] = (right[swapped] + 1) % 4
    found = answers_of(given, proba, LABELS)
    validation = {found.rows[3].id}

    issues = label_issues(found, validation)

    assert {issue.example for issue in issues} == {found.rows[place].id for place in swapped}
    by_id = {issue.example: issue for issue in issues}
    assert all(by_id[found.rows[place].id].suggested == LABELS[right[place]] for place in swapped)
    assert Counter(issue.split for issue in issues) == {"train": 4, "validation": 1}
    given = [issue.given_probability for issue in issues]
    assert given == sorted(given)
    assert given == pytest.approx([0.01] * 5)
    assert [issue.suggested_probability for issue in issues] == pytest.approx([0.97] * 5)


def test_a_row_whose_own_label_is_the_likeliest_is_no_issue() -> None:
    true = np.array([0] * 11 + [1] * 10)
    proba = np.array([[0.95, 0.05]] * 10 + [[0.6, 0.4]] + [[0.65, 0.35]] * 10)  # the eleventh is unsure, by far

    assert label_issues(answers_of(true, proba, LABELS[:2])) == ()


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 2, 2, 0]])
def test_label_issues_bear_labels_without_rows(labels: list[int]) -> None:
    true = np.array(labels)

    assert label_issues(answers_of(true, np.eye(3)[true] * 0.7 + 0.1, LABELS[:3])) == ()


def test_errors_about_two_things_make_two_named_clusters() -> None:
    parcels = [f"the parcel from {place} got lost" for place in ("Rome", "Paris", "Oslo", "Kyiv", "Graz", "Bern")]
    passwords = [f"{name} forgot the password again" for name in ("Ann", "Bob", "Cy", "Dan", "Eve")]
    fine = [f"the weather in {place} is fine" for place in ("May", "June", "July")]
    texts = [*parcels, *passwords, *fine]
    true = np.array([0] * len(parcels) + [1] * len(passwords) + [0] * len(fine))
    predicted = np.array([1] * len(parcels) + [0] * len(passwords) + [0] * len(fine))
    found = answers_of(true, np.eye(2)[predicted] * 0.8 + 0.1, LABELS[:2], texts)

    def embed(texts: list[str]) -> np.ndarray:
        directions = np.array([[1.0, 0.0] if "parcel" in text else [0.0, 1.0] for text in texts])
        noise = np.random.default_rng(0).normal(0, 0.05, directions.shape)
        return (directions + noise) / np.linalg.norm(directions + noise, axis=1, keepdims=True)

    clusters = error_clusters(found, embed, seed=0)

    assert [(cluster.errors, cluster.labels) for cluster in clusters] == [(6, {"a": 6}), (5, {"b": 5})]
    assert "parcel" in clusters[0].name
    assert "password" in clusters[1].name


def test_one_error_is_a_cluster_and_no_error_is_none() -> None:
    one = answers_of([0, 1], np.array([[0.2, 0.8], [0.1, 0.9]]), LABELS[:2])
    none = answers_of([0, 1], np.eye(2), LABELS[:2])

    def embed(texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 2))

    assert [cluster.errors for cluster in error_clusters(one, embed, 0)] == [1]
    assert error_clusters(none, embed, 0) == ()


def test_a_name_has_the_words_of_its_group_and_not_those_of_all() -> None:
    names = group_names(
        [["my card was stolen", "a stolen card"], ["my card is late", "the late card"]], ["the card", "a card works"]
    )

    assert names[0].startswith("stolen")
    assert names[1].startswith("late")
    assert names[0].split(", ")[0] not in names[1]


def test_words_are_found_in_scripts_without_spaces_and_with_accents() -> None:
    assert words("Où est ma Café-Karte?") == ["où", "est", "ma", "café", "karte"]
    assert words("退款没有到账") == ["退款", "款没", "没有", "有到", "到账"]
    assert words("I don’t know the PIN") == ["know", "pin"]  # noqa: RUF001  # a typographic apostrophe


# --- cells


def test_an_empty_cell_is_missing_and_a_thin_one_too() -> None:
    rows = written_rows()
    thinned = [row for row in rows if row.text not in {other.text for other in rows[:3] + rows[7:9]}]

    found = missing_cells(held_rows(thinned, support_tree()), wanted=3)

    assert [(finding.cell.label, finding.cell.topic, finding.rows) for finding in found] == [
        ("refund", "money", 0),
        ("delivery", "late", 1),
    ]
    assert found[1].detail == "1 of 3 rows"


def test_the_wanted_rows_are_what_most_cells_have() -> None:
    assert wanted_rows(held_rows(written_rows()[2:], support_tree())) == 3
    assert wanted_rows(held_rows([make_example("imported", "refund")], support_tree())) == 2


def test_a_topic_that_nothing_was_written_about_is_missing() -> None:
    cells = support_tree().cells()
    absent = cells[0].topic
    rows = [
        make_example(f"text {number}", cell.label, origin="written", provenance=Provenance(cell=cell, writer="m"))
        for number, cell in enumerate((*cells, *cells))
        if cell.topic != absent
    ]
    held = held_rows(rows, support_tree())

    found = missing_cells(held, wanted_rows(held))

    assert sum(held.values()) == len(rows)
    assert [finding.cell for finding in found] == [cell for cell in cells if cell.topic == absent]
    assert {finding.detail for finding in found} == {"0 of 2 rows"}


def test_a_cell_whose_rows_say_the_same_is_redundant() -> None:
    rows = written_rows()
    embeddings = np.eye(len(rows))
    embeddings[1] = embeddings[0]  # two of the three rows of the first cell
    vectors = dict(zip((row.text for row in rows), embeddings, strict=True))

    found = redundant_cells(rows, lambda texts: np.array([vectors[text] for text in texts]), seed=0)

    assert [(finding.cell.topic, finding.finding, finding.rows) for finding in found] == [("money", "redundant", 3)]
    assert found[0].detail == "2 of 3 rows say nearly the same as another"


def test_contrast_rows_belong_to_no_cell() -> None:
    contrast = make_example(
        "like the other",
        "refund",
        origin="written",
        provenance=Provenance(cell=Cell(label="refund"), contrast="delivery"),
    )

    assert redundant_cells([contrast, contrast], lambda texts: np.ones((len(texts), 3)), seed=0) == ()
    assert not any(held_rows([contrast], support_tree()).values())


# --- style, map, coverage


def rows_of(texts: Sequence[str], label: str | None = None) -> list[Example]:
    """Return rows of `texts`, of which some may be alike."""
    return [make_example(text, label) for text in texts]


def test_the_style_gap_reads_what_differs_and_what_does_not() -> None:
    written = ["Hello, I'd like to know when the parcel that I ordered last week will come to my house."] * 60
    real = ["where is my parcel??"] * 60

    gaps = {gap.measure: gap for gap in style_gaps(rows_of(written), rows_of(real))}

    assert gaps["share of long texts"].reading == (
        "100% of written texts have more than 4 words, against 0% of real ones: "
        "ask for fewer texts of more than 4 words."
    )
    assert gaps["share of questions"].reading == (
        "0% of written texts ask a question, against 100% of real ones: ask for more questions."
    )
    assert gaps["share of greetings"].reading.endswith("ask for fewer greetings.")
    assert gaps["share of lower-case starts"].real.value == 1
    assert gaps["share of exclamations"].reading == "About as many written texts as real ones have an exclamation mark."
    assert [gap.differs for gap in gaps.values()] == sorted((gap.differs for gap in gaps.values()), reverse=True)


def test_real_texts_that_are_both_shorter_and_longer_want_both() -> None:
    middling = [f"word{n} " + "so " * 19 for n in range(60)]
    mixed = [f"tiny {n}" for n in range(30)] + [f"long {n} " + "so " * (60 + n) for n in range(30)]

    advice = {gap.measure: gap.reading for gap in style_gaps(rows_of(middling), rows_of(mixed)) if gap.differs}

    assert advice["share of short texts"].endswith("ask for more texts of at most 2 words.")
    assert advice["share of long texts"].endswith("ask for more texts of more than 76 words.")


def test_a_label_that_is_more_frequent_among_real_rows_is_no_style() -> None:
    questions, answers = [f"is it number {n}?" for n in range(80)], [f"it is number {n}." for n in range(80)]
    written = [*rows_of(questions[:40], "ask"), *rows_of(answers[:40], "tell")]
    real = [*rows_of(questions[40:], "ask"), *rows_of(answers[40:45], "tell")]

    assert not [gap.reading for gap in style_gaps(written, real) if gap.differs]
    without_labels = [make_example(row.text, None) for row in real]
    assert [gap.measure for gap in style_gaps(written, without_labels) if gap.differs] == ["share of questions"]


def test_what_differs_in_one_label_alone_is_told_of_that_label() -> None:
    written = [*rows_of([f"is {n} here?" for n in range(40)], "a"), *rows_of([f"{n} is here" for n in range(40)], "b")]
    real = [
        *rows_of([f"is {n} here?" for n in range(40, 80)], "a"),
        *rows_of([f"{n} is here!" for n in range(40, 80)], "b"),
    ]

    told = [gap for gap in style_gaps(written, real) if gap.label]

    assert [(gap.label, gap.measure) for gap in told] == [("b", "share of exclamations")]
    assert told[0].reading == (
        "0% of written texts of 'b' have an exclamation mark, against 100% of real ones: ask for more exclamations."
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_texts_drawn_alike_hardly_ever_show_a_gap(seed: int) -> None:
    generator = np.random.default_rng(seed)
    kinds = ["is it here?", "it is here!", "no", "It is not here. It was here before, and I said so to all of them."]
    texts = [f"{kinds[kind]} {place}" for place, kind in enumerate(generator.integers(0, 4, 160))]

    assert sum(gap.differs for gap in style_gaps(rows_of(texts[:80]), rows_of(texts[80:]))) <= 1


def test_a_handful_of_texts_shows_no_style_gap() -> None:
    gaps = style_gaps(rows_of(["Where is it?", "I wait.", "Hello."]), rows_of(["it is late", "Now?", "gone"]))

    assert not any(gap.differs for gap in gaps)
    assert all("About as many" in gap.reading for gap in gaps)
    assert style_gaps([], rows_of(["text"])) == ()


def test_the_form_of_some_texts_is_told_beside_that_of_the_others() -> None:
    errors = [f"what is {n}?" for n in range(20)]
    others = [f"Please tell me about number {n}, which I wrote about in my last letter to you." for n in range(60)]

    told = told_form(errors, others)

    assert "100% ask a question (0% of the others)" in told
    assert told_form(errors, errors) == told_form([], others) == ()


TYPED = ["I don't know whether the company's offer of $0.11 (over 5%) is good, and it's late."] * 60


@pytest.mark.parametrize(
    "exported",
    [
        "I do n't know whether the company 's offer of $ 0.11 ( over 5 % ) is good , and it 's late .",
        "I don't know whether the company's offer of $0.11 (over 5%) is good, and it's late. https://t.co/a.b?c=D!e",
        "RT @Anna_K: I don't know whether the company's offer of $0.11 (over 5%) is good, and it's late.",
        "I don’t know whether the company’s offer of $0.11 (over 5%) is good, and it’s late.",  # noqa: RUF001
    ],
    ids=["tokenised", "with a link", "with a handle", "typographic"],
)
def test_what_tokenisers_and_exports_put_into_a_text_is_no_style(exported: str) -> None:
    assert not [gap.reading for gap in style_gaps(rows_of(TYPED), rows_of([exported] * 60)) if gap.differs]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It cost $0.11 in the U.S. market, e.g. at Smith Inc. today.", 1),
        ("See www.shop.example/a.b and https://t.co/x.y for it.", 1),
        ("It broke. please help", 2),
        ("Really?! Yes... and no.", 3),
        ("1. Open the app", 1),
        ("Mr. Smith wrote at 5 p.m. on Jan. 5.", 1),
        ("\u9000\u6b3e\u4e86\u3002\u8c22\u8c22\uff01\u597d", 3),
    ],
)
def test_a_sentence_ends_where_a_reader_says_so(text: str, count: int) -> None:
    assert sentences(bare_text(text)) == count


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("The company's results and its owner's letter", "contractions"),
        ("The results , and the letter ...", "careless spelling"),
        ("Read https://u.example/im?i=thx now", "careless spelling"),
        ("The U.S. and part (i) of the law", "careless spelling"),
    ],
)
def test_what_only_looks_like_a_habit_of_typing_is_none(text: str, measure: str) -> None:
    gaps = {gap.measure: gap for gap in style_gaps(rows_of([text]), rows_of([text]))}

    assert gaps[f"share of {measure}"].real.value == 0


def test_habits_of_typing_english_are_not_looked_for_in_other_languages() -> None:
    german = rows_of(["Ich bin im Haus"] * 50)

    assert {gap.measure for gap in style_gaps(german, german, ("de",))}.isdisjoint(
        {"share of contractions", "share of careless spelling"}
    )


@pytest.mark.parametrize("text", ["does https://t.co/abc {} @anna", "it does {} &amp; does just really"])
def test_a_cluster_is_named_by_words_of_its_own_alone(text: str) -> None:
    [name] = group_names([[text.format("lost parcel"), text.format("parcel again")]], ["does it work", "it is fine"])

    assert name == "parcel"


def test_a_cluster_without_words_of_its_own_is_named_by_its_most_central_text() -> None:
    found = answers_of([0] * 6, np.array([[0, 1]] * 3 + [[1, 0]] * 3), LABELS[:2])

    [cluster] = error_clusters(found, lambda texts: np.ones((len(texts), 2)), 0)

    assert cluster.name == f"such as {cluster.examples[0]!r}"


def test_the_map_is_seeded_and_keeps_real_texts_when_there_are_too_many() -> None:
    real = np.arange(5_000) < 300

    chosen = map_sample(real, seed=0)

    assert len(chosen) == MOST_DRAWN == len(set(chosen.tolist()))
    assert real[chosen].sum() == 300
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    assert (text_map(vectors, 0) == text_map(vectors, 0)).all()
    assert text_map(vectors, 0).shape == (40, 2)


def test_coverage_counts_the_answers_at_or_above_each_threshold() -> None:
    true = np.array([0, 0, 1, 1])
    proba = np.array([[0.95, 0.05], [0.8, 0.2], [0.55, 0.45], [0.2, 0.8]])

    table = {row.threshold: (row.kept, row.share, row.accuracy.value) for row in coverage(true, proba, 0.85)}

    assert table[0.0] == (4, 1.0, 0.75)
    assert table[0.8] == (3, 0.75, 1.0)
    assert table[0.85] == (1, 0.25, 1.0)
    assert table[0.99] == (0, 0.0, 0.0)
