"""The fitting of a method to rows, metered: an estimate of the next fit is made of what this one took."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.classifier import Classifier, EmbeddingClassifier
from classwright_tools.learning.encoders import encoding_units, shown_name
from classwright_tools.learning.methods.method import FitSize, Imbalance, Method
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.scope import scope_of
from classwright_tools.learning.setup import Setup
from classwright_tools.meter import metered

_PARTS = ("encoder", "tuned", "embed", "logits", "save")
"""Of a classifier."""


def fitting(method: str, encoder: str, imbalance: Imbalance = "none") -> str:
    """Return the kind of work, for a meter, that fitting a method on an encoder's embeddings is.

    Where `imbalance` is "auto" a network is fitted too: that is other work.
    """
    return f"fitting {as_fitted(method, imbalance)} on {shown_name(encoder)}"


def as_fitted(method: str, imbalance: Imbalance) -> str:
    """Return the name of a `method` as it is fitted."""
    return f"{method}, imbalance 'auto'," if imbalance == "auto" else method


def metered_fit(method: Method, rows: Rows, setup: Setup) -> Classifier:
    """Return what `method.fit` does, metered, with the scope that `with_scope` gives it."""
    size = FitSize(len(rows), encoding_units(rows.texts), setup.k, setup.epochs)
    with metered(fitting(method.name, setup.encoder.ref.name, setup.imbalance), method.units(size)):
        return with_scope(fitted(method, method.fit(rows, setup)), rows, setup)


def fitted(method: Method, classifier: object) -> Classifier:
    """Return what a `method`, which may be one of one's own, made of rows.

    Raises:
        InvalidInput: it is no classifier.
    """
    lacking = [name for name in _PARTS if not hasattr(classifier, name)]
    if lacking:
        raise InvalidInput(
            f"method {method.name!r} ({type(method).__module__})",
            f"gives a {type(classifier).__name__} for a classifier, which has no {', no '.join(lacking)}",
            "Correct it: `fit`, `refit` and `load` return a `Classifier`.",
        )
    return cast("Classifier", classifier)


def with_scope(classifier: Classifier, rows: Rows, setup: Setup) -> Classifier:
    """Return the `classifier` of `rows` with their scope.

    What embeds no texts has none, and neither have pairs: any two texts fit together or do not.
    """
    if setup.pairs or not isinstance(classifier, EmbeddingClassifier):
        return classifier
    return replace(classifier, scope=scope_of(rows, classifier.embed, setup.seed))
