"""A task in one line: what it holds, the model in use with its figure, and what is open."""

from __future__ import annotations

from classwright_tools.chronicle.open_work import open_work
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.excerpt import SHORT, counted, listed, shortened
from classwright_tools.domain.label_names import other_labels
from classwright_tools.domain.task import Task
from classwright_tools.domain.task_line import TaskLine, UsedModel
from classwright_tools.errors import DamagedArtifact
from classwright_tools.measurement.caveats import scores_in_words
from classwright_tools.measurement.encoder_first import encoder_first
from classwright_tools.measurement.next_training import too_few
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.in_use import InUse, model_in_use
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.workspace import Artifact, Workspace

LABELS_NAMED = 12
DATE = "%Y-%m-%d"


def task_line(workspace: Workspace, slug: str) -> TaskLine:
    """Return what one learns first of the task `slug`.

    Raises:
        NotFound: there is no such task.
        DamagedArtifact: its newest dataset, or the card of the model in use, does not read back.
    """
    task = workspace.task(slug)
    newest = workspace.latest("dataset", slug)
    card = read_card(workspace, newest.id) if newest else None
    rows = {split: card.rows(split) for split in SPLITS} if card else {}
    found = model_in_use(workspace, slug)
    model = workspace.document(found.model.id, "model", ModelCard) if found else None
    behind = _behind(workspace, task, found, newest) if found else ""
    return TaskLine(
        task=slug,
        instruction=shortened(task.instruction, SHORT),
        labels=listed(task.label_names, LABELS_NAMED) or "none yet",
        rows={split: count for split, count in rows.items() if count},
        dataset=newest.id if newest else None,
        made=f"{newest.created:{DATE}}" if newest else None,
        in_use=used_model(found, model) if found and model else None,
        open=(*_of_model(task, found, model, behind), *open_work(workspace, task, newest)),
    )


def used_model(found: InUse, card: ModelCard) -> UsedModel:
    """Return the model in use, whose `card` this is, as an answer tells of it."""
    return UsedModel(
        model=found.model.id,
        since=f"{found.since:{DATE}}",
        why=found.why,
        learnt=card.dataset,
        figure=figure_of(card),
    )


def figure_of(card: ModelCard) -> str:
    """Return how good a model was found when it was trained, and on which rows."""
    rows = card.validation.measured_on or counted(card.validation.rows, f"{card.validation.data} row")
    guessed = "" if card.validation.beats_guessing else ", not shown to be better than guessing"
    return f"{scores_in_words(card.validation, len(card.labels))} on {rows}{guessed}"


def _behind(workspace: Workspace, task: Task, found: InUse, newest: Artifact | None) -> str:
    """Return that the model in use learnt from other rows than those of `newest`, and what to do; "" if it has not."""
    learnt, rival = found.model.parent, found.rival
    if newest is None or learnt is None or learnt == newest.id:
        return ""
    if found.by and rival and rival.number > found.model.number and _learns_alike(workspace, rival.parent, newest.id):
        return (
            f"It learnt from {learnt}, and was kept in place of {rival.id}, which learnt what the newest has beside "
            f"({found.by.id}): go on with dataset={learnt!r}, or bring other rows."
        )
    few = too_few(workspace, task, newest.id)
    return f"It learnt from {learnt}, not the newest" + (
        f". {few}" if few else f": train_classifier(task={task.slug!r})."
    )


def _learns_alike(workspace: Workspace, dataset: str | None, newer: str) -> bool:
    """Whether one learns the same from a `newer` dataset as from the one before: nothing was edited or added since."""
    if dataset is None or edits_since(workspace, dataset, newer):
        return False
    return read_card(workspace, dataset).rows("train") == read_card(workspace, newer).rows("train")


def _of_model(task: Task, found: InUse | None, card: ModelCard | None, behind: str) -> list[str]:
    """Return what the model in use does not know, or was not compared with, in sentences with their calls.

    `behind` says that it learnt from other rows than the newest, if it did.
    """
    if not found or not card:
        return []
    said = [encoder_first(card).reason, other_labels(found.model.id, card.labels, task.label_names), behind]
    if found.rival and not found.by:
        said.append(_uncompared(found, found.rival.id, only_test=bool(card.validation_rows_learnt)))
    return [one for one in said if one]


def _uncompared(found: InUse, rival: str, *, only_test: bool) -> str:
    """Return how to compare the model in use with its `rival`; "" where `only_test` rows can tell, and have."""
    call = f"evaluate(model={found.model.id!r}, against={rival!r}"
    if only_test:
        why = "it learnt from validation rows, so that test rows alone can"
        return (
            "" if found.tested else f"It was not compared with {rival}, the one before; {why}: {call}, split='test')."
        )
    if found.tested:
        tested = f"on test rows alone ({found.tested.id}), by which no model is chosen"
        return f"It was compared with {rival}, the one before, {tested}: {call})."
    return f"It was not compared with {rival}, the one before: {call})."


def readable_line(workspace: Workspace, slug: str) -> TaskLine:
    """Return what `task_line` does; of a task that does not read back its name, and the reason as what is open."""
    try:
        return task_line(workspace, slug)
    except DamagedArtifact as error:
        task = workspace.task(slug)
        return TaskLine(
            task=slug,
            instruction=shortened(task.instruction, SHORT),
            labels=listed(task.label_names, LABELS_NAMED) or "none yet",
            open=(str(error),),
        )
