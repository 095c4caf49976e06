"""The registry of training methods: those of this library, then those that installed packages bring.

A package brings a method by an entry point of the group `classwright.methods` that names the class:

    [project.entry-points."classwright.methods"]
    knn = "my_package.knn:NearestNeighbours"
"""

from __future__ import annotations

from collections.abc import Iterator

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.task import TaskKind
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.installed import entry_points_of
from classwright_tools.learning.methods.cluster import Cluster
from classwright_tools.learning.methods.contrastive import Contrastive
from classwright_tools.learning.methods.finetune import Finetune
from classwright_tools.learning.methods.matcher import MatcherMethod
from classwright_tools.learning.methods.method import Imbalance, Method
from classwright_tools.learning.methods.probe import Probe
from classwright_tools.learning.methods.setfit import SetFit

GROUP = "classwright.methods"
AUTO = "auto"
"""What asks for the best of several methods instead of one of them."""


def _brought() -> Iterator[Method]:
    """Yield the methods of other packages."""
    for entry in entry_points_of(GROUP):
        try:
            method: Method = entry.load()()
        except Exception as error:  # whatever their code raises
            reason = f"cannot be loaded: {type(error).__name__}: {error}"
            raise InvalidInput(
                f"method {entry.name!r} of {entry.value!r}", reason, "Mend its package, or remove it."
            ) from error
        yield method


def by_name(*methods: Method) -> dict[str, Method]:
    """Return `methods` by their names, in their order.

    Raises:
        InvalidInput: two have one name.
    """
    named: dict[str, Method] = {}
    for method in methods:
        if method.name in (AUTO, *named):
            whose = f"method {method.name!r} of {type(method).__module__}"
            raise InvalidInput(whose, "has a name that is taken", "Give it another name, or remove its package.")
        named[method.name] = method
    return named


METHODS = by_name(Probe(), Contrastive(), Finetune(), SetFit(), Cluster(), MatcherMethod(), *_brought())


def methods_for(kind: TaskKind, *, multi_label: bool) -> list[str]:
    """Return the methods that train for tasks of `kind`, "auto" first; with `multi_label` where rows have several."""
    able = (method for method in METHODS.values() if kind in method.kinds)
    return [AUTO, *(method.name for method in able if method.multi_label or not multi_label)]


def candidates(kind: TaskKind, imbalance: Imbalance, *, multi_label: bool = False) -> list[Method]:
    """Return the methods that `auto` tries for tasks of `kind`, the cheapest first."""
    able = [one for one in METHODS.values() if one.auto and kind in one.kinds and imbalance in one.imbalance]
    return [one for one in able if one.multi_label] if multi_label else able


def method_of(card: ModelCard, subject: str) -> Method:
    """Return the method that made the model of `card`, which is called `subject`.

    Raises:
        NotFound: there is no such method here any more.
    """
    if card.method not in METHODS:
        raise NotFound(
            subject,
            f"was trained by method {card.method!r}, which is not installed here",
            "Install the package that brings the method, or train a model by another one.",
        )
    return METHODS[card.method]
