"""The events of a task, the newest first: versions, models, measurements and exports, by whom and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC
from functools import cache

from classwright_tools.annotation.answers_now import stored_answers
from classwright_tools.chronicle.edit_words import edits_in_words
from classwright_tools.chronicle.task_lines import figure_of
from classwright_tools.domain.cards import DatasetCard, ModelCard
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import Kind, number_of
from classwright_tools.domain.task_line import Event
from classwright_tools.errors import DamagedArtifact
from classwright_tools.measurement.caveats import scores_in_words
from classwright_tools.measurement.comparison_words import in_one_line
from classwright_tools.measurement.edit_calls import not_held
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_card, read_edits
from classwright_tools.workspace.in_use import chooses
from classwright_tools.workspace.lineage import Fates, fates
from classwright_tools.workspace.workspace import Artifact, Workspace

MOST = 6
"""Changes of a version, or names, that are told one by one."""
_KINDS: tuple[Kind, ...] = ("dataset", "model", "report", "export")
_WRITER = {"submit_examples": "the calling model", "synthesize_examples": "the server's writer"}


def happened(workspace: Workspace, task: str) -> list[Artifact]:
    """Return what happened in `task`, the newest first: its versions, models, evaluations and exports."""
    made = [one for kind in _KINDS for one in workspace.artifacts(task, kind)]
    told = [one for one in made if one.kind != "report" or one.facts.get("about") == "evaluation"]
    return sorted(told, key=lambda one: one.created, reverse=True)


def events(workspace: Workspace, made: Sequence[Artifact]) -> list[Event]:
    """Return what is told of each of the artifacts `made`, of any tasks; of one that does not read back, that."""

    @cache
    def found(task: str) -> Fates:
        return _fates(workspace, task)

    @cache
    def standing(task: str) -> Standing:
        there = Standing(workspace, task)
        there.refresh()
        return there

    tell: dict[Kind, Callable[[Artifact], Event]] = {
        "dataset": lambda one: _version(workspace, one, standing(one.task), found(one.task)),
        "model": lambda one: _model(workspace, one, found(one.task)),
        "report": lambda one: _evaluation(workspace, one, found(one.task)),
        "export": lambda one: _event(one, f"{one.parent} as a folder that runs by itself"),
    }
    return [_told(one, tell[one.kind]) for one in made]


def _fates(workspace: Workspace, task: str) -> Fates:
    newest = workspace.latest("dataset", task)
    try:
        return fates(workspace, newest.id) if newest else Fates()
    except DamagedArtifact:
        return Fates()  # the version's own event says that it does not read back


def _told(made: Artifact, tell: Callable[[Artifact], Event]) -> Event:
    try:
        return tell(made)
    except DamagedArtifact as error:
        return _event(made, str(error))


def _event(made: Artifact, what: str, by: str = "", why: str = "") -> Event:
    return Event(id=made.id, when=f"{made.created.astimezone(UTC):%Y-%m-%d %H:%M} UTC", what=what, by=by, why=why)


def _version(workspace: Workspace, made: Artifact, standing: Standing, found: Fates) -> Event:
    told = _version_made(workspace, made, standing, found)
    back = [f"taken back in {found.reverted[made.id]}"] if made.id in found.reverted else []
    back += [f"undone in {found.undone[made.id]}"] if made.id in found.undone else []
    return told.model_copy(update={"what": "; ".join((told.what, *back))})


def _version_made(workspace: Workspace, made: Artifact, standing: Standing, found: Fates) -> Event:
    card = read_card(workspace, made.id)
    before = read_card(workspace, card.parent) if card.parent else None
    own = [edit for edit in read_edits(workspace, made.id) if edit.dataset == card.parent and not edit.brought]
    if card.made_by == "edit_examples":
        changes = listed(edits_in_words(own), MOST)
        gone = sorted((id_ for id_, by in found.reverted.items() if by == made.id), key=number_of)
        changes += f"; {listed(gone, MOST)} taken back" if gone else ""
        return _event(made, changes, _deciders(made, own, standing), card.note)
    what = f"{card.made_by}: {_rows_since(card, before)}"
    if card.made_by == "annotate_examples":
        by = Counter(one.answer.decider for one in stored_answers(workspace, made.run_key).values())
        return _event(made, what, listed((f"{who} ({rows})" for who, rows in by.most_common()), MOST))
    return _event(made, what, _WRITER.get(card.made_by, ""))


def _deciders(made: Artifact, own: Sequence[Edit], standing: Standing) -> str:
    """Return who made the edits of a version, by name where one was given, and whether it was on the review page."""
    on_page = " on the review page" if standing.reviewed([made]) else ""
    return listed(sorted({edit.decider for edit in own}), MOST) + on_page


def _rows_since(card: DatasetCard, before: DatasetCard | None) -> str:
    """Return the rows that a version has more or less than the one before it, by split."""
    changes = {split: card.rows(split) - (before.rows(split) if before else 0) for split in SPLITS}
    told = [f"{change:+,} {split}" for split, change in changes.items() if change]
    word = "row" if list(map(abs, filter(None, changes.values()))) == [1] else "rows"
    return f"{', '.join(told)} {word}" if told else "as many rows in each split"


def _model(workspace: Workspace, made: Artifact, found: Fates) -> Event:
    card = workspace.document(made.id, "model", ModelCard)
    learnt = counted(card.validation_rows_learnt, "validation row")
    too = f"; it learnt from {learnt} too: only test rows compare it with others" if card.validation_rows_learnt else ""
    back = not_held(workspace, found, card.dataset)
    return _event(made, f"{card.method} on {card.dataset}: {figure_of(card)}{too}{f'; {back}' if back else ''}")


def _evaluation(workspace: Workspace, made: Artifact, found: Fates) -> Event:
    report = workspace.document(made.id, "report", EvaluationReport)
    rows = counted(report.figures.rows, f"{report.data} {report.split} row")
    told = [f"{report.model} on {rows} of {report.dataset}: {scores_in_words(report.figures, len(report.labels))}"]
    models = [report.model]
    if report.comparison:
        models.append(report.comparison.against)
        told.append(in_one_line(report.comparison, report.model))
        if chooses(made.facts):
            kept = report.comparison.against if report.comparison.keeps_earlier else report.model
            trade = " until a person decides" if report.comparison.verdict == "trade" else ""
            told.append(f"{kept} kept{trade}")
    for model in models:
        card = workspace.document(model, "model", ModelCard)
        back = not_held(workspace, found, card.dataset)
        told += [f"of {model}: {back}"] if back else []
    return _event(made, "; ".join(told))
