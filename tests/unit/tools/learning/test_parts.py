"""The parts of training: the head, the loss, the batches, the groups, the splits."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from classwright_tools.curation.duplicates import NearDuplicates
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.contrastive import (
    number_of_steps,
    pair_loss,
    recipe_of,
    supervised_contrastive_loss,
)
from classwright_tools.learning.head import Head, fit_head
from classwright_tools.learning.rows import Rows, label_numbers, training_rows, without_copies, written_at_once
from classwright_tools.learning.splits import grouped_folds, needed_folds, sampled_places
from classwright_tools.learning.tuning import average_weights
from classwright_tools.statistics.grouped_folds import fold_of_each
from support.learning import WRITTEN, written_rows

LABELS = tuple(WRITTEN)


@pytest.mark.parametrize("weights", ["none", "by class", "by row"])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_the_head_gives_the_probabilities_that_scikit_learn_comes_to_in_the_end(k: int, weights: str) -> None:
    generator = np.random.default_rng(0)
    points, labels = generator.normal(size=(120, 6)), generator.integers(0, k, 120)
    balanced, counts = weights == "by class", generator.uniform(0.2, 5, 120) if weights == "by row" else None
    logits = fit_head(points, labels, k, c=1.0, balanced=balanced, row_weights=counts).logits(points)
    exact = LogisticRegression(tol=1e-9, max_iter=10_000, class_weight="balanced" if balanced else None)
    np.testing.assert_allclose(softmax(logits), exact.fit(points, labels, counts).predict_proba(points), atol=2e-3)


def test_a_label_without_rows_in_a_fold_is_never_the_answer() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    logits = fit_head(points, np.arange(40) % 2 * 3, 4).logits(points)
    assert set(logits.argmax(axis=1)) == {0, 3}


def test_class_weights_find_more_of_a_rare_label() -> None:
    generator = np.random.default_rng(1)
    points = np.concatenate([generator.normal(size=(190, 2)), generator.normal(size=(10, 2)) + 1])
    labels = np.array([0] * 190 + [1] * 10)
    found = [
        (fit_head(points, labels, 2, balanced=balanced).logits(points[190:]).argmax(axis=1) == 1).sum()
        for balanced in (False, True)
    ]
    assert found[0] < found[1]


def test_a_head_reads_back_to_the_bit(tmp_path: Path) -> None:
    head = fit_head(np.random.default_rng(0).normal(size=(30, 5)), np.arange(30) % 3, 3)
    head.save(tmp_path / "head.safetensors")
    again = Head.load(tmp_path / "head.safetensors")
    assert (again.weights == head.weights).all()
    assert (again.biases == head.biases).all()


def unit_vectors(n: int, seed: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(n, 4, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_the_contrastive_loss_is_equation_2_of_khosla_et_al_written_out() -> None:
    vectors = unit_vectors(7, 0)
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 0])  # one text is alone with its label
    terms = []
    for i in range(7):
        others = [a for a in range(7) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if positives:
            denominator = sum(torch.exp(vectors[i] @ vectors[a] / 0.1) for a in others)
            logs = [torch.log(torch.exp(vectors[i] @ vectors[p] / 0.1) / denominator) for p in positives]
            terms.append(-sum(logs) / len(logs))
    expected = sum(terms) / len(terms)
    assert supervised_contrastive_loss(vectors, labels, 0.1).item() == pytest.approx(float(expected), rel=1e-5)


def test_a_batch_without_two_texts_of_a_label_has_no_loss_and_finite_gradients() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(3, 4), dim=1).requires_grad_()
    loss = supervised_contrastive_loss(vectors, torch.arange(3), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_the_pair_loss_is_setfits_own_on_every_pair_once() -> None:
    vectors, labels = unit_vectors(7, 0), torch.tensor([0, 0, 1, 1, 1, 2, 0])  # one text is alone
    pairs = list(combinations(range(7), 2))
    first, second = (vectors[[pair[side] for pair in pairs]] for side in (0, 1))
    targets = torch.tensor([float(labels[a] == labels[b]) for a, b in pairs])
    expected = torch.nn.functional.mse_loss(torch.cosine_similarity(first, second), targets)
    assert pair_loss(vectors, labels).item() == pytest.approx(expected.item(), rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.permutations(range(4)), st.randoms())
def test_neither_the_names_of_labels_nor_the_order_of_texts_change_the_pair_loss(
    labels: list[int], names: list[int], chance: Random
) -> None:
    vectors, numbers = unit_vectors(len(labels), 2), torch.tensor(labels)
    order = chance.sample(range(len(labels)), len(labels))
    same = pair_loss(vectors[order], torch.tensor(names)[numbers][order])
    torch.testing.assert_close(same, pair_loss(vectors, numbers))


@pytest.mark.parametrize(("labels", "wanted"), [([0, 1, 2], 0.0), ([1, 1, 1], 1.0)])
def test_a_batch_without_one_kind_of_pairs_has_the_pair_loss_of_the_other_and_finite_gradients(
    labels: list[int], wanted: float
) -> None:
    vectors = unit_vectors(3, 3).requires_grad_()
    loss = pair_loss(vectors, torch.tensor(labels))
    loss.backward()
    cosines = (vectors @ vectors.T).detach()[~torch.eye(3, dtype=torch.bool)]
    assert loss.item() == pytest.approx(float((cosines - wanted).square().mean()), rel=1e-5)
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()


def test_the_pair_loss_of_a_single_text_is_0() -> None:
    assert pair_loss(unit_vectors(1, 3), torch.tensor([2])).item() == 0


def test_few_rows_get_more_passes_and_a_number_of_passes_is_kept() -> None:
    assert number_of_steps(864, 64, None) == 41  # three times 13.5
    assert number_of_steps(16, 16, None) == 12
    assert number_of_steps(16, 16, 2) == 2


def test_few_rows_are_compared_by_pairs_and_many_by_the_contrastive_loss() -> None:
    vectors, labels = unit_vectors(6, 4), torch.tensor([0, 0, 1, 1, 2, 2])
    few, many = recipe_of(64).loss, recipe_of(65).loss
    assert few(vectors, labels).item() == pair_loss(vectors, labels).item()
    assert many(vectors, labels).item() == supervised_contrastive_loss(vectors, labels, 0.07).item()


@pytest.mark.parametrize("rows", [16, 24, 32, 48, 64])
def test_few_rows_are_tuned_about_as_far_as_by_setfit(rows: int) -> None:
    """The sum of the learning rates, at setfit's defaults: 20 draws of a pair of each kind a row, 16 pairs a step."""
    recipe = recipe_of(rows)
    far = number_of_steps(rows, recipe.batch, None) * recipe.learning_rate
    assert far == pytest.approx(rows * 20 * 2 / 16 * 2e-5, rel=0.2)


