"""The task and its topic tree after changes of labels.

They are stored after the dataset, the task last: a run that was cut off between them is repeated, and finds by the
task's version that they are still to be stored.
"""

from __future__ import annotations

from collections.abc import Callable

from classwright_tools.context import ToolContext
from classwright_tools.domain.edits import edits_apart
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.editing.draft import Draft
from classwright_tools.editing.told import LABELS_LISTED
from classwright_tools.editing.tree import tree_after, with_branches
from classwright_tools.workspace.datasets import read_card, read_edits
from classwright_tools.workspace.destination import onto_newest
from classwright_tools.workspace.topic_trees import labels_without_topics, publish_tree, store_tree
from classwright_tools.workspace.workspace import Artifact

MakeTree = Callable[[TopicTree], TopicTree | None]


def store_definition(context: ToolContext, task: Task, draft: Draft) -> tuple[str, ...]:
    """Store the task of `draft`, which was `task`, and the topic tree of its labels; return what is to be told."""
    if draft.task == task:
        return ()
    table = draft.table.select(["label", "topic"]).to_pylist()
    written = [(label, row["topic"]) for row in table if row["topic"] for label in labels_apart(row["label"] or "")]
    branches = draft.task.branch_names

    def changed(tree: TopicTree) -> TopicTree | None:
        after = tree_after(tree, draft.new, written, branches)
        undone = next((edit.undoes for edit in draft.new if edit.undoes), None)
        return _with_branches_of_before(draft, after or tree, undone) if undone else after

    remarks = _store(context, task, draft.task, changed)
    if task.expected_shares and not draft.task.expected_shares:
        remarks.append("The label shares that were stated are those of other labels: state them anew (propose_topics).")
    return tuple(remarks)


def _with_branches_of_before(draft: Draft, tree: TopicTree, undone: str) -> TopicTree | None:
    """Return `tree` with the branches that there were before the edit that made the version `undone`."""
    workspace = draft.context.workspace
    card = read_card(workspace, undone)
    before = read_card(workspace, card.parent or undone).task_version
    trees = [(one.facts.get("task_version", 0), one.id) for one in workspace.artifacts(card.task, "topics")]
    then = [id_ for version, id_ in trees if version <= before]  # the newest first
    left = [id_ for version, id_ in trees if version == card.task_version]
    if not (then and left):
        return tree
    later = edits_apart(read_edits(workspace, undone), draft.edits)[1]
    was, became = (workspace.document(id_, "topics", TopicTree) for id_ in (then[0], left[-1]))
    return with_branches(tree, was, became, later, draft.task.branch_names)


def restore_definition(context: ToolContext, then: Task, task: Task) -> tuple[str, ...]:
    """Give `task` the labels and the topic tree that it had as `then`; return what is to be told of it."""
    restored = with_labels_of(then, task)
    earlier = [
        context.workspace.document(tree.id, "topics", TopicTree)
        for tree in context.workspace.artifacts(task.slug, "topics")
        if tree.facts.get("task_version") == then.version
    ]
    if restored == task:
        return _with_topics(context, task, earlier[0]) if earlier else ()
    remarks = _store(context, task, restored, lambda tree: earlier[0] if earlier else tree)
    return (f"The task has the labels of then: {listed(map(repr, restored.label_names), LABELS_LISTED)}.", *remarks)


def _with_topics(context: ToolContext, task: Task, tree: TopicTree) -> tuple[str, ...]:
    """Store `tree` as the newest of `task`, which does not change, if another one is; return what is to be told."""
    workspace = context.workspace

    def attempt(_newest: str | None) -> str:
        newest = workspace.latest("topics", task.slug)
        if newest and workspace.document(newest.id, "topics", TopicTree) == tree:
            return ""
        made = store_tree(workspace, task, tree, newest, run_key=context.run_key, on_newest=True)
        return f"Its topic tree is {made.id}."

    told = onto_newest(workspace, "topics", task.slug, attempt)
    return (told,) if told else ()


def with_labels_of(then: Task, task: Task) -> Task:
    """Return `task` with the labels that it had as `then`, and the shares that were stated for them."""
    if then.labels == task.labels and then.mismatch == task.mismatch:
        return task
    same = set(then.label_names) == set(task.label_names)
    shares = task.expected_shares if same else then.expected_shares
    return task.model_copy(update={"labels": then.labels, "mismatch": then.mismatch, "expected_shares": shares})


def _store(context: ToolContext, before: Task, task: Task, make: MakeTree) -> list[str]:
    remarks = _store_tree(context, before, task, make)
    context.workspace.save_task(task)
    return remarks


def _store_tree(context: ToolContext, before: Task, task: Task, make: MakeTree) -> list[str]:
    """Store the newest topic tree as `make` changes it, for `task` that is stored next; a task may have none."""
    workspace = context.workspace

    def attempt(newest: str | None) -> Artifact | None:
        tree = make(workspace.document(newest, "topics", TopicTree)) if newest else None
        if tree is None:
            return None
        after = task.model_copy(update={"version": before.version + 1})
        return publish_tree(workspace, after, tree, run_key=context.run_key, parent=newest, on_newest=True)

    made = onto_newest(workspace, "topics", task.slug, attempt)
    if made is None:
        return []
    tree = workspace.document(made.id, "topics", TopicTree)
    lacking = [repr(name) for name in labels_without_topics(task, tree)]
    remarks = [f"Its topic tree is {made.id}.", *(f"{remark}." for remark in tree.remarks)]
    if lacking:
        remarks.append(f"No topics are there for {listed(lacking, LABELS_LISTED)}: propose_topics takes them.")
    return remarks
