"""The conditional GAN: scarce rows, labels that carry over by name, and a pre-training that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classwright_tools.augmentation import gan_losses
from classwright_tools.augmentation.faithfulness import faithfulness
from classwright_tools.augmentation.gan_fitting import Pretrained, fit_gan, pretrain
from classwright_tools.augmentation.gan_form import Networks
from classwright_tools.augmentation.helper_classifier import fit_helper
from classwright_tools.augmentation.pretrained_files import kept_pretrained, read_pretrained, write_pretrained
from classwright_tools.augmentation.relabelling import relabelled
from support.augmentation import LONG, NAMES, SHORT, TWO, accuracy_of_generated, clouds, losses_seen, one_hot


@pytest.fixture(scope="module")
def corpus() -> Pretrained:
    """A pre-training on two large clouds."""
    rows, labels = clouds(1_000, seed=0)
    return pretrain(rows, labels, TWO, LONG, 0)


def test_what_a_corpus_taught_serves_scarce_rows_of_the_same_labels(corpus: Pretrained) -> None:
    assert accuracy_of_generated(SHORT, corpus) > 0.9


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(corpus: Pretrained) -> None:
    rows, labels = clouds(10, seed=5)
    wanted = one_hot((20, 20))
    first, again = (fit_gan(rows, labels, TWO, corpus, SHORT, 3).draw(wanted, 3) for _ in range(2))
    other = fit_gan(rows, labels, TWO, corpus, SHORT, 4).draw(wanted, 4)
    assert (first == again).all()
    assert not np.allclose(first, other)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)


def test_training_leaves_the_callers_random_stream_and_threads_as_they_were(corpus: Pretrained) -> None:
    torch.manual_seed(1)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(1)
    rows, labels = clouds(10, seed=5)
    torch.set_num_threads(threads + 1)
    try:
        fit_gan(rows, labels, TWO, corpus, SHORT, 0)
        left = torch.get_num_threads()
    finally:
        torch.set_num_threads(threads)
    assert (torch.rand(3) == expected).all()
    assert left == threads + 1


def test_smoothing_is_one_sided(monkeypatch: pytest.MonkeyPatch) -> None:
    assert losses_seen(monkeypatch, SHORT)[0][:2] == [pytest.approx(0.9), 0.0]


def test_noise_is_fresh_for_every_row_and_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = losses_seen(monkeypatch, SHORT)[1]
    assert len(torch.unique(first, dim=0)) == len(first)  # the batch repeats one single row
    assert not torch.allclose(first, second)
    assert float((first - second).std()) == pytest.approx(gan_losses.NOISE * 2**0.5, rel=0.1)


def test_a_label_that_the_corpus_lacks_starts_from_its_own_rows(corpus: Pretrained) -> None:
    rows, labels = clouds(40, seed=5, labels=3)
    gan = fit_gan(rows, labels, NAMES, corpus, SHORT, 0)
    made = gan.draw(one_hot((200, 200, 200)), 0)
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


def test_networks_for_the_same_labels_in_another_order_say_the_same() -> None:
    networks = SHORT.networks(8, 3, 0)
    torch.nn.init.normal_(networks.discriminator.label_vectors)
    torch.nn.init.normal_(networks.generator.means)
    order = (2, 0, 1)
    turned = relabelled(networks, order)
    codes, labels = torch.randn(5, 8), torch.eye(3)[[0, 1, 2, 1, 0]]
    networks.discriminator.eval(), turned.discriminator.eval()
    torch.testing.assert_close(networks.discriminator(codes, labels), turned.discriminator(codes, labels[:, order]))
    made, again = networks.generator(codes, labels)[0], turned.generator(codes, labels[:, order])[0]
    torch.testing.assert_close(made, again)


def test_the_early_stop_never_takes_more_steps_than_allowed_and_holds_whole_groups_out(corpus: Pretrained) -> None:
    rows, labels = clouds(40, seed=5)
    gan = fit_gan(rows, labels, TWO, corpus, replace(SHORT, stopping_rows=40), 0, groups=np.arange(80) // 4)
    assert gan.steps in (0, 20)


def test_a_pretraining_is_kept_and_read_back_to_the_bit(corpus: Pretrained, tmp_path: Path) -> None:
    made, was_kept = kept_pretrained(tmp_path, "key", lambda: corpus)
    again, was_kept_then = kept_pretrained(tmp_path, "key", lambda: pytest.fail("it is there"))
    assert (was_kept, was_kept_then) == (False, True)
    rows, labels = clouds(10, seed=5)
    wanted = one_hot((5, 5))
    drawn = [fit_gan(rows, labels, TWO, one, SHORT, 0).draw(wanted, 0) for one in (made, again)]
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
    fit_gan(rows, labels, TWO, corpus, SHORT, 0)
    assert (corpus.networks.generator.means == before).all()
