"""Topic trees of a task: stored with the task's version, and merged from what several calls brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import LabelTopics, TopicTree
from classwright_tools.workspace.workspace import Artifact, Workspace

PLAIN_SOURCE_TYPES = ("short message", "e-mail", "spoken words transcribed to text")  # where nobody names any


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
    parent: str | None = None,
    on_newest: bool = False,
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


def merged_tree(
    workspace: Workspace,
    task: Task,
    trees: Sequence[Artifact],
    topics: Iterable[LabelTopics],
    source_types: tuple[str, ...],
) -> TopicTree | None:
    """Return `topics` merged with those of `trees`, newest first, that are of this version of the task; None of none.

    Trees before a complete one do not count. `source_types` are those of the newest tree where none are given.
    """
    branches = {branch.label: branch for branch in topics}
    for earlier in trees:
        if earlier.facts.get("task_version") != task.version:
            break
        tree = workspace.document(earlier.id, "topics", TopicTree)
        branches = {branch.label: branch for branch in tree.labels} | branches
        source_types = source_types or tree.source_types
        if earlier.facts.get("complete"):
            break
    if not branches:
        return None
    labels = tuple(branches[name] for name in task.branch_names if name in branches)
    return TopicTree(task=task.slug, source_types=source_types or PLAIN_SOURCE_TYPES, labels=labels)
