"""The conditional GAN: each modification acts, labels carry over by name, and collapse is seen for what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from classwright_tools.augmentation import gan_training
from classwright_tools.augmentation.faithfulness import faithfulness, vendi_score
from classwright_tools.augmentation.gan_fitting import Pretrained, fit_gan, pretrain
from classwright_tools.augmentation.gan_settings import PLAIN, GanSettings
from classwright_tools.augmentation.gan_training import TUNING, Networks, new_networks, train_networks
from classwright_tools.augmentation.helper_classifier import fit_helper
from classwright_tools.augmentation.pretrained_files import kept_pretrained, read_pretrained, write_pretrained
from classwright_tools.augmentation.relabelling import relabelled
from classwright_tools.errors import InvalidInput
from support.augmentation import LONG, NAMES, SHORT, clouds, one_hot

TWO = ("no", "yes")


@pytest.fixture(scope="module")
def corpus() -> Pretrained:
    """A pre-training on two large clouds."""
    rows, labels = clouds(1_000, seed=0)
    return pretrain(rows, labels, TWO, LONG, 0)


def accuracy_of_generated(settings: GanSettings, corpus: Pretrained | None, rows: int = 12) -> float:
    """The accuracy on fresh real rows of a classifier of generated rows alone."""
    scarce, labels = clouds(rows, seed=5)
    made, made_labels = fit_gan(scarce, labels, TWO, corpus, settings, 0).draw(one_hot((200, 200)), 0)
    real, real_labels = clouds(300, seed=6)
    return float((fit_helper(made, made_labels).labels_of(real) == real_labels).all(axis=1).mean())


def test_what_a_corpus_taught_serves_scarce_rows_of_the_same_labels(corpus: Pretrained) -> None:
    assert accuracy_of_generated(SHORT, corpus) > 0.9


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(corpus: Pretrained) -> None:
    rows, labels = clouds(10, seed=5)
    wanted = one_hot((20, 20))
    first, again = (fit_gan(rows, labels, TWO, corpus, SHORT, 3).draw(wanted, 3)[0] for _ in range(2))
    other = fit_gan(rows, labels, TWO, corpus, SHORT, 4).draw(wanted, 4)[0]
    assert (first == again).all()
    assert not np.allclose(first, other)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)


def test_training_leaves_the_callers_random_stream_and_threads_as_they_were(corpus: Pretrained) -> None:
    torch.manual_seed(1)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(1)
    rows, labels = clouds(10, seed=5)
    fit_gan(rows, labels, TWO, corpus, SHORT, 0)
    assert (torch.rand(3) == expected).all()
    assert torch.get_num_threads() == threads


def losses_seen(monkeypatch: pytest.MonkeyPatch, settings: GanSettings) -> tuple[list[float], list[Tensor]]:
    """The targets of the cross-entropies of one training, and the real codes that the discriminator saw."""
    targets: list[float] = []
    codes: list[Tensor] = []
    original: Callable[..., Tensor] = gan_training.binary_cross_entropy_with_logits
    forward = gan_training.Discriminator.forward

    def noting_loss(scores: Tensor, target: Tensor) -> Tensor:
        targets.append(float(target[0]))
        return original(scores, target)

    def noting_forward(self: gan_training.Discriminator, x: Tensor, y: Tensor) -> Tensor:
        codes.append(x.detach().clone())
        return forward(self, x, y)

    monkeypatch.setattr(gan_training, "binary_cross_entropy_with_logits", noting_loss)
    monkeypatch.setattr(gan_training.Discriminator, "forward", noting_forward)
    vectors = np.random.default_rng(0).standard_normal((1, 8)).astype(np.float32)
    labels = one_hot((1, 0))
    helper = fit_helper(np.eye(8, dtype=np.float32), one_hot((4, 4)))
    train_networks(new_networks(8, 2, settings, 0), vectors, labels, helper, settings, TUNING, 2, 0)
    return targets, [both[: gan_training.BATCH] for both in codes[::2]]


def test_smoothing_is_one_sided(monkeypatch: pytest.MonkeyPatch) -> None:
    assert losses_seen(monkeypatch, SHORT)[0][:2] == [pytest.approx(0.9), 0.0]


def test_without_smoothing_real_rows_have_the_target_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert losses_seen(monkeypatch, replace(SHORT, smoothing=False))[0][:2] == [1.0, 0.0]


def test_noise_is_fresh_for_every_row_and_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = losses_seen(monkeypatch, SHORT)[1]
    assert len(torch.unique(first, dim=0)) == len(first)  # the batch repeats one single row
    assert not torch.allclose(first, second)
    assert float((first - second).std()) == pytest.approx(gan_training.NOISE * 2**0.5, rel=0.1)


def test_without_noise_a_row_is_seen_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = losses_seen(monkeypatch, replace(SHORT, fresh_noise=False))[1]
    assert len(torch.unique(torch.cat([first, second]), dim=0)) == 1


def test_the_helper_classifier_keeps_a_plain_networks_rows_at_their_labels() -> None:
    plain = replace(PLAIN, tuning_steps=200)
    with_helper = accuracy_of_generated(replace(plain, consistency=True), None, rows=200)
    assert with_helper > 0.8
    assert with_helper > accuracy_of_generated(plain, None, rows=200)


def test_the_gaussian_start_keeps_the_diversity_that_a_plain_network_loses() -> None:
    rows, labels = clouds(300, seed=5)
    real = vendi_score(clouds(300, seed=6)[0])
    wanted = one_hot((300, 300))
    ratios = {
        start: vendi_score(
            fit_gan(rows, labels, TWO, None, replace(SHORT, tuning_steps=100, gaussian_start=start), 0).draw(wanted, 0)[
                0
            ]
        )
        / real
        for start in (True, False)
    }
    assert ratios[True] > 0.8 > 1.3 * ratios[False]


def test_without_the_balance_term_the_literal_form_may_forget_a_label_and_with_it_keeps_both() -> None:
    rows, labels = clouds(200, seed=0)
    uneven = replace(LONG, joint=True, gaussian_start=False, tuning_steps=200)
    shares = {}
    for balance in (True, False):
        gan = fit_gan(rows, labels, TWO, None, replace(uneven, label_balance=balance), 0)
        shares[balance] = gan.draw(labels, 0)[1].mean(axis=0).min()
    assert shares[True] > 0.3
    assert shares[True] >= shares[False]


def test_the_joint_form_refuses_rows_of_several_labels() -> None:
    rows, labels = clouds(10, seed=0)
    labels[0] = 1
    with pytest.raises(InvalidInput, match="draws one label a row"):
        fit_gan(rows, labels, TWO, None, replace(SHORT, joint=True), 0)


def test_rows_of_several_labels_lie_between_them(corpus: Pretrained) -> None:
    rows, labels = clouds(30, seed=5)
    mixed = np.concatenate([rows, (rows[:30] + rows[30:]) / np.linalg.norm(rows[:30] + rows[30:], axis=1)[:, None]])
    vectors = np.concatenate([labels, np.ones((30, 2), np.float32)])
    gan = fit_gan(mixed.astype(np.float32), vectors, TWO, corpus, SHORT, 0)
    both, kept = gan.draw(np.ones((200, 2), np.float32), 0)
    first, second = (gan.draw(np.eye(2, dtype=np.float32)[[place] * 200], 0)[0].mean(axis=0) for place in (0, 1))
    middle = both.mean(axis=0)
    assert (kept == 1).all()
    assert np.linalg.norm(middle - first) < np.linalg.norm(first - second)
    assert np.linalg.norm(middle - second) < np.linalg.norm(first - second)


def test_a_label_that_the_corpus_lacks_starts_from_its_own_rows(corpus: Pretrained) -> None:
    rows, labels = clouds(40, seed=5, labels=3)
    gan = fit_gan(rows, labels, NAMES, corpus, SHORT, 0)
    made, _ = gan.draw(one_hot((200, 200, 200)), 0)
    real, real_labels = clouds(300, seed=6, labels=3)
    right = (fit_helper(made, one_hot((200, 200, 200))).labels_of(real) == real_labels).all(axis=1)
    assert right[600:].mean() > 0.8
    assert faithfulness(made, real, 0).vendi_ratio > 0.8


def test_means_start_at_a_new_labels_own_rows_and_at_what_was_learned_of_the_others(corpus: Pretrained) -> None:
    rows, labels = clouds(10, seed=5, labels=3)

    gan = fit_gan(rows, labels, NAMES, corpus, replace(SHORT, tuning_steps=0), 0)

    means = gan.networks.generator.means.detach().numpy()
    assert corpus.networks is not None
    assert (means[:2] == corpus.networks.generator.means.detach().numpy()).all()
    np.testing.assert_allclose(means[2], gan.space.encode(rows[20:], gan.shift).mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("joint", [False, True])
def test_networks_for_the_same_labels_in_another_order_say_the_same(joint: bool) -> None:
    networks = new_networks(8, 3, replace(SHORT, joint=joint, gaussian_start=False), 0)
    torch.nn.init.normal_(networks.discriminator.label_vectors)
    order = (2, 0, 1)
    turned = relabelled(networks, order)
    codes, labels = torch.randn(5, 8), torch.eye(3)[[0, 1, 2, 1, 0]]
    networks.discriminator.eval(), turned.discriminator.eval()
    torch.testing.assert_close(networks.discriminator(codes, labels), turned.discriminator(codes, labels[:, order]))
    if not joint:
        made, again = networks.generator(codes, labels)[0], turned.generator(codes, labels[:, order])[0]
        torch.testing.assert_close(made, again)


def test_the_early_stop_never_takes_more_steps_than_allowed_and_holds_whole_groups_out(corpus: Pretrained) -> None:
    rows, labels = clouds(40, seed=5)
    gan = fit_gan(rows, labels, TWO, corpus, replace(SHORT, early_stop=True), 0, groups=np.arange(80) // 4)
    assert gan.steps in (0, 20)


def test_a_pretraining_is_kept_and_read_back_to_the_bit(corpus: Pretrained, tmp_path: Path) -> None:
    made, was_kept = kept_pretrained(tmp_path, "key", lambda: corpus)
    again, was_kept_then = kept_pretrained(tmp_path, "key", lambda: pytest.fail("it is there"))
    assert (was_kept, was_kept_then) == (False, True)
    rows, labels = clouds(10, seed=5)
    wanted = one_hot((5, 5))
    drawn = [fit_gan(rows, labels, TWO, one, SHORT, 0).draw(wanted, 0)[0] for one in (made, again)]
    assert (drawn[0] == drawn[1]).all()


def test_a_kept_pretraining_that_does_not_read_back_is_made_anew(corpus: Pretrained, tmp_path: Path) -> None:
    (tmp_path / "pretrained-key.safetensors").write_bytes(b"no tensors")
    assert kept_pretrained(tmp_path, "key", lambda: corpus)[1] is False
    assert read_pretrained(tmp_path / "pretrained-key.safetensors").base.names == TWO


def test_the_classes_of_a_corpus_are_kept_without_networks(corpus: Pretrained, tmp_path: Path) -> None:
    write_pretrained(tmp_path / "classes", Pretrained(corpus.base, None))
    assert read_pretrained(tmp_path / "classes").networks is None


def test_networks_are_none_the_worse_for_a_training_that_follows(corpus: Pretrained) -> None:
    assert isinstance(corpus.networks, Networks)
    before = corpus.networks.generator.means.detach().clone()
    rows, labels = clouds(10, seed=5)
    fit_gan(rows, labels, TWO, corpus, replace(SHORT, moved_means=True), 0)
    assert (corpus.networks.generator.means == before).all()
