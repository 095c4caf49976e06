"""Classifiers that Classwright exported, in Python: `classwright.load(folder).predict(texts)`."""

from __future__ import annotations

from importlib.metadata import version

from classwright.predict import Classifier, Predictions, load, text_problem

__all__ = ["Classifier", "Predictions", "__version__", "load", "text_problem"]
__version__ = version("classwright")
