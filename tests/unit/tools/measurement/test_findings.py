"""The parts of an error analysis, each on rows where the right finding is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.cells import held_rows, missing_cells, redundant_cells, wanted_rows
from classwright_tools.measurement.clusters import error_clusters
from classwright_tools.measurement.confused_pairs import confused_pairs
from classwright_tools.measurement.label_issues import label_issues, told_apart
from classwright_tools.measurement.naming import group_names, telling_words, words
from classwright_tools.measurement.text_map import MOST_TEXTS as MOST_DRAWN
from classwright_tools.measurement.text_map import map_sample, text_map
from classwright_tools.statistics.coverage import coverage
from support.measurement import answers_of, support_tree, written_rows

LABELS = ("a", "b", "c", "d")


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


def test_the_rows_whose_label_is_least_probable_are_named_also_where_labels_have_few_rows() -> None:
    generator = np.random.default_rng(0)
    true = np.repeat(np.arange(4), 8)
    logits = generator.normal(0, 1.6, (len(true), 4)) + 2 * np.eye(4)[true]
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = answers_of(true, proba, LABELS)
    own = proba[np.arange(len(true)), true]

    issues = label_issues(found)

    contradicted = np.flatnonzero(
        (found.predicted != true) & told_apart(found)[true] & told_apart(found)[found.predicted]
    )
    assert 0 < len(issues) < len(contradicted)
    least = contradicted[np.argsort(own[contradicted])][: len(issues)]
    assert [issue.example for issue in issues] == [found.rows[place].id for place in least]


def test_real_rows_with_a_doubtful_label_come_before_written_ones() -> None:
    right = np.repeat(np.arange(2), 40)
    given, sure = right.copy(), np.full(80, 0.9)
    given[[3, 50]], sure[[3, 50]] = 1 - right[[3, 50]], [0.99, 0.97]
    proba = np.eye(2)[right] * (2 * sure - 1)[:, None] + (1 - sure)[:, None]
    found = answers_of(given, proba, LABELS[:2])
    rows = [row.model_copy(update={"origin": "written"}) if place < 40 else row for place, row in enumerate(found.rows)]

    issues = label_issues(replace(found, rows=tuple(rows)))

    assert [issue.example for issue in issues] == [rows[50].id, rows[3].id]


def test_a_row_whose_own_label_is_the_likeliest_is_no_issue() -> None:
    true = np.array([0] * 11 + [1] * 10)
    proba = np.array([[0.95, 0.05]] * 10 + [[0.6, 0.4]] + [[0.65, 0.35]] * 10)  # the eleventh is unsure, by far

    assert label_issues(answers_of(true, proba, LABELS[:2])) == ()


def test_answers_that_are_no_better_than_guessing_doubt_no_label() -> None:
    true = np.repeat(np.arange(2), 100)
    sure = np.random.default_rng(1).uniform(0.4, 0.6, 200)  # of label 0, whatever the label
    proba = np.stack([sure, 1 - sure], axis=1)

    assert not told_apart(answers_of(true, proba, LABELS[:2])).any()
    assert label_issues(answers_of(true, proba, LABELS[:2])) == ()


def test_labels_that_the_answers_hardly_tell_apart_are_not_doubted_though_the_others_beat_guessing() -> None:
    true = np.repeat(np.arange(3), 40)
    given = true.copy()
    given[:2] = 1  # two rows of the first label lie with the second one
    answered = true.copy()
    answered[80:110] = 0  # and most rows of the third are taken for the first
    proba = np.eye(3)[answered] * 0.8 + 0.2 / 3
    found = answers_of(given, proba, LABELS[:3])

    assert told_apart(found).tolist() == [True, True, False]
    assert {(issue.given, issue.suggested) for issue in label_issues(found)} == {(LABELS[1], LABELS[0])}


@pytest.mark.parametrize(("rows", "doubted"), [(3, False), (5, True)])
def test_a_label_of_very_few_rows_is_not_doubted_though_most_of_them_are_found(rows: int, doubted: bool) -> None:
    true = np.repeat(np.arange(3), [40, 40, rows])
    answered = true.copy()
    answered[-1] = 0
    found = answers_of(true, np.eye(3)[answered] * 0.8 + 0.2 / 3, LABELS[:3])

    assert told_apart(found).all()
    assert bool(label_issues(found)) == doubted


@pytest.mark.parametrize(("right", "named"), [(0.58, False), (0.7, True)])
def test_answers_that_are_mostly_wrong_doubt_no_row_though_each_label_is_found_in_half_of_its_rows(
    right: float, named: bool
) -> None:
    true = np.repeat(np.arange(3), 200)
    random = np.random.default_rng(0)
    predicted = np.where(random.random(600) < right, true, (true + random.integers(1, 3, 600)) % 3)
    found = answers_of(true, np.eye(3)[predicted] * 0.5 + random.dirichlet((2, 2, 2), 600) * 0.5, LABELS[:3])

    assert told_apart(found).all()
    assert bool(label_issues(found)) == named


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


def test_words_are_told_of_a_group_only_where_they_are_more_frequent_by_more_than_chance() -> None:
    chatter = ["bread", "apple", "stone", "river", "cloud", "table", "horse", "paper", "glass", "chair"]
    noise = [[" ".join(np.random.default_rng(100 * g + n).choice(chatter, 3)) for n in range(12)] for g in (0, 1)]
    assert [telling_words(noise[0], noise[1]), telling_words(noise[1], noise[0])] == ["", ""]
    assert telling_words([f"refund {text}" for text in noise[0]], noise[1]) == "refund"
    assert telling_words(["refund it", "refund"], []) == telling_words([], ["refund"]) == ""


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


def test_a_cell_whose_rows_were_given_another_label_is_not_missing() -> None:
    label, topic = "refund", "money"
    rows = []
    for row in written_rows():
        cell = row.provenance and row.provenance.cell
        if cell and (cell.label, cell.topic) == (label, topic):
            made = Provenance(cell=cell.model_copy(update={"label": "question"}), writer="m")
            row = row.model_copy(update={"label": "question", "provenance": made})
        rows.append(row)

    held = held_rows(rows, support_tree())

    assert (label, topic) not in {(cell.label, cell.topic) for cell in held}
    assert len(held) == len(support_tree().cells()) - 1
    assert missing_cells(held, wanted=3) == ()


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


# --- names of clusters, map, coverage


@pytest.mark.parametrize("text", ["does https://t.co/abc {} @anna", "it does {} &amp; does just really"])
def test_a_cluster_is_named_by_words_of_its_own_alone(text: str) -> None:
    [name] = group_names([[text.format("lost parcel"), text.format("parcel again")]], ["does it work", "it is fine"])

    assert name == "parcel"


def test_a_cluster_without_words_of_its_own_is_named_by_its_most_central_text() -> None:
    found = answers_of([0] * 6, np.array([[0, 1]] * 3 + [[1, 0]] * 3), LABELS[:2])

    [cluster] = error_clusters(found, lambda texts: np.ones((len(texts), 2)), 0)

    assert cluster.name == f"such as {cluster.examples[0]!r}"


def test_the_map_is_seeded_and_keeps_real_texts_when_there_are_too_many(tmp_path: Path) -> None:
    real = np.arange(5_000) < 300

    chosen = map_sample(real, seed=0)

    assert len(chosen) == MOST_DRAWN == len(set(chosen.tolist()))
    assert real[chosen].sum() == 300
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    first, second = text_map(vectors, 0, tmp_path / "first"), text_map(vectors, 0, tmp_path / "second")
    assert (first == second).all()
    assert first.shape == (40, 2)


def test_coverage_counts_the_answers_at_or_above_each_threshold() -> None:
    confidence = np.array([0.95, 0.8, 0.55, 0.8, -1.0])  # the last one is out of scope
    right = np.array([True, True, False, True, True])

    table = {row.threshold: (row.kept, row.share, row.accuracy.value) for row in coverage(confidence, right, 0.85)}

    assert table[0.0] == (4, 0.8, 0.75)
    assert table[0.8] == (3, 0.6, 1.0)
    assert table[0.85] == (1, 0.2, 1.0)
    assert table[0.99] == (0, 0.0, 0.0)
