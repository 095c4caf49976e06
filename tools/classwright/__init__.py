"""Classifiers that Classwright exported, in Python: `classwright.load(folder).predict(texts)`."""

from __future__ import annotations

from classwright.predict import Classifier, Predictions, load

__all__ = ["Classifier", "Predictions", "load"]
