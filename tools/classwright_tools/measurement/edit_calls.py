"""Edits as the calls that made them: the changes of one call are told together, with the version that it made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from classwright_tools.domain.edits import Edit
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.workspace.lineage import Fates, ancestors, edits_undone_since
from classwright_tools.workspace.workspace import Workspace

_LISTED = 3


def calls_of(edits: Iterable[Edit]) -> list[list[Edit]]:
    """Return `edits`, the oldest first, in lists of those that one call made."""
    return [list(own) for _, own in groupby(edits, key=lambda edit: (edit.dataset, edit.by, edit.when, edit.reason))]


def call_in_words(workspace: Workspace, call: Sequence[Edit], *datasets: str) -> str:
    """Return what one call did to how many rows, by whom, when and why; its version is one on the way to `datasets`."""
    done = ", ".join(f"{edit.action} of {counted(len(edit.rows), 'row')}{_labelled(edit)}" for edit in call[:_LISTED])
    rest = f" and {counted(len(call) - _LISTED, 'change')} more" if len(call) > _LISTED else ""
    return f"{done}{rest} in {version_made(workspace, call[0], *datasets)} {by_whom(call)}"


def _labelled(edit: Edit) -> str:
    """Return, behind the number of rows, what labels an edit gave them or took from them; "" of another."""
    if edit.action != "relabel" or not edit.relabelled:
        return ""
    return f" to {edit.label!r}" if edit.label else f", {edit.relabelled}"


def by_whom(call: Sequence[Edit]) -> str:
    """Return who made the edits of one call, when and why."""
    deciders = listed(dict.fromkeys(edit.decider for edit in call), _LISTED)
    return f"by {deciders}, {call[0].when:%Y-%m-%d} ({call[0].reason})"


def version_made(workspace: Workspace, edit: Edit, *datasets: str) -> str:
    """Return the version that an edit made, on the way to one of `datasets`; the one that was edited if none is."""
    for dataset in datasets:
        newer = dataset
        for older in ancestors(workspace, dataset):
            if older == edit.dataset:
                return newer
            newer = older
    return edit.dataset


def not_held(workspace: Workspace, found: Fates, dataset: str) -> str:
    """Return what of the rows of `dataset`, which a model learnt, does not hold any more by `found`; "" if all do."""
    if dataset in found.reverted:
        return f"its rows were taken back since, in {found.reverted[dataset]}"
    undone = edits_undone_since(workspace, found, dataset)
    told = (f"the edit of {edited}, undone since in {made}" for edited, made in undone.items())
    return f"it learnt from {listed(told, _LISTED)}" if undone else ""
