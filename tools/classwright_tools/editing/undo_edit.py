"""One edit undone by itself: what it changed gets what it had before, where nothing later changed it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from classwright_tools.domain.changes import Change
from classwright_tools.domain.edits import Edit, edits_apart
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.labels_since import EXCHANGES, label_since, without_partings
from classwright_tools.domain.task import Label, Task
from classwright_tools.editing.draft import Done, Draft
from classwright_tools.editing.label_changes import label_of, new_label, rename, with_labels
from classwright_tools.editing.put_back import put_back
from classwright_tools.editing.row_table import labels_in
from classwright_tools.editing.versions import MADE_BY
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.datasets import read_card, read_edits, read_table
from classwright_tools.workspace.lineage import ancestors, fates

VERSIONS_LISTED = 3


def undo_edit(draft: Draft, version: str) -> tuple[Done, ...]:
    """Take back in `draft` what the edit that made `version` changed: rows, labels, marks; return what it did.

    What was changed again since stays, and is counted by its reason and named.

    Raises:
        InvalidInput: `version` was not made by an edit, went back to an earlier version, or is none that the draft
            comes from.
    """
    workspace = draft.context.workspace
    card = read_card(workspace, version)
    own = [edit for edit in read_edits(workspace, version) if edit.dataset == card.parent and not edit.brought]
    is_edit = card.made_by == MADE_BY and card.parent and own and own[-1].action != "revert"
    if not is_edit or card.parent is None:
        reason = f"is no edit: {card.made_by} made it, or it goes back to an earlier version"
        raise InvalidInput(f"version {version!r}", reason, "Go back to a whole version with `revert_to`.")
    before = read_card(workspace, card.parent).task_version
    labels = _Labels(draft, workspace.task(card.task, before), workspace.task(card.task, card.task_version), version)
    for edit in reversed(own):
        labels.take_back(edit)
    rows, _ = put_back(draft, None, before=card.parent, after=version)
    labels.drop()
    draft.order_as(read_table(workspace, card.parent)["id"].to_pylist())
    if draft.new:
        draft.record("undo", version=card.parent, undoes=version)
    done = Done("undo", asks=False)
    done.rows, done.sample, done.left, done.remarks = rows.rows, rows.sample, rows.left, rows.remarks
    done.left.update(labels.left)
    done.remarks = [*done.remarks, *labels.ways]
    if not draft.new and (by := fates(workspace, draft.dataset).undone.get(version)):
        done.remarks.append(f"The edit of {version} was undone in {by} already.")
    done.words = ", ".join([f"the edit of {version} undone ({counted(rows.rows, 'row')})", *labels.words])
    return (done,)


class _Labels:
    """The labels of the task, as an edit that is undone found them (`then`) and left them (`after`)."""

    def __init__(self, draft: Draft, then: Task, after: Task, version: str) -> None:
        self._draft = draft
        self._then = then
        self._after = after
        _, later = edits_apart(read_edits(draft.context.workspace, version), draft.edits)
        self._later = without_partings(later, draft.task.label_names)
        self._extra: dict[str, str | None] = {}  # and of a part of a split the label that it was a part of
        self.left: dict[str, int] = {}
        self.words: list[str] = []
        self.ways: list[str] = []

    def take_back(self, edit: Edit) -> None:
        """Give the task back what a change of a label took from it."""
        if edit.action == "rename_label" and edit.label and edit.to:
            self._rename(edit.to, edit.label)
        elif edit.action in ("merge_label", "remove_label", "split_label") and edit.label:
            self._bring_back(edit.label)
            if edit.action == "split_label" and edit.to:
                self._extra[edit.to] = label_since(edit.label, self._later) or edit.label
            if edit.action == "merge_label" and edit.to:
                self._describe(edit.to)
        elif edit.action == "add_label" and edit.label:
            self._extra.setdefault(edit.label, None)
        elif edit.action == "describe_label" and edit.label:
            self._describe(edit.label)

    def drop(self) -> None:
        """Take the labels out that the edit had added and that no row has any more."""
        draft = self._draft
        for name, whole in self._extra.items():
            now = label_since(name, self._later)
            if now is None or now not in draft.task.label_names or now in self._then.label_names:
                continue
            if now in labels_in(draft.table):
                self.left[f"with the label {now!r}, which stays"] = len(draft.with_label(now))
                self.ways.append(self._way(now, whole))
                continue
            draft.task = with_labels(draft.task, {now: ()})
            if whole in draft.task.label_names:  # what was said by the part's name since is said of the whole
                draft.record("merge_label", label=now, to=whole)
            else:
                draft.record("remove_label", label=now)
            self.words.append(f"{now!r} taken away")
        self._order()

    def _way(self, now: str, whole: str | None) -> str:
        """Return how to take the label away that rows have: into the label that it was a part of, if it was of one.

        Else by what gave it to them, or with its rows.
        """
        if whole in self._draft.task.label_names:
            merge = {"action": "merge_label", "label": now, "to": whole}
            return f"To give its rows to {whole!r}: edit_examples with {merge}."
        later = self._later
        gave = self._versions(
            edit
            for place, edit in enumerate(later)
            if edit.action == "relabel" and now in (label_since(one, later[place + 1 :]) for one in edit.given)
        )
        first = f"undo first what gave it to rows ({gave}), then this; or " if gave else ""
        return f"To take {now!r} away: {first}edit_examples with {{'action': 'remove_label', 'label': {now!r}}}" + (
            "." if self._draft.task.multi_label else ", by which its rows go too."
        )

    def _versions(self, edits: Iterable[Edit]) -> str:
        """Return the versions that were made by such of `edits` as can be undone, in words; "" of none."""
        draft, parents = self._draft, {edit.dataset for edit in edits}
        way = pairwise([draft.dataset, *ancestors(draft.context.workspace, draft.dataset)])
        made = [newer for newer, older in way if older in parents]
        mine = (repr(one) for one in made if read_card(draft.context.workspace, one).made_by == MADE_BY)
        return listed(mine, VERSIONS_LISTED)

    def _rename(self, new: str, old: str) -> None:
        draft = self._draft
        if label_since(new, self._later) == old:  # it was undone before
            return
        if new not in draft.task.label_names or old in draft.task.label_names:
            self.left[f"label {new!r}, which was changed again since"] = 1
            ended = [edit for edit in self._later if edit.label == new and edit.action in EXCHANGES]
            if gone := self._versions(ended[-1:]):
                self.ways.append(f"Undo {gone} first, by which {new!r} ended, then this.")
            return
        done = rename(draft, Change(action="rename_label", label=new, to=old))
        self.words.append(done.words)
        self._describe(old, new)

    def _bring_back(self, name: str) -> None:
        draft = self._draft
        names = draft.task.label_names
        if name in names or (name in self._after.label_names and label_since(name, self._later) in names):
            return
        known = label_of(self._then, name) or new_label(name, "")
        draft.task = with_labels(draft.task, {}, last=(known,))
        self._order()  # the labels of a row with several are in the task's order
        draft.record("add_label", label=name)
        self.words.append(f"{name!r} again a label")

    def _describe(self, name: str, as_after: str | None = None) -> None:
        """Give a label the description that it had, if it is still the one that the edit gave it."""
        draft = self._draft
        now_named = label_since(name, self._later) or name
        now, then = label_of(draft.task, now_named), label_of(self._then, name)
        after = label_of(self._after, as_after or name)
        if now is None or then is None or after is None or now.description == then.description:
            return
        if now.description != after.description:
            self.left[f"label {now_named!r}, which was described again since"] = 1
            return
        draft.task = with_labels(draft.task, {now_named: (_described(now, then),)})
        draft.record("describe_label", label=now_named)

    def _order(self) -> None:
        """Put the labels that are there again where they stood."""
        draft = self._draft
        order = _places(self._then.label_names, draft.task.label_names)
        labels = tuple(sorted(draft.task.labels, key=lambda label: order.index(label.name)))
        draft.task = draft.task.model_copy(update={"labels": labels})
        if labels == self._then.labels:
            facts = {"mismatch": self._then.mismatch, "expected_shares": self._then.expected_shares}
            draft.task = draft.task.model_copy(update=facts)


def _described(label: Label, then: Label) -> Label:
    return label.model_copy(update={"description": then.description})


def _places(then: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the names `now`: those that were there `then` in their order of then, others by their neighbours."""
    order = [name for name in then if name in now]
    for place, name in enumerate(now):
        if name not in order:
            order.insert(order.index(now[place - 1]) + 1 if place else 0, name)
    return order
