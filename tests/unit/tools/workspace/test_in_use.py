"""The model in use is the one that the newest comparison kept, until something newer is kept or trained."""

from __future__ import annotations

from classwright_tools.domain.comparison import Verdict
from classwright_tools.domain.task import Task
from classwright_tools.workspace.in_use import InUse, model_in_use
from classwright_tools.workspace.workspace import Workspace


def train(workspace: Workspace) -> str:
    key = f"model {len(workspace.artifacts('support', 'model'))}"
    return workspace.publish("model", "support", lambda _: None, run_key=key, facts={}).id


def compare(workspace: Workspace, model: str, against: str, verdict: Verdict) -> str:
    key = f"report {len(workspace.artifacts('support', 'report'))}"
    facts = {"model": model, "against": against, "split": "validation", "verdict": verdict}
    return workspace.publish("report", "support", lambda _: None, run_key=key, facts=facts).id


def used(workspace: Workspace) -> InUse:
    found = model_in_use(workspace, "support")
    assert found
    return found


def test_of_a_models_comparisons_with_several_the_newest_says_which_one_is_in_use(
    workspace: Workspace, task: Task
) -> None:
    first, second = train(workspace), train(workspace)
    compare(workspace, second, first, "undecided")
    third = train(workspace)
    compare(workspace, third, second, "no gain")
    assert used(workspace).model.id == second
    by = compare(workspace, third, first, "no gain")

    found = used(workspace)

    assert found.model.id == first
    assert found.why == f"by {by}: {third} against {first}, no gain"
    assert found.by
    assert found.since == found.by.created  # the second one was in its place

    compare(workspace, third, second, "no gain")
    assert used(workspace).model.id == second
    compare(workspace, second, first, "loss")
    assert used(workspace).model.id == first
    compare(workspace, second, first, "gain")
    assert used(workspace).model.id == second
    fourth = train(workspace)
    assert (used(workspace).model.id, used(workspace).why) == (fourth, f"as the newest, not compared with {second}")


def test_a_model_that_lost_to_an_older_one_is_not_in_use_because_a_newer_one_lost_to_it(
    workspace: Workspace, task: Task
) -> None:
    first, second = train(workspace), train(workspace)
    compare(workspace, second, first, "loss")
    third = train(workspace)
    compare(workspace, third, second, "loss")
    assert used(workspace).model.id == first


def test_models_that_beat_each_other_in_a_circle_leave_one_in_use(workspace: Workspace, task: Task) -> None:
    first, second, third = (train(workspace) for _ in range(3))
    for model, against in ((second, first), (third, second)):
        compare(workspace, model, against, "gain")
    compare(workspace, third, first, "loss")
    assert used(workspace).model.id in (first, second, third)
