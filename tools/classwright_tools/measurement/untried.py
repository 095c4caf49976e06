"""Methods and encoders that have not been tried yet on the rows of a dataset."""

from __future__ import annotations

from classwright_tools.context import AUTO_ENCODER
from classwright_tools.domain.task import Task
from classwright_tools.learning.encoder_folders import none_to_be_had
from classwright_tools.learning.methods.registry import candidates
from classwright_tools.workspace.workspace import Workspace


def tried_before(workspace: Workspace, task: str, dataset: str) -> set[str]:
    """Return the methods that trainings on `dataset`, and on the versions that it came from, tried.

    `AUTO_ENCODER` is among them where encoders were compared, models were trained on several, or no other is to be had.
    """
    line: list[str] = []
    version: str | None = dataset
    while version:
        line.append(version)
        version = workspace.artifact(version, "dataset").parent
    made = [one.facts for one in workspace.artifacts(task, "model") if one.facts.get("dataset") in line]
    encoders = {facts["encoder"] for facts in made if "encoder" in facts}  # models of before do not list theirs
    tried = {name for facts in made for name in facts.get("tried", [facts["method"]])}
    alone = len(encoders) == 1 and none_to_be_had(next(iter(encoders)), workspace.encoders)
    return tried | ({AUTO_ENCODER} if len(encoders) > 1 or alone else set())


def untried(workspace: Workspace, task: Task, dataset: str) -> str:
    """Return what of a training on `dataset` may be worth a try, as the end of a sentence; nothing where all was."""
    tried = tried_before(workspace, task.slug, dataset)
    able = candidates(task.kind, "none", multi_label=task.multi_label)
    named = [] if AUTO_ENCODER in tried or task.multi_label else [f"`encoder` {AUTO_ENCODER!r}"]
    for method in able:
        if method.name not in tried:
            first = f" (first {task.naming_mismatch})" if method.needs_mismatches and task.mismatch is None else ""
            named.append(f"`method` {method.name!r}{first}")
    return " or ".join(named)
