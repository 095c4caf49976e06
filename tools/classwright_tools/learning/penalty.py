"""The penalty of a probe, chosen once for all its fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.classifier import logits_of
from classwright_tools.learning.fitting import fitted
from classwright_tools.learning.head import CANDIDATES
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.probe import choose_regularisation
from classwright_tools.learning.progress import part
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup

FOR_WRITTEN = (0.3, *CANDIDATES)
_LEAST = 1e-9  # of a probability


def with_penalty(methods: Sequence[Method], rows: Rows, validation: Rows | None, setup: Setup) -> Setup:
    """Return the setup with the penalty that all fits of a probe take, which is chosen by folds of the `rows`.

    Each part held out would choose the same anew, or the one beside it, and that takes most of the time. Fits of
    different penalties differ, too, in how sure they are: one could not be calibrated by the answers of others.

    Folds of written rows ask for lighter penalties than real texts do, since texts of one writer are easily told apart.
    Where all rows are written, what folds ask for is the lightest that is tried, and the penalty is that by which they
    make the labels of the real `validation` rows likeliest (docs/decisions/penalty.md); not where labels are to count
    alike, or a row may have several. Generated rows have a penalty of their own.
    """
    method = next((one for one in methods if one.cross_validated), None)
    if method is None or setup.row_source or setup.imbalance == "auto":
        return setup
    choosing = replace(setup, progress=part(setup.progress, 0, 0.1, method.name))
    lightest = choose_regularisation(choosing.embed(rows.texts), rows, choosing)
    if validation is None or rows.several or rows.origin != "written" or rows.mixed or setup.imbalance != "none":
        return replace(setup, penalty=lightest)
    real = validation

    def loss(penalty: float) -> float:
        # Not metered: how many are fitted depends on the rows, and an estimate counts what every training fits.
        classifier = fitted(method, method.fit(rows, replace(setup, penalty=penalty)))
        return tempered_log_loss(real.labels, logits_of(classifier, real.texts, setup.k, setup.embedding))

    return replace(setup, penalty=min((c for c in FOR_WRITTEN if c <= lightest), key=loss))


def tempered_log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the mean log-loss of the `labels` (n,) by logits (n, k), at the temperature that suits them best.

    How sure a classifier is can be mended later, so it is no part of how good this calls it.
    """
    proba = softmax(logits / fit_temperature(logits, labels))
    return float(-np.log(np.maximum(proba[np.arange(len(labels)), labels], _LEAST)).mean())
