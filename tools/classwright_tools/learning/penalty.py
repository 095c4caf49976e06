"""The penalty of a probe on written rows, chosen by real validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.fitting import metered_fit
from classwright_tools.learning.imbalance.balanced_heads import balanced_log_loss
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.probe import CANDIDATES
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup

FOR_WRITTEN = (0.3, *CANDIDATES)
_LEAST = 1e-9  # of a probability


def with_penalty(methods: Sequence[Method], rows: Rows, validation: Rows, setup: Setup) -> Setup:
    """Return the setup with the penalty by which written `rows` make the labels of real `validation` rows likeliest.

    Folds of written rows ask for lighter penalties than real texts do: texts of one writer are easily told apart
    (benchmarks/README.md, "The loop"). Where some of the rows are real texts, folds of them ask for what these do: the
    setup stays, and each fit chooses by its own rows.
    """
    method = next((one for one in methods if one.cross_validated), None)
    if method is None or rows.origin != "written" or rows.mixed:
        return setup

    def loss(penalty: float) -> float:
        classifier = metered_fit(method, rows, replace(setup, penalty=penalty))
        logits = classifier.logits(validation.texts, setup.embedding)
        if setup.imbalance != "none":
            return balanced_log_loss(validation.labels, logits)
        return log_loss(validation.labels, logits)

    return replace(setup, penalty=min(FOR_WRITTEN, key=loss))


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the mean log-loss of the `labels` (n,) by logits (n, k), at the temperature that suits them best.

    How sure a classifier is can be mended later, so it is no part of how good this calls it.
    """
    proba = softmax(logits / fit_temperature(logits, labels))
    return float(-np.log(np.maximum(proba[np.arange(len(labels)), labels], _LEAST)).mean())
