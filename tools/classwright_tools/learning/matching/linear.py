"""Logistic regression on few features of a pair: the teacher of the negatives, and the network's partner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.head import Head, fit_head

LEAST_DEVIATION = 1e-9  # less is rounding: the feature never varied


@dataclass(frozen=True)
class FeatureScaling:
    """Means (d,) and deviations (d,) of features on the training rows."""

    mean: np.ndarray
    deviation: np.ndarray

    @staticmethod
    def fit(features: np.ndarray) -> FeatureScaling:
        """Return those of features (n, d); a feature that never varies keeps its deviation of 1."""
        deviation = features.std(axis=0)
        return FeatureScaling(
            mean=features.mean(axis=0), deviation=np.where(deviation > LEAST_DEVIATION, deviation, 1.0)
        )

    def of(self, features: np.ndarray) -> np.ndarray:
        """Return features (n, d) with mean 0 and deviation 1 on the training rows."""
        scaled: np.ndarray = (features - self.mean) / self.deviation
        return scaled


@dataclass(frozen=True)
class LinearModel:
    """A scaling of features and a logistic regression on them."""

    scaling: FeatureScaling
    head: Head

    @staticmethod
    def fit(features: np.ndarray, labels: np.ndarray, k: int) -> LinearModel:
        """Return the model of `labels` (n,), numbers under k, on features (n, d)."""
        scaling = FeatureScaling.fit(features)
        return LinearModel(scaling=scaling, head=fit_head(scaling.of(features), labels, k, c=1.0))

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return the logits (n, k) of features (n, d)."""
        return self.head.logits(self.scaling.of(features))

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, k) of features (n, d)."""
        return softmax(self.logits(features))
