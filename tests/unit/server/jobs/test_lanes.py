"""Which lane a request waits in: what may take long never in the short one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs import sizes
from classwright_server.jobs.sizes import StoredSizes
from classwright_tools import work
from classwright_tools.catalogue import catalogue
from classwright_tools.context import ToolContext
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.workspace.workspace import Workspace
from support.server import TASK, rows

DATA = {"rows": rows(4), "task": "support", "split": "train"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a task, a small dataset, and the folder of a model with weights of its own."""
    made = Workspace(tmp_path)
    propose_topics(ProposeTopicsRequest.model_validate(TASK), ToolContext(made, "one"))
    import_examples(ImportExamplesRequest.model_validate(DATA), ToolContext(made, "two"))
    made.publish("model", "support", lambda _folder: None, run_key="three")
    return made


def lane_of(workspace: Workspace, name: str, **request: Any) -> str:
    """The lane of a call."""
    tool = catalogue()[name]
    tool_settings = ToolSettings(workspace=workspace.root, import_folders=(workspace.root / "imports",))
    return tool.work(tool.request(**request), StoredSizes(workspace, tool_settings)).lane


@pytest.mark.parametrize(
    ("tool", "request_", "lane"),
    [
        ("classify", {"model": "support-m1", "texts": ["a"]}, "short"),
        ("evaluate", {"model": "support-m1"}, "short"),
        ("error_analysis", {"model": "support-m1"}, "short"),
        ("export_model", {"model": "support-m1"}, "short"),
        ("train_classifier", {"task": "support", "method": "probe"}, "short"),
        ("train_classifier", {"task": "support", "method": "cluster"}, "short"),
        ("train_classifier", {"task": "support"}, "long"),
        ("train_classifier", {"task": "support", "method": "contrastive"}, "long"),
        ("train_classifier", {"task": "support", "method": "finetune"}, "long"),
        ("train_classifier", {"task": "support", "method": "setfit"}, "long"),
        ("train_classifier", {"task": "support", "method": "matcher"}, "long"),
        ("train_classifier", {"task": "support", "method": "probe", "imbalance": "auto"}, "long"),
        ("train_classifier", {"task": "support", "method": "probe", "encoder": "some/other"}, "long"),
        ("gan_augment", {"task": "support"}, "long"),
        ("gan_augment", {"task": "support", "method": "gan"}, "long"),
        ("gan_augment", {"task": "support", "method": "smote"}, "short"),
        ("gan_augment", {"task": "support", "method": "smote", "pretrain_dataset": "support-d1"}, "long"),
        ("import_examples", DATA, "short"),
        ("import_examples", {"task": "support", "split": "train", "hub": "some/data"}, "writing"),
        ("synthesize_examples", {"task": "support", "rows": 4}, "writing"),
        ("annotate_examples", {"task": "support"}, "writing"),
        ("annotate_examples", {"task": "support", "annotation": "support-n1", "finish": True}, "short"),
        ("propose_topics", TASK, "writing"),
    ],
)
def test_a_request_waits_in_the_lane_of_what_it_may_come_to(
    workspace: Workspace, tool: str, request_: dict[str, Any], lane: str
) -> None:
    assert lane_of(workspace, tool, **request_) == lane


def test_the_same_work_on_more_text_than_takes_minutes_is_long(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports = workspace.root / "imports"
    imports.mkdir()
    (imports / "large.csv").write_bytes(bytes(40_000))
    monkeypatch.setattr(work, "SHORT_BYTES", 1_000)

    assert lane_of(workspace, "train_classifier", task="support", method="probe") == "long"
    assert lane_of(workspace, "error_analysis", model="support-m1") == "long"
    assert lane_of(workspace, "evaluate", model="support-m1") == "short"  # there are no such rows yet
    assert lane_of(workspace, "classify", model="support-m1", texts=["a" * 500] * 3) == "long"
    monkeypatch.setattr(work, "SHORT_BYTES", 2 * work.READ_BYTES)
    assert lane_of(workspace, "classify", model="support-m1", texts=["a" * 19_000]) == "short"  # it is cut
    monkeypatch.setattr(work, "SHORT_BYTES", 1_000)
    assert lane_of(workspace, "import_examples", task="support", split="train", path="large.csv") == "writing"


def test_labelled_rows_count_as_the_unlabelled_ones_do_as_the_model_reads_them_for_the_table(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = StoredSizes(workspace, ToolSettings(workspace=workspace.root))
    read = int(stored.dataset("support-d1", "support", ("train",)) * stored.slowness("support-m1"))
    monkeypatch.setattr(work, "SHORT_BYTES", read)
    as_much = lane_of(workspace, "classify", model="support-m1", dataset="support-d1")
    monkeypatch.setattr(work, "SHORT_BYTES", read - 1)

    assert read > 0
    assert as_much == "short"
    assert lane_of(workspace, "classify", model="support-m1", dataset="support-d1") == "long"


def test_a_folder_to_import_counts_as_its_files_and_what_lies_outside_as_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = workspace.root / "imports" / "many" / "deep"
    deep.mkdir(parents=True)
    for name in ("a.csv", "b.csv"):
        (deep / name).write_bytes(bytes(20_000))
    (workspace.root / "outside.csv").write_bytes(bytes(40_000))
    monkeypatch.setattr(work, "SHORT_BYTES", 1_000)

    assert lane_of(workspace, "import_examples", task="support", split="train", path="many") == "writing"
    assert lane_of(workspace, "import_examples", task="support", split="train", path="many/deep/a.csv") == "short"
    assert lane_of(workspace, "import_examples", task="support", split="train", path="../outside.csv") == "short"


def test_a_model_of_five_times_the_weights_reads_a_fifth_of_the_text_in_that_time(workspace: Workspace) -> None:
    texts = ["a" * 1_000] * 400
    before = lane_of(workspace, "classify", model="support-m1", texts=texts)
    with (workspace.artifact("support-m1", "model").path / "model.safetensors").open("wb") as weights:
        weights.truncate(5 * int(sizes.USUAL_WEIGHTS_BYTES))  # a file with a hole: it takes no room

    assert before == "short"
    assert lane_of(workspace, "classify", model="support-m1", texts=texts) == "long"


def test_a_request_that_names_what_is_not_there_is_short_for_it_ends_at_once(workspace: Workspace) -> None:
    assert lane_of(workspace, "evaluate", model="other-m7") == "short"
    assert lane_of(workspace, "train_classifier", task="other", method="probe") == "short"