def test_averaged_weights_lie_where_the_share_says() -> None:
    frozen, tuned = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    expected = 0.25 * tuned.weight.detach().clone() + 0.75 * frozen.weight
    average_weights(tuned, frozen, 0.25)  # type: ignore[arg-type]
    torch.testing.assert_close(tuned.weight, expected)


def cell_row(text: str, label: str, topic: str | None, contrast: str | None = None, round_: int = 0) -> Example:
    cell = Cell(label=label, topic=topic, subtopic=topic, source_type="mail")
    made = Provenance(cell=cell, contrast=contrast, round=round_, writer="w")
    return make_example(text, label, origin="written", provenance=made)


def test_rows_of_a_cell_and_near_duplicates_are_one_group_and_chains_of_them_too() -> None:
    rows = [
        cell_row("where is my parcel, it is late", "delivery", "late"),
        cell_row("no courier in sight", "delivery", "late"),
        cell_row("Where is my parcel, it is late!!", "delivery", "options"),
        cell_row("do you ship abroad", "delivery", "options"),
        cell_row("refund my order", "refund", "wish"),
        cell_row("money back", "refund", "other wish"),
    ]
    groups = training_rows(rows, ("refund", "delivery")).groups
    assert len(set(groups[:4])) == 1
    assert len(set(groups)) == 3


@given(st.permutations(range(3)))
def test_every_two_near_duplicates_are_in_one_group_in_whatever_order_they_come(order: list[int]) -> None:
    """The first resembles both others, which do not resemble each other enough."""
    alike = [
        "please tell me when the parcel with my new shoes arrives at home",
        "please tell me when the parcel with my new shoes arrives at home today please",
        "hi there please tell me when the parcel with my new shoes arrives at home",
    ]
    index: NearDuplicates[int] = NearDuplicates()
    index.add_all([(1, alike[1]), (2, alike[2])])
    assert {match.id for match in index.matches(alike[0])} == {1, 2}
    assert index.matches(alike[1])[0].id == 1
    assert len(index.matches(alike[1])) == 1
    rows = [make_example(alike[place], "delivery") for place in order]
    rows += [make_example(text, "refund") for text in ("money back", "pay me")]
    assert len(set(training_rows(rows, ("refund", "delivery")).groups[:3])) == 1


def test_rows_of_a_cell_are_one_group_in_whatever_round_they_were_written() -> None:
    rows = [
        cell_row("no courier in sight", "delivery", "late", round_=0),
        cell_row("the box has not come", "delivery", "late", round_=3),
        cell_row("do you ship abroad", "delivery", "options"),
        cell_row("refund my order", "refund", "wish"),
        cell_row("money back", "refund", "other wish"),
    ]
    assert np.bincount(training_rows(rows, ("refund", "delivery")).groups).max() == 2


def test_rows_of_a_label_that_was_written_at_once_can_be_held_out_of_one_another() -> None:
    rows = [cell_row(text, "refund", "wish") for text in ("money back", "please refund", "i want to be paid back")]
    rows += [cell_row("parcel is late", "delivery", "late"), cell_row("where is it now", "delivery", "lost")]
    assert written_at_once(rows) == ["refund"]
    assert len(set(training_rows(rows, ("refund", "delivery")).groups)) == 5


