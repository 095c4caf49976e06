"""Forms of the GAN of the tables: what each modification is for shows where it is switched off."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from classwright_tools.augmentation.faithfulness import vendi_score
from classwright_tools.augmentation.gan_fitting import fit_gan
from support.augmentation import TWO, accuracy_of_generated, clouds, losses_seen, one_hot
from support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks" / "articles"))
from variants.gan import NEVER, PLAIN, VariantForm, drawn

SHORT = VariantForm(pretraining_steps=60, tuning_steps=20, stopping_rows=NEVER)


def test_without_smoothing_real_rows_have_the_target_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert losses_seen(monkeypatch, replace(SHORT, smoothing=False))[0][:2] == [1.0, 0.0]


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
    ratios = {}
    for start in (True, False):
        form = replace(SHORT, tuning_steps=100, gaussian_start=start)
        ratios[start] = vendi_score(fit_gan(rows, labels, TWO, None, form, 0).draw(wanted, 0)) / real
    assert ratios[True] > 0.8 > 1.3 * ratios[False]


def test_without_the_balance_term_the_literal_form_may_forget_a_label_and_with_it_keeps_both() -> None:
    rows, labels = clouds(200, seed=0)
    uneven = replace(SHORT, joint=True, gaussian_start=False, tuning_steps=200)
    shares = {}
    for balance in (True, False):
        gan = fit_gan(rows, labels, TWO, None, replace(uneven, label_balance=balance), 0)
        shares[balance] = drawn(gan, labels, 0)[1].mean(axis=0).min()
    assert shares[True] > 0.3
    assert shares[True] >= shares[False]


def test_without_filler_rows_lack_the_spread_that_codes_leave_out() -> None:
    rows, labels = clouds(200, seed=0)
    gan = fit_gan(rows, labels, TWO, None, replace(SHORT, tuning_steps=0), 0)
    gan = replace(gan, space=replace(gan.space, components=4), networks=SHORT.networks(4, 2, 0))
    spread = {}
    for filler in (True, False):
        spread[filler] = drawn(replace(gan, form=replace(SHORT, filler=filler)), labels, 0)[0].std(axis=0).mean()
    assert spread[False] < 0.8 * spread[True]
