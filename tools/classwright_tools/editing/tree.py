"""The topic tree after changes of labels: its branches go where the labels' rows go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from classwright_tools.domain.edits import Edit
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.labels_since import label_since
from classwright_tools.domain.topic_tree import LabelTopics, Topic, TopicTree

MOST = 20  # topics of a label, and subtopics of a topic


Written = Iterable[tuple[str, str]]
"""The label and the topic of each written row."""


def tree_after(tree: TopicTree, edits: Sequence[Edit], rows: Written, labels: Iterable[str]) -> TopicTree | None:
    """Return `tree` after `edits`, for the `labels` that the task has then; None if no branch is left.

    Where a label was split, a topic goes where most of the `rows` that were written for it went, and one without rows
    stays. A label without topics has no branch.
    """
    branches = {branch.label: list(branch.topics) for branch in tree.labels}
    split_into: defaultdict[str, list[str]] = defaultdict(list)
    remarks: list[str] = []
    for edit in edits:
        if edit.action == "split_label" and edit.label and edit.to:
            split_into[edit.label].append(edit.to)
        if not edit.label or edit.label not in branches:
            continue
        if edit.action == "rename_label" and edit.to:
            branches[edit.to] = branches.pop(edit.label)
        elif edit.action == "merge_label" and edit.to:
            both = [*branches.get(edit.to, ()), *branches.pop(edit.label)]
            branches[edit.to] = _merged(both, edit.to, remarks)
        elif edit.action == "remove_label":
            del branches[edit.label]
    votes = Counter((topic, label) for label, topic in rows)
    for old, parts in split_into.items():
        for topic in branches.pop(old, []):
            most = max((old, *parts), key=lambda label: votes[topic.name, label])
            branches.setdefault(most, []).append(topic)
    kept = tuple(LabelTopics(label=name, topics=tuple(branches[name])) for name in labels if branches.get(name))
    return tree.model_copy(update={"labels": kept, "remarks": tuple(remarks)}) if kept else None


def with_branches(
    tree: TopicTree, then: TopicTree, after: TopicTree, later: Sequence[Edit], labels: Iterable[str]
) -> TopicTree | None:
    """Return `tree` for `labels` with the branches of `then` that an edit changed into those of `after`.

    A branch that is another now was changed since, and stays. By `later` edits labels may have other names. None
    if no branch is left.
    """
    own, was, became = (
        {label_since(branch.label, since) or branch.label: branch.topics for branch in one.labels}
        for one, since in ((tree, ()), (then, later), (after, later))
    )
    topics = own | {name: of for name, of in was.items() if own.get(name) == became.get(name)}
    kept = tuple(LabelTopics(label=name, topics=topics[name]) for name in labels if topics.get(name))
    return tree.model_copy(update={"labels": kept}) if kept else None


def _merged(topics: Iterable[Topic], label: str, remarks: list[str]) -> list[Topic]:
    """Return `topics` of `label` with those of one name made one; a remark tells of those that there is no room for."""
    merged: dict[str, list[str]] = {}
    for topic in topics:
        known = merged.setdefault(topic.name, [])
        known += [subtopic for subtopic in topic.subtopics if subtopic not in known]
    room = [(name, own[:MOST]) for name, own in merged.items()][:MOST]
    over = sum(map(len, merged.values())) - sum(len(own) for _, own in room)
    if over:
        remarks.append(
            f"{counted(over, 'subtopic')} of {label!r} had no room beside the others: {MOST} topics of {MOST} each have"
        )
    return [Topic(name=name, subtopics=tuple(own)) for name, own in room]
