"""The specification of one `synthesize_examples` run: what is to be written, and the rows that the texts will join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import Example, next_round
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.regeneration import RegenerationPlan
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell, TopicTree
from classwright_tools.errors import InvalidInput, NotEnoughData, unknown_id
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.generation.good_examples import good_examples
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
    """What a caller asks for beside a number: labels (all if there are none), texts to write like, and other words."""

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
    for name in wish.labels:
        if name not in task.label_names:
            raise unknown_id("label", name, task.label_names)
    if wish.labels and tree is None and workspace.latest("topics", task.slug) is None:
        cells = tuple(Cell(label=name) for name in wish.labels)
    else:
        found = workspace.resolve(tree, "topics", task.slug)
        cells = _cells(workspace.document(found.id, "topics", TopicTree), task, found.id, wish.labels)
    there = training_rows(workspace, parent)
    targets = _as_wished(targets_of_tree(cells, rows), wish, good_examples(workspace, parent))
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
    for name in (*_labels_named(document), *wish.labels):
        if name not in task.label_names:
            raise unknown_id("label", name, task.label_names)
    if wish.labels:
        items = tuple(item for item in document.items if item.label in wish.labels)
        if not items:
            named = listed(map(repr, wish.labels), 10)
            raise InvalidInput(f"plan {plan!r}", f"asks for no texts of {named}", "Leave out `plan` or `labels`.")
        document = document.model_copy(update={"items": items})
    newest = workspace.latest("topics", task.slug)
    cells = workspace.document(newest.id, "topics", TopicTree).cells() if newest else ()
    there = training_rows(workspace, parent)
    targets = _as_wished(targets_of_plan(document, rows, cells), wish, good_examples(workspace, parent))
    return GenerationSpec(task, targets, document.round, parent, there)


def spec_of_items(
    workspace: Workspace, task: Task, parent: str | None, *, items: Sequence[str], rows: int | None
) -> GenerationSpec:
    """Return the specification to write for each of `items` queries that look right for it and are wrong.

    Without `items` they are those of the training pairs that are no mismatch.

    Raises:
        InvalidInput: the task does not say which label is the mismatch.
        NotEnoughData: no items are given, and no training pair has one.
    """
    if task.mismatch is None:
        raise InvalidInput(
            f"task {task.slug!r}",
            "does not say which label is the mismatch, and mismatches are what is written",
            "Name it: call propose_topics with the same task and `mismatch`.",
        )
    there = training_rows(workspace, parent)
    wanted = items_wanted(task, there, items)
    if not wanted:
        raise NotEnoughData(
            f"the training pairs of task {task.slug!r}",
            "hold none that fit, so there is no item to write for",
            "Import some, or pass `items`.",
        )
    return GenerationSpec(task, targets_of_items(wanted, task.mismatch, rows), next_round(there), parent, there)


def items_wanted(task: Task, there: Sequence[Example], items: Sequence[str]) -> list[ItemWanted]:
    """Return `items`, by default those of the pairs `there` that are no mismatch, with queries that fit them."""
    fitting: dict[str, list[Example]] = {}
    for row in there:
        if row.text_pair is not None and row.label not in (None, task.mismatch):
            fitting.setdefault(row.text_pair, []).append(row)
    usual = next(name for name in task.label_names if name != task.mismatch)
    named = [clean_text(item) for item in items] if items else list(fitting)
    return [
        ItemWanted(
            item=item,
            mistaken_for=next((row.label for row in fitting.get(item, ()) if row.label), usual),
            queries=tuple(row.text for row in fitting.get(item, ())[:QUERIES_SHOWN]),
        )
        for item in dict.fromkeys(named)
        if item
    ]


def training_rows(workspace: Workspace, dataset: str | None) -> tuple[Example, ...]:
    """Return the training rows of `dataset`; of None there are none."""
    return tuple(read_rows(workspace, dataset, "train")) if dataset else ()


def _as_wished(
    targets: Sequence[CellTarget], wish: Wish, good: Mapping[str, tuple[str, ...]]
) -> tuple[CellTarget, ...]:
    """Return `targets` with the wish, and with the `good` examples of their labels, as style."""
    return tuple(
        replace(
            target,
            guidance=tuple(dict.fromkeys((*wish.guidance, *target.guidance))),
            style=tuple(dict.fromkeys((*wish.style, *good.get(target.cell.label, ()), *target.style))),
        )
        for target in targets
    )


def _cells(tree: TopicTree, task: Task, tree_id: str, labels: Sequence[str]) -> tuple[Cell, ...]:
    """Return the cells of the `labels` wished for, of which one without topics is a cell, or else of all of `task`."""
    wanted = labels or task.label_names
    cells = tuple(cell for cell in tree.cells() if cell.label in wanted)
    grown = {cell.label for cell in cells}
    lacking = [name for name in wanted if name not in grown]
    if labels:
        return (*cells, *(Cell(label=name) for name in lacking))
    if lacking:
        raise InvalidInput(
            f"topic tree {tree_id!r}",
            f"has no topics for {len(lacking)} of the task's labels: {listed(map(repr, lacking), 10)}",
            "Call propose_topics for them first.",
        )
    return cells


def _labels_named(plan: RegenerationPlan) -> list[str]:
    return [name for item in plan.items for name in (item.label, item.contrast, *(c.label for c in item.cells)) if name]