def test_rows_of_no_topic_are_not_one_group_for_being_of_one_label() -> None:
    rows = [cell_row(text, "refund", None) for text in ("money back", "please refund", "i want to be paid back")]
    rows += [cell_row(text, "delivery", None, "refund") for text in ("parcel is late", "where is it now")]
    rows += [cell_row("do you ship abroad", "delivery", "options")]
    groups = training_rows(rows, ("refund", "delivery")).groups
    assert len(set(groups[:3])) == 3
    assert len(set(groups[3:5])) == 1


def test_a_copy_of_a_held_out_row_does_not_stay_in_the_training_rows() -> None:
    held_out = [make_example("Where is my parcel?", "delivery"), make_example("please refund my broken lamp", "refund")]
    rows = [
        make_example("where is my PARCEL", "delivery"),
        make_example("please refund my broken lamps", "refund"),
        make_example("how do i pay", "refund"),
    ]
    assert [row.text for row in without_copies(rows, held_out)] == ["how do i pay"]


def test_a_text_that_differs_from_a_held_out_row_by_its_link_or_a_handle_alone_is_a_copy() -> None:
    held_out = [
        make_example("RT @ann: the bank cuts its rates https://t.co/aBcDeFgHiJ", "news"),
        make_example("@bob", "x"),
    ]
    kept = ["the bank cuts its costs https://t.co/aBcDeFgHiJ", "@eve https://t.co/0"]
    rows = [make_example("The bank cuts its rates  https://t.co/Zyx987", "news"), *(make_example(t, "x") for t in kept)]
    assert [row.text for row in without_copies(rows, held_out)] == kept


def test_label_numbers_are_places_in_the_list_so_10_is_never_1() -> None:
    labels = tuple(str(number) for number in range(12))
    rows = [make_example(f"text of {label}", label) for label in ("10", "1", "11", "0")]
    assert label_numbers(rows, labels).tolist() == [10, 1, 11, 0]


def test_a_label_that_the_task_lacks_is_named() -> None:
    with pytest.raises(InvalidInput, match="'billing'"):
        label_numbers([make_example("text", "billing")], LABELS)


def test_a_label_with_one_row_is_named() -> None:
    rows = [row for row in written_rows() if row.label != "account"] + [make_example("only one", "account")]
    with pytest.raises(NotEnoughData, match=r"'account' \(1\)"):
        training_rows(rows, LABELS)


@pytest.mark.parametrize("seed", range(8))
def test_folds_are_those_of_scikit_learns_stratified_group_k_fold(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels, groups = generator.integers(0, 3 + 5 * seed, 300), generator.integers(0, 40 + 60 * seed, 300)
    splitter = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=seed)
    expected = [held_out.tolist() for _, held_out in splitter.split(labels[:, None], labels, groups)]
    found = fold_of_each(labels, groups, 4, seed)
    assert [np.flatnonzero(found == fold).tolist() for fold in range(4)] == expected


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=8, max_size=80), st.integers(0, 100))
def test_no_group_is_on_both_sides_of_a_split_and_no_row_is_held_out_twice_or_without_its_label(
    pairs: list[tuple[int, int]], seed: int
) -> None:
    labels, groups = np.array([*pairs, (0, 0), (0, 1)]).T  # every label that training meets has two rows
    rows = Rows(texts=tuple(map(str, range(len(labels)))), labels=labels, groups=groups, origin="written")
    folds = grouped_folds(rows, seed)
    held_out = np.concatenate([held for _, held in folds]) if folds else np.array([], int)
    assert len(set(held_out.tolist())) == len(held_out)
    for train, held in folds:
        assert not set(groups[train]) & set(groups[held])
        assert len(train) + len(held) <= len(rows)
        assert set(labels[held]) <= set(labels[train])


def test_rows_that_all_resemble_the_others_of_their_label_cannot_be_held_out_and_that_is_said() -> None:
    rows = Rows(texts=tuple("abcd"), labels=np.array([0, 0, 1, 1]), groups=np.array([0, 0, 1, 1]), origin="written")
    assert grouped_folds(rows, 0) == []
    with pytest.raises(NotEnoughData, match=r"resemble each other within each label.*Add rows of other topics"):
        needed_folds(rows, 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_of_many_rows_keeps_those_of_a_rare_label(seed: int) -> None:
    labels = np.array([0] * 4_000 + [1] * 2_997 + [2] * 3)
    sample = labels[sampled_places(labels, most=1_000, least=10, seed=seed)]
    assert 1_000 <= len(sample) <= 1_003
    assert np.bincount(sample)[2] == 3
    assert abs(np.bincount(sample)[0] - 571) < 60  # the others by their shares


def test_few_rows_are_all_in_their_sample() -> None:
    assert sampled_places(np.array([0, 1, 0]), most=3, least=1, seed=0).tolist() == [0, 1, 2]
