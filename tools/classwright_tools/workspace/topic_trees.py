"""Topic trees of a task: stored with the task's version, and merged from the topics that several calls brought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from classwright_tools.domain.label_sets import NO_LABELS
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import LabelTopics, TopicTree
from classwright_tools.workspace.destination import Report, onto_newest
from classwright_tools.workspace.workspace import Artifact, Workspace

PLAIN_SOURCE_TYPES = ("short message", "e-mail", "spoken words transcribed to text")  # where nobody names any


class StoredTree(NamedTuple):
    """A topic tree, and the id of its artifact."""

    id: str
    tree: TopicTree


def labels_without_topics(task: Task, tree: TopicTree | None) -> tuple[str, ...]:
    """Return the labels of `task` that have no topics in `tree`, in the order of its `branch_names`."""
    grown = {branch.label for branch in tree.labels} if tree else set()
    return tuple(name for name in task.branch_names if name not in grown)


def publish_tree(
    workspace: Workspace,
    task: Task,
    tree: TopicTree,
    *,
    run_key: str,
    parent: str | None,
    on_newest: bool,
    **facts: Any,
) -> Artifact:
    """Store `tree` as one of `task` at its version, with further `facts`.

    Raises:
        Overtaken: `on_newest`, and another tree than `parent` is the newest by now; nothing was stored.
    """
    return workspace.publish_document(
        "topics",
        task.slug,
        tree,
        run_key=run_key,
        parent=parent,
        on_newest=on_newest,
        task_version=task.version,
        complete=not labels_without_topics(task, tree),
        cells=len(tree.cells()),
        **facts,
    )


def standing_topics(workspace: Workspace, task: Task) -> tuple[dict[str, LabelTopics], tuple[str, ...]]:
    """Return the topics that hold for labels of `task`, by label, and the source types that go with them.

    They are those of the newest tree, and of those before it of the same version of the task, up to a complete one.
    Where the task has changed since, a label keeps its topics if its description and the instruction are as they were;
    texts with none of the labels keep theirs if no label was added, which they may now have. Topics name situations,
    which texts of any language may be about.
    """
    trees = workspace.artifacts(task.slug, "topics")
    if not trees:
        return {}, ()
    version = trees[0].facts.get("task_version")
    then = workspace.task(task.slug, version)
    if then.instruction != task.instruction:
        return {}, ()
    described = {label.name: label.description for label in then.labels}
    holds = {label.name for label in task.labels if described.get(label.name, ...) == label.description}
    holds |= {NO_LABELS} if set(task.label_names) <= described.keys() else set()
    branches: dict[str, LabelTopics] = {}
    source_types: tuple[str, ...] = ()
    for earlier in trees:
        if earlier.facts.get("task_version") != version:
            break
        tree = workspace.document(earlier.id, "topics", TopicTree)
        branches = {branch.label: branch for branch in tree.labels if branch.label in holds} | branches
        source_types = source_types or tree.source_types
        if earlier.facts.get("complete"):
            break
    return branches, source_types


def store_tree(
    workspace: Workspace,
    task: Task,
    tree: TopicTree,
    newest: Artifact | None,
    *,
    run_key: str,
    on_newest: bool = False,
    usage: dict[str, Any] | None = None,
) -> StoredTree:
    """Store `tree` and return it with its id; that of the `newest` tree if it is the same.

    Raises:
        Overtaken: `on_newest`, and another tree has become the newest; nothing was stored.
    """
    is_current = newest is not None and newest.facts.get("task_version") == task.version
    if newest and is_current and workspace.document(newest.id, "topics", TopicTree) == tree:
        return StoredTree(newest.id, tree)
    parent = newest.id if newest and on_newest else None
    made = publish_tree(workspace, task, tree, run_key=run_key, parent=parent, on_newest=on_newest, usage=usage)
    return StoredTree(made.id, tree)


def merge_topics(
    workspace: Workspace,
    task: Task,
    topics: Iterable[LabelTopics],
    source_types: tuple[str, ...],
    *,
    run_key: str,
    report: Report,
) -> StoredTree | None:
    """Store `topics` merged with those that hold already, and return the tree; None of none.

    `source_types` are those that go with these where none are given. A call beside this one may send the topics of
    other labels: no topics of either are lost.
    """

    def merge(_newest: str | None) -> StoredTree | None:
        newest = workspace.latest("topics", task.slug)  # before what it holds is read
        standing, known = standing_topics(workspace, task)
        branches = standing | {branch.label: branch for branch in topics}
        if not branches:
            return None
        labels = tuple(branches[name] for name in task.branch_names if name in branches)
        tree = TopicTree(task=task.slug, source_types=source_types or known or PLAIN_SOURCE_TYPES, labels=labels)
        return store_tree(workspace, task, tree, newest, run_key=run_key, on_newest=True)

    return onto_newest(workspace, "topics", task.slug, merge, report)
