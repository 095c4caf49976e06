"""The registry of training methods: those of this library, then those that installed packages bring.

A package brings a method by an entry point of the group `classwright.methods` that names the class:

    [project.entry-points."classwright.methods"]
    knn = "my_package.knn:NearestNeighbours"
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.task import TaskKind
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.installed import entry_points_of, loaded, unusable
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


def _brought(entry: EntryPoint, others: Mapping[str, Method]) -> Method:
    """Return the method that `entry` of another package names, beside the `others`.

    Raises:
        InvalidInput: it cannot be loaded, is no method, does not say of itself what it must, or has a name of theirs.
    """
    found = loaded(entry)
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise unusable(entry, "is no subclass of Method")
    said = {name: getattr(found, name, None) for name in ("name", "summary")}
    silent = [name for name, words in said.items() if not (words and isinstance(words, str))]
    if silent:
        raise unusable(entry, f"does not say its {' and its '.join(silent)}, as a string of its class")
    if found.name in (AUTO, *others):
        raise unusable(entry, f"has a name that is taken, {found.name!r}")
    try:
        return found()
    except Exception as error:  # an abstract one, or whatever their code raises
        raise unusable(entry, f"cannot be made ({type(error).__name__}: {error})") from error


METHODS: dict[str, Method] = {
    one.name: one for one in (Probe(), Contrastive(), Finetune(), SetFit(), Cluster(), MatcherMethod())
}
BROKEN: dict[str, InvalidInput] = {}
"""Of the methods that packages bring, by the names of their entries, why each that cannot be used cannot be."""
for _entry in entry_points_of(GROUP):
    try:
        _method = _brought(_entry, METHODS)
        METHODS[_method.name] = _method
    except InvalidInput as _error:
        BROKEN[_entry.name] = _error


def methods_for(kind: TaskKind, *, multi_label: bool) -> list[str]:
    """Return the methods that train for tasks of `kind`, "auto" first; with `multi_label` where rows have several."""
    able = (method for method in METHODS.values() if kind in method.kinds)
    return [AUTO, *(method.name for method in able if method.multi_label or not multi_label)]


def candidates(kind: TaskKind, imbalance: Imbalance, *, multi_label: bool = False, layers: bool = True) -> list[Method]:
    """Return the methods that `auto` tries for tasks of `kind`, the cheapest first; `layers` are the encoder's."""
    able = [one for one in METHODS.values() if one.auto and kind in one.kinds and imbalance in one.imbalance]
    return [one for one in able if (one.multi_label or not multi_label) and (layers or not one.needs_layers)]


def method_of(card: ModelCard, subject: str) -> Method:
    """Return the method that made the model of `card`, which is called `subject`.

    Raises:
        NotFound: there is no such method here any more.
        InvalidInput: there is, and it cannot be used.
    """
    if card.method in BROKEN:
        raise BROKEN[card.method]
    if card.method not in METHODS:
        raise NotFound(
            subject,
            f"was trained by method {card.method!r}, which is not installed where this ran",
            "Install the package that brings the method, for every server of the workspace, or train by another one.",
        )
    return METHODS[card.method]
