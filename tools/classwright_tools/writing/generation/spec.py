"""The specification of one `synthesize_examples` run: what is to be written, and the rows that the texts will join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import Example, next_round
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.label_sets import named_together
from classwright_tools.domain.regeneration import RegenerationPlan
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell, TopicTree
from classwright_tools.errors import InvalidInput, NotEnoughData, unknown_id
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.topic_trees import labels_without_topics
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.generation.good_examples import good_examples
from classwright_tools.writing.generation.label_sets import cells_of_sets, real_label_sets, targets_of_sets
from classwright_tools.writing.generation.targets import (
    CellTarget,
    ItemWanted,
    targets_of_items,
    targets_of_plan,
    targets_of_tree,
)

QUERIES_SHOWN = 5  # that fit the item: they show how people ask


@dataclass(frozen=True)
class Wish:
    """What a caller asks for beside a number: labels (all if there are none), texts to write like, and other words.

    In a multi-label task `labels` are sets of them: "one" for texts with this one alone, "one|other", and "|" for none.
    """

    labels: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    guidance: tuple[str, ...] = ()


@dataclass(frozen=True)
class GenerationSpec:
    """What is to be written for `task`, in which round, and added to which dataset; `there` are its training rows."""

    task: Task
    targets: tuple[CellTarget, ...]
    round: int
    parent: str | None
    there: tuple[Example, ...]

    @property
    def rows(self) -> int:
        """How many texts are wanted in all."""
        return sum(target.rows for target in self.targets)


def spec_of_tree(
    workspace: Workspace, task: Task, parent: str | None, *, tree: str | None, rows: int | None, wish: Wish
) -> GenerationSpec:
    """Return the specification to fill the topic tree `tree` (the newest if None) with `rows` texts.

    They are added to the dataset `parent`; if that is None they begin a new one. A label that is wished for by name
    needs no topics.

    Raises:
        NotFound: there is no such tree, or the task has no such label.
        InvalidInput: the tree lacks labels of the task.
    """
    wished = _wished_labels(wish, task)
    cells: tuple[Cell, ...] = ()
    if not wished or tree is not None or workspace.latest("topics", task.slug) is not None:
        found = workspace.resolve(tree, "topics", task.slug)
        document = workspace.document(found.id, "topics", TopicTree)
        cells = tuple(
            cell for cell in document.cells() if cell.label in task.branch_names
        )  # labels may have gone since
        if not wished:
            _check_complete(document, task, found.id)
    if task.multi_label:
        targets = targets_of_sets(task, cells, rows, wished, real_label_sets(workspace, parent))
    else:
        targets = targets_of_tree(_cells_wished(cells, wished) if wished else cells, rows)
    there = rows_there(workspace, parent)
    targets = _as_wished(targets, wish, good_examples(workspace, parent))
    return GenerationSpec(task, targets, next_round(there), parent, there)


def spec_of_plan(
    workspace: Workspace, task: Task, parent: str | None, *, plan: str, rows: int | None, wish: Wish
) -> GenerationSpec:
    """Return the specification to follow the regeneration plan `plan`, scaled to `rows` texts unless that is None.

    Raises:
        NotFound: there is no such plan, or it names a label that the task no longer has.
        InvalidInput: the plan belongs to another task, or asks for nothing, or for nothing of the labels wished for.
    """
    found = workspace.resolve(plan, "plan", task.slug)
    document = workspace.document(found.id, "plan", RegenerationPlan)
    if not document.items:
        raise InvalidInput(f"plan {plan!r}", "asks for no texts", "Call synthesize_examples without a plan.")
    for name in _labels_named(document, task):
        _check_label(name, task)
    wished = _wished_labels(wish, task)
    if wished:
        items = tuple(item for item in document.items if item.label in wished)
        if not items:
            named = listed(map(repr, wished), 10)
            raise InvalidInput(f"plan {plan!r}", f"asks for no texts of {named}", "Leave out `plan` or `labels`.")
        document = document.model_copy(update={"items": items})
    newest = workspace.latest("topics", task.slug)
    cells = workspace.document(newest.id, "topics", TopicTree).cells() if newest else ()
    if task.multi_label:
        cells = tuple(cells_of_sets(task, list(dict.fromkeys(item.label for item in document.items)), cells))
    there = rows_there(workspace, parent)
    targets = _as_wished(targets_of_plan(document, rows, cells), wish, good_examples(workspace, parent))
    return GenerationSpec(task, targets, document.round, parent, there)


def spec_of_items(
    workspace: Workspace,
    task: Task,
    parent: str | None,
    *,
    items: Sequence[str],
    rows: int | None,
    guidance: tuple[str, ...],
) -> GenerationSpec:
    """Return the specification to write for each of `items` queries that look right for it and are wrong.

    `guidance` says how: what is to be wrong, or how hard that is to see. Without `items` they are those of the training
    pairs that are no mismatch.

    Raises:
        InvalidInput: the task does not say which label is the mismatch.
        NotEnoughData: no items are given, and no training pair has one.
    """
    if task.mismatch is None:
        raise InvalidInput(
            f"task {task.slug!r}",
            "does not say which label is the mismatch, and mismatches are what is written",
            f"Name it: {task.naming_mismatch}.",
        )
    there = rows_there(workspace, parent)
    wanted = items_wanted(task, there, items)
    if not wanted:
        raise NotEnoughData(
            f"the training pairs of task {task.slug!r}",
            "hold none that fit, so there is no item to write for",
            "Import some, or pass `items`.",
        )
    targets = targets_of_items(wanted, task.mismatch, rows, guidance)
    return GenerationSpec(task, targets, next_round(there), parent, there)


def items_wanted(task: Task, there: Sequence[Example], items: Sequence[str]) -> list[ItemWanted]:
    """Return `items`, by default those of the pairs `there` that are no mismatch, with queries that fit them.

    Those by default come in the order of how much was written for them: what is never used is written for first.
    """
    fitting: dict[str, list[Example]] = {}
    for row in there:
        if row.text_pair is not None and row.label not in (None, task.mismatch):
            fitting.setdefault(row.text_pair, []).append(row)
    usual = next(name for name in task.label_names if name != task.mismatch)
    written = Counter(row.text_pair for row in there if row.origin == "written")
    named = [clean_text(item) for item in items] if items else sorted(fitting, key=lambda item: written[item])
    return [
        ItemWanted(
            item=item,
            mistaken_for=next((row.label for row in fitting.get(item, ()) if row.label), usual),
            queries=tuple(row.text for row in fitting.get(item, ())[:QUERIES_SHOWN]),
        )
        for item in dict.fromkeys(named)
        if item
    ]


def rows_there(workspace: Workspace, dataset: str | None) -> tuple[Example, ...]:
    """Return the training rows of `dataset`; of None there are none."""
    return tuple(read_rows(workspace, dataset, "train")) if dataset else ()


def _as_wished(
    targets: Sequence[CellTarget], wish: Wish, good: Mapping[str, tuple[str, ...]]
) -> tuple[CellTarget, ...]:
    """Return `targets` with the wish, and with the `good` examples of their labels, as style: by turns with their own.

    A calling model is shown the first ones.
    """
    return tuple(
        replace(
            target,
            guidance=tuple(dict.fromkeys((*wish.guidance, *target.guidance))),
            style=_by_turns(wish.style, good.get(target.cell.label, ()), target.style),
        )
        for target in targets
    )


def _by_turns(*several: Sequence[str]) -> tuple[str, ...]:
    turns = zip_longest(*several)
    return tuple(dict.fromkeys(text for turn in turns for text in turn if text is not None))


def _wished_labels(wish: Wish, task: Task) -> tuple[str, ...]:
    """Return the labels wished for, each once; in a multi-label task sets of them, as callers write these.

    Raises:
        NotFound: the task has no such label.
    """
    for written in wish.labels:
        for name in task.labels_of(written):
            _check_label(name, task)
    return tuple(dict.fromkeys(named_together(task.labels_of(written)) for written in wish.labels))


def _check_label(name: str, task: Task) -> None:
    if name not in task.label_names:
        raise unknown_id("label", name, task.label_names)


def _cells_wished(cells: Sequence[Cell], labels: Sequence[str]) -> tuple[Cell, ...]:
    """Return those of the tree's `cells` that are of `labels`; a label without topics is a cell."""
    found = tuple(cell for cell in cells if cell.label in labels)
    grown = {cell.label for cell in found}
    return (*found, *(Cell(label=name) for name in labels if name not in grown))


def _check_complete(tree: TopicTree, task: Task, tree_id: str) -> None:
    lacking = labels_without_topics(task, tree)
    if lacking:
        raise InvalidInput(
            f"topic tree {tree_id!r}",
            f"has no topics for {len(lacking)} of the task's labels: {listed(map(repr, lacking), 10)}",
            "Call propose_topics for them first.",
        )


def _labels_named(plan: RegenerationPlan, task: Task) -> list[str]:
    written = [name for item in plan.items for name in (item.label, *(cell.label for cell in item.cells))]
    contrasts = [item.contrast for item in plan.items if item.contrast]
    return [*(name for one in written for name in task.labels_of(one)), *contrasts]
