"""What is advised after a round without gain is what has not been tried yet on the rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from classwright_tools.domain.task import Task
from classwright_tools.measurement.next_training import too_few
from classwright_tools.measurement.untried import untried
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of, written_rows
from support.pair import pair_rows, pair_task, save_pairs


def train(workspace: Workspace, dataset: str, tried: Sequence[str], encoder: str = "mine") -> None:
    """Keep a model of `dataset` that trainings list, of no files."""
    facts = {"dataset": dataset, "method": tried[0], "tried": list(tried), "encoder": encoder}
    key = f"{tried} {encoder}"
    workspace.publish("model", "support", lambda _: None, run_key=key, parent=dataset, facts=facts)


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return dataset_of(workspace, train=written_rows())


def test_methods_and_encoders_that_were_tried_are_not_advised(
    workspace: Workspace, task: Task, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.is_offline_mode", lambda: False)
    assert untried(workspace, task, dataset) == "`encoder` 'auto' or `method` 'probe' or `method` 'contrastive'"

    train(workspace, dataset, ["probe"])
    assert untried(workspace, task, dataset) == "`encoder` 'auto' or `method` 'contrastive'"
    with monkeypatch.context() as away:
        away.setattr("huggingface_hub.is_offline_mode", lambda: True)
        away.setattr("classwright_tools.learning.encoder_folders.cached_encoders", lambda: ())
        assert untried(workspace, task, dataset) == "`method` 'contrastive'", "no other encoder is to be had"

    train(workspace, dataset, ["contrastive", "probe"])
    assert untried(workspace, task, dataset) == "`encoder` 'auto'"

    train(workspace, dataset, ["probe", "auto"])
    assert untried(workspace, task, dataset) == ""


def test_two_encoders_that_models_were_trained_on_are_a_comparison_too(
    workspace: Workspace, task: Task, dataset: str
) -> None:
    train(workspace, dataset, ["probe"])
    train(workspace, dataset, ["probe"], encoder="another")

    assert untried(workspace, task, dataset) == "`method` 'contrastive'"


def test_a_matcher_is_advised_with_the_call_that_names_its_mismatch(workspace: Workspace) -> None:
    named = pair_task(workspace)
    pairs = save_pairs(workspace, {"train": pair_rows(("drill",))})
    bare = named.model_copy(update={"mismatch": None})

    assert untried(workspace, named, pairs).endswith("or `method` 'matcher'")
    assert untried(workspace, bare, pairs).endswith(f"or `method` 'matcher' (first {bare.naming_mismatch})")


def test_of_pairs_mismatches_alone_are_advised_to_be_written(workspace: Workspace) -> None:
    named = pair_task(workspace)
    bare = named.model_copy(update={"mismatch": None})
    rows = pair_rows(("drill",))
    few = {label: [row for row in rows if row.label != label] for label in named.label_names}
    lacking = {label: save_pairs(workspace, {"train": own}, run_key=label) for label, own in few.items()}

    assert "synthesize_examples" in too_few(workspace, named, lacking["mismatch"])
    assert "synthesize_examples" not in too_few(workspace, named, lacking["fits"])
    assert "synthesize_examples" not in too_few(workspace, bare, lacking["mismatch"])
