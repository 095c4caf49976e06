"""The article's own measures on its large corpus: train on generated, test on real, and the reverse; and diversity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from s1_cells import NAMES, Rows, balanced_accuracy
from variants.gan import PLAIN, VariantForm, drawn

from classwright_tools.augmentation.faithfulness import faithfulness
from classwright_tools.augmentation.gan_fitting import FittedGan, pretrain
from classwright_tools.learning.head import fit_head

FULL = VariantForm()
NETWORK = replace(FULL, gaussian_start=False)
JOINT = replace(FULL, joint=True)
FORMS: Mapping[str, VariantForm] = {
    "plain network": replace(PLAIN, pretraining=True),
    "plain network, noise and smoothing": replace(NETWORK, consistency=False),
    "plain network, all": NETWORK,
    "Gaussian start, untrained": replace(FULL, pretraining_steps=0),
    "Gaussian start, no consistency": replace(FULL, consistency=False),
    "Gaussian start, all (full)": FULL,
    "no filler": replace(FULL, filler=False),
    "joint network, no consistency": replace(JOINT, gaussian_start=False, consistency=False),
    "joint network, no label balance": replace(JOINT, gaussian_start=False, label_balance=False),
    "joint network, all": replace(JOINT, gaussian_start=False),
    "joint, Gaussian start, all": JOINT,
}
REAL = "real tweets"
DRAWN = 2_000


def own_measures(form: str, tweets: Rows, test: Rows, seed: int) -> dict[str, float]:
    """The figures of the form `form` of the GAN, trained on `tweets` alone and compared with the `test` tweets."""
    if form == REAL:
        return _figures(tweets.draw(DRAWN // 2, seed), tweets, test, seed)
    taught = pretrain(tweets.embeddings, tweets.vectors, NAMES, FORMS[form], seed)
    assert taught.networks is not None
    nothing = np.zeros(tweets.embeddings.shape[1], np.float32)
    gan = FittedGan(taught.networks, taught.base.space, nothing, FORMS[form], 0)
    made, vectors = drawn(gan, np.eye(2, dtype=np.float32)[np.repeat([0, 1], DRAWN // 2)], seed)
    return _figures(Rows(made, vectors.argmax(axis=1)), tweets, test, seed)


def _figures(shown: Rows, tweets: Rows, test: Rows, seed: int) -> dict[str, float]:
    made, labels = shown.embeddings, shown.labels
    found = faithfulness(made, test.embeddings, seed)
    real = fit_head(tweets.embeddings, tweets.labels, 2, c=1.0)
    share = float(min(labels.mean(), 1 - labels.mean()))
    tstr = balanced_accuracy(fit_head(made, labels, 2, c=1.0), test) if 0 < labels.mean() < 1 else 0.5
    return {
        "tstr": tstr,
        "trts": balanced_accuracy(real, Rows(made, labels)) if 0 < labels.mean() < 1 else 0.5,
        "vendi_ratio": found.vendi_ratio,
        "recall": found.neighbourhoods.recall,
        "density": found.neighbourhoods.density,
        "coverage": found.neighbourhoods.coverage,
        "cosine": found.cosine,
        "label_share": share,
    }
