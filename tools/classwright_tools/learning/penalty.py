"""The penalty of a probe on written rows, chosen by real validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.probe import CANDIDATES, choose_regularisation
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup

FOR_WRITTEN = (0.3, *CANDIDATES)
_LEAST = 1e-9  # of a probability


def with_penalty(methods: Sequence[Method], rows: Rows, validation: Rows, setup: Setup) -> Setup:
    """Return the setup with the penalty by which written `rows` make the labels of real `validation` rows likeliest.

    Folds of written rows ask for lighter penalties than real texts do, since texts of one writer are easily told apart:
    what they ask for is the lightest that is tried (docs/decisions/penalty.md). Where some of the rows are real texts,
    folds of them ask for what these do: the setup stays, and each fit chooses by its own rows. It stays, too, where
    labels are to count alike or rows are generated, which have penalties of their own.
    """
    method = next((one for one in methods if one.cross_validated), None)
    is_written = rows.origin == "written" and not rows.mixed
    if method is None or not is_written or setup.row_source or setup.imbalance != "none":
        return setup

    def loss(penalty: float) -> float:
        # Not metered: how many are fitted depends on the rows, and an estimate counts what every training fits.
        classifier = method.fit(rows, replace(setup, penalty=penalty))
        return log_loss(validation.labels, classifier.logits(validation.texts, setup.embedding))

    lightest = choose_regularisation(setup.embed(rows.texts), rows, setup)
    return replace(setup, penalty=min((c for c in FOR_WRITTEN if c <= lightest), key=loss))


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the mean log-loss of the `labels` (n,) by logits (n, k), at the temperature that suits them best.

    How sure a classifier is can be mended later, so it is no part of how good this calls it.
    """
    proba = softmax(logits / fit_temperature(logits, labels))
    return float(-np.log(np.maximum(proba[np.arange(len(labels)), labels], _LEAST)).mean())
