"""Labels of random rows, which tell the shares of the labels without a model; and shares that a person stated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from math import ceil
from typing import NamedTuple

from classwright_tools.annotation.answers import first_answered
from classwright_tools.annotation.answers_now import answers_now, changes_since, stored_answers
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.edits import Edit, decided_since, ids_after
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.labels_since import came_of
from classwright_tools.domain.shares import MOST_NAMED, TaskShares
from classwright_tools.domain.task import Task
from classwright_tools.errors import DamagedArtifact
from classwright_tools.learning.prior import counted_shares, stated_shares
from classwright_tools.workspace.asked_rows import known_labels, labels_of
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.workspace import Artifact, Workspace

LEAST_ROWS = 50  # with a label: an interval of a share is 28 points wide at most
LEAST_A_LABEL = 5  # of them for each label of the task: of fewer many labels get none by chance
LEAST_LABELLED = 0.9  # of the rows with an answer: the others may be of some labels rather than of all


class RandomLabels(NamedTuple):
    """How many random rows have each label, how many fit none, and how many others were answered.

    They tell the shares if `wanted` rows or more have a label, and nearly all that were answered do. Beside these,
    `blind` rows do not count, which were labelled when there were none of the labels `unseen`, nor `late` ones, which
    were drawn after others had been picked and labelled.
    """

    counts: Counter[str]
    fits_none: int = 0
    answered: int = 0
    blind: int = 0
    unseen: tuple[str, ...] = ()
    late: int = 0
    wanted: int = LEAST_ROWS

    @property
    def least(self) -> int:
        """How many rows must have a label to tell the shares of the labels."""
        return max(self.wanted, ceil(LEAST_LABELLED * self.answered))

    @property
    def tell(self) -> bool:
        """Whether the counts tell the shares of the labels."""
        return self.counts.total() >= self.least

    @property
    def why_not(self) -> str:
        """Why rows do not tell the shares, and what helps, in sentences; "" where there are too few to say so."""
        if not self.unseen:
            if self.late < LEAST_ROWS:
                return self._too_few
            return (
                f"The labels of {counted(self.late, 'random text')} do not tell how frequent each label is (its "
                "share): they were drawn after other texts had been picked and labelled. To state the shares: "
                "propose_topics(expected_shares=...)."
            )
        were = "was no label" if len(self.unseen) == 1 else "were no labels"
        return (
            f"The labels of {counted(self.blind, 'random text')} do not tell how frequent each label is (its share): "
            f"{listed(map(repr, self.unseen), MOST_NAMED)} {were} when they were given. To have the shares counted: "
            "annotate_examples(order='random'). To state them: propose_topics(expected_shares=...)."
        )

    @property
    def _too_few(self) -> str:
        if self.answered < LEAST_ROWS:
            return ""
        labelled = self.counts.total()
        more = "Have more labelled: annotate_examples(order='random')"
        if labelled >= self.wanted:
            more = "Give the others one: edit_examples"
        return (
            f"{labelled:,} of {self.answered:,} random texts that were answered have a label: too few to tell how "
            f"frequent each label is (its share), for which {self.least:,} are needed. {more}. To state the shares: "
            "propose_topics(expected_shares=...)."
        )


def shares_of_task(workspace: Workspace, task: Task, dataset: str) -> tuple[TaskShares | None, str]:
    """Return the labels' shares as a person stated them, else those in random rows that were labelled, if there are.

    Beside them stands why random rows do not tell them, if that is to be told. Models of pairs, or of
    several labels a row, take none.
    """
    if not task.decides_for_shares:
        return None, ""
    if task.expected_shares:
        return stated_shares(task.expected_shares, task.label_names), ""
    found = random_labels(workspace, task, dataset)
    if found.tell:
        return counted_shares(found.counts, task.label_names, found.fits_none), ""
    return None, found.why_not


def shares_lost(workspace: Workspace, task: Task, parent: str, dataset: str) -> str:
    """Return why random rows do not tell the shares of the labels of `task` in `dataset`, if a label that was added to
    its `parent` is the reason; else "". So it is where an annotation does not read back: the edit is made.
    """
    new = (edit for edit in edits_since(workspace, parent, dataset) if edit.action == "add_label")
    with suppress(DamagedArtifact):
        return shares_of_task(workspace, task, dataset)[1] if any(new) else ""
    return ""


def random_labels(workspace: Workspace, task: Task, dataset: str) -> RandomLabels:
    """Return the labels of `task` that rows which were asked about at random have in `dataset`.

    Rows are a fair sample of the unlabelled ones until others, which were picked for what they tell or where they came
    from, have labels: what was drawn later does not count. Nor does an annotation that began when the task had fewer
    labels, whose rows may be of the others: unless nearly all of its rows were looked at since.
    """
    counts: Counter[str] = Counter()
    answered = fits_none = blind = late = 0
    unseen: set[str] = set()
    before: set[str] = set()
    picked: datetime | None = None  # when the first answer came for rows that were
    for made in sorted(workspace.artifacts(task.slug, "annotation"), key=lambda one: one.number):
        annotation = workspace.document(made.id, "annotation", Annotation)
        if annotation.order != "random" or annotation.source:
            picked = min(filter(None, (picked, first_answered(workspace, made.id))), default=None)
            continue
        found = _labels_now(workspace, task, made, annotation, dataset, before)
        if picked and picked < made.created:
            late += found.counts.total()
        elif found.unseen and found.counts.total() < LEAST_LABELLED * found.answered:
            blind += found.answered
            unseen |= {*found.unseen}
        else:
            counts += found.counts
            fits_none += found.fits_none
            answered += found.answered
            before |= stored_answers(workspace, made.id).keys()
    named = tuple(name for name in task.label_names if name in unseen)
    return RandomLabels(counts, fits_none, answered, blind, named, late, wanted_of(len(task.labels)))


def wanted_of(labels: int) -> int:
    """Return how many random rows must have one of so many labels at the least."""
    return max(LEAST_ROWS, LEAST_A_LABEL * labels)


def labels_unseen(workspace: Workspace, task: Task, made: Artifact, later: Sequence[Edit]) -> tuple[str, ...]:
    """Return the labels of `task` that came by `later` edits, after the annotation `made`, and are of none it had."""
    then = workspace.task(task.slug, made.facts["task_version"]).label_names if "task_version" in made.facts else ()
    return tuple(name for name in task.label_names if then and name not in came_of(then, later))


def _labels_now(
    workspace: Workspace, task: Task, made: Artifact, annotation: Annotation, dataset: str, before: set[str]
) -> RandomLabels:
    """Return what the random rows of one annotation have as labels in `dataset`, of rows that are not there any more
    what their label has become; of labels that it did not know those alone which rows got that were looked at since.

    Rows that were counted `before`, and asked again, are left out.
    """
    later = edits_since(workspace, annotation.dataset, dataset)
    unseen = labels_unseen(workspace, task, made, later)
    added = [place for place, edit in enumerate(later) if edit.action == "add_label"]
    # The annotation's own labels are an edit of rows without one, and may be older than the labels that came meanwhile.
    since = (
        (edit for edit in later[added[-1] :] if edit.action != "relabel" or any(edit.rows.values())) if added else ()
    )
    seen = decided_since(since)
    checks = known_labels(workspace, annotation).keys()
    stored = {row: one for row, one in stored_answers(workspace, made.id).items() if row not in checks | before}
    now = answers_now(stored, changes_since(workspace, annotation.dataset, dataset), task)
    answers = now.hold | now.ended
    called = ids_after(later)
    ids = {row: called.get(row, row) for row in answers}
    has = labels_of(workspace, dataset, ids.values())
    counts: Counter[str] = Counter()
    unfit = 0
    for row, answer in answers.items():
        id_ = ids[row]
        label = has.get(id_) or (answer.label if row in now.hold else None)
        if label is None and answer.fits_none(task):
            unfit += 1
        elif label in task.label_names and (not unseen or id_ in seen):
            counts[str(label)] += 1
    return RandomLabels(counts, unfit, len(answers) - unfit, unseen=unseen)
