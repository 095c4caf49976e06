"""The workspace: ids that count up, runs that make nothing twice, lists, and what is damaged or stale."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.kinds import Kind
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound, StorageFailed
from classwright_tools.measurement.doubts import doubts_file
from classwright_tools.workspace.atomic import STALE_SECONDS, clear_stale
from classwright_tools.workspace.datasets import iterate_rows, read_card, read_ids, read_rows, read_table, save_dataset
from classwright_tools.workspace.index import ArtifactRow, SubmissionRow
from classwright_tools.workspace.lineage import ancestors
from classwright_tools.workspace.workspace import Artifact, Workspace
from support.postgres import ON_BOTH, PostgresServer


def publish(workspace: Workspace, run_key: str, kind: Kind = "report", task: str = "support") -> Artifact:
    return workspace.publish(kind, task, lambda folder: _write(folder, run_key), run_key=run_key)


def _write(folder: Path, text: str) -> None:
    (folder / "text").write_text(text, encoding="utf-8")


def save_rows(workspace: Workspace, rows: list[Example], run_key: str = "rows") -> Artifact:
    return save_dataset(workspace, "support", {"train": rows}, parent=None, run_key=run_key, made_by="test")


@ON_BOTH
def test_ids_count_up_for_each_kind_and_task(workspace: Workspace, task: Task) -> None:
    workspace.save_task(task.model_copy(update={"slug": "other"}))

    made = [
        publish(workspace, "a").id,
        publish(workspace, "b").id,
        publish(workspace, "c", "model").id,
        publish(workspace, "d", task="other").id,
    ]

    assert made == ["support-r1", "support-r2", "support-m1", "other-r1"]


@ON_BOTH
def test_artifacts_are_listed_newest_first(workspace: Workspace, task: Task) -> None:
    for number in range(12):
        publish(workspace, str(number), "report" if number % 2 else "model")

    listed = workspace.artifacts("support")

    assert [artifact.run_key for artifact in listed] == [str(number) for number in reversed(range(12))]
    assert [artifact.id for artifact in workspace.artifacts("support", "report", limit=2)] == [
        "support-r6",
        "support-r5",
    ]
    latest = workspace.latest("model", "support")
    assert latest is not None
    assert latest.id == "support-m6"


@ON_BOTH
def test_of_thousands_of_artifacts_all_are_listed_and_the_way_to_a_version_is_whole(
    workspace: Workspace, task: Task
) -> None:
    versions = [f"support-d{number}" for number in range(1, 2_502)]
    with Session(workspace.engine) as session, session.begin():
        for number, (version, parent) in enumerate(zip(versions, [None, *versions], strict=False), 1):
            facts = {"id": version, "task": "support", "kind": "dataset", "number": number, "facts": {}}
            session.add(ArtifactRow(parent=parent, run_key=version, **facts))

    assert [one.id for one in workspace.artifacts("support")] == versions[::-1]
    assert list(ancestors(workspace, versions[-1])) == versions[-2::-1]
    assert [one.id for one in workspace.artifacts("support", "dataset", limit=2, offset=2_400)] == [
        "support-d101",
        "support-d100",
    ]


@ON_BOTH
def test_the_newest_of_a_kind_is_the_last_one_made_whatever_the_clock_of_its_host_said(
    workspace: Workspace, task: Task
) -> None:
    first = publish(workspace, "a", "dataset")
    with Session(workspace.engine) as session, session.begin():  # as a host whose clock is ahead would have it
        session.get_one(ArtifactRow, first.id).created += timedelta(hours=1)
    second = publish(workspace, "b", "dataset")

    latest = workspace.latest("dataset", "support")
    third = workspace.publish(
        "dataset", "support", lambda folder: _write(folder, "c"), run_key="c", parent=second.id, on_newest=True
    )

    assert latest == second
    assert workspace.artifacts("support", "dataset")[0] == third


@ON_BOTH
def test_a_repeated_run_returns_what_it_made_and_writes_nothing(workspace: Workspace, task: Task) -> None:
    first = publish(workspace, "once")

    def never(folder: Path) -> None:
        raise AssertionError("written twice")

    again = workspace.publish("report", "support", never, run_key="once")

    assert again == first


@ON_BOTH
@pytest.mark.parametrize("on_newest", [True, False])
def test_a_run_that_is_begun_anew_while_it_still_goes_on_makes_one_artifact(
    on_newest: bool, workspace: Workspace, task: Task
) -> None:
    """A worker that is taken for dead may end its job after all."""
    others: list[Artifact] = []

    def write_slowly(folder: Path) -> None:
        others.append(publish(workspace, "once"))
        _write(folder, "once")

    made = workspace.publish("report", "support", write_slowly, run_key="once", on_newest=on_newest)

    assert [made] == others == workspace.artifacts("support")


@ON_BOTH
def test_a_run_that_fails_while_writing_leaves_nothing(workspace: Workspace, task: Task) -> None:
    def fails(folder: Path) -> None:
        _write(folder, "half")
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        workspace.publish("report", "support", fails, run_key="fails")

    assert workspace.artifacts("support") == []
    assert list((workspace.root / "support").iterdir()) == []
    assert publish(workspace, "fails").id == "support-r1"


@ON_BOTH
def test_what_belongs_to_an_artifact_is_stored_with_it_or_there_is_neither(workspace: Workspace, task: Task) -> None:
    def fails(_session: Session, made: str) -> None:
        raise ValueError(f"nothing belongs to {made}")

    with pytest.raises(ValueError, match="nothing belongs to support-r1"):
        workspace.publish("report", "support", lambda folder: _write(folder, "once"), run_key="once", beside=fails)

    assert workspace.artifacts("support") == []
    assert list((workspace.root / "support").iterdir()) == []


@ON_BOTH
def test_a_folder_that_was_never_indexed_gives_way(workspace: Workspace, task: Task) -> None:
    left = workspace.root / "support" / "support-r1"
    left.mkdir(parents=True)
    _write(left, "from a killed process")
    (left / "more").write_text("more", encoding="utf-8")
    for path in (left / "text", left / "more", left):
        os.utime(path, (0, 0))

    made = publish(workspace, "new")

    assert made.path == left
    assert [(path.name, path.read_text(encoding="utf-8")) for path in made.path.iterdir()] == [("text", "new")]
    clear_stale(workspace.root)
    [aside] = (workspace.root / "support").glob(".staged-*/more")  # for a day, should another index list it
    assert aside.read_text(encoding="utf-8") == "more"


def test_a_workspace_whose_artifacts_are_in_another_index_is_refused_and_keeps_them(
    workspace: Workspace, task: Task, postgres: PostgresServer
) -> None:
    root, empty = workspace.root, postgres.new_database()
    kept = publish(workspace, "kept").path / "text"
    workspace.engine.dispose()

    with pytest.raises(StorageFailed, match=r"does not list, of support\. Name their database with --index-url"):
        Workspace(root, empty)
    (root / "index.sqlite").rename(root / "index.sqlite.moved")
    with pytest.raises(StorageFailed, match=r"in a PostgreSQL since .* Name that PostgreSQL with --index-url"):
        Workspace(root)
    (root / "index.sqlite.moved").unlink()
    with pytest.raises(StorageFailed, match=r"does not list, of support\. .*put index\.sqlite back"):
        Workspace(root)

    assert not (root / "index.sqlite").exists()
    assert kept.read_text(encoding="utf-8") == "kept"


@ON_BOTH
def test_hosts_that_share_a_workspace_have_embeddings_of_their_own_and_share_all_else(
    workspace: Workspace, index_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, looks = set(), set()
    for host in ("one", "two"):
        monkeypatch.setattr("platform.node", lambda host=host: host)
        folders.add(workspace.embeddings)
        looks.add(doubts_file(workspace, "support-d1", None))

    assert len(looks) == 1  # a worker makes it, and a server on another host shows it
    assert len(folders) == (1 if index_url is None else 2)  # SQLite's index is never shared by hosts


def test_what_a_killed_process_left_half_written_goes_after_a_day_and_not_before(tmp_path: Path) -> None:
    old, young, grown = (tmp_path / "w" / "support" / f".staged-{name}" for name in ("old", "young", "grown"))
    spool = tmp_path / "w" / ".staged-spool"
    for folder in (old, young, grown, spool):
        folder.mkdir(parents=True)
        _write(folder, "half")
    long_ago = time.time() - STALE_SECONDS - 60
    for path in (old, old / "text", spool, spool / "text", grown):
        os.utime(path, (long_ago, long_ago))

    Workspace(tmp_path / "w")

    assert [folder.exists() for folder in (old, spool, young, grown)] == [False, False, True, True]


@ON_BOTH
def test_a_task_gets_a_new_version_only_when_it_changes(workspace: Workspace, task: Task) -> None:
    assert workspace.save_task(task).version == 1
    assert workspace.save_task(task.model_copy(update={"version": 7})).version == 1
    changed = task.model_copy(update={"labels": (*task.labels, Label(name="praise"))})
    assert workspace.save_task(changed).version == 2
    assert workspace.task("support").label_names[-1] == "praise"


@ON_BOTH
def test_a_task_that_several_save_at_once_gets_a_version_for_each_of_its_forms(workspace: Workspace) -> None:
    forms = [f"Tell them apart, in way {number}." for number in range(4)]
    labels = (Label(name="refund"), Label(name="delivery"))
    for number in range(10):
        slug = f"task_{number}"
        together = Barrier(len(forms) * 2)

        def save(instruction: str, slug: str = slug, together: Barrier = together) -> int:
            together.wait()
            return workspace.save_task(Task(slug=slug, instruction=instruction, labels=labels)).version

        with ThreadPoolExecutor(len(forms) * 2) as threads:
            versions = list(threads.map(save, [*forms, *forms]))

        assert set(versions) >= {1, 2, 3, 4}
        assert workspace.task(slug).version == max(versions)


@ON_BOTH
def test_unknown_ids_name_the_nearest_and_wrong_kinds_say_so(workspace: Workspace, task: Task) -> None:
    publish(workspace, "a", "model")

    with pytest.raises(NotFound, match=r"model 'suport-m1'.*Did you mean 'support-m1'"):
        workspace.artifact("suport-m1", "model")
    with pytest.raises(InvalidInput, match="is a model, not a dataset"):
        workspace.artifact("support-m1", "dataset")
    with pytest.raises(NotFound, match="Did you mean 'support'"):
        workspace.task("suport")


def rows_of_all_origins() -> list[Example]:
    cell = Cell(label="refund", topic="late", subtopic="never came", source_type="email")
    made = Provenance(cell=cell, round=1, writer="recorded", prompt="0f")
    contrast = Provenance(contrast="refund", round=2, writer="recorded", prompt="0f")
    return [
        make_example("a real row", "refund"),
        make_example("a written row, with ünïcödé 👩", "refund", origin="written", provenance=made),
        make_example("a contrast row", "delivery", origin="written", provenance=contrast),
    ]


def test_rows_read_back_as_they_were_saved(workspace: Workspace, task: Task) -> None:
    rows = rows_of_all_origins()

    dataset = save_rows(workspace, rows)
    read = read_rows(workspace, dataset.id, "train")

    assert [(row.id, row.text, row.label, row.origin) for row in read] == [
        (row.id, row.text, row.label, row.origin) for row in rows
    ]
    assert read[1].provenance == rows[1].provenance
    assert read[2].provenance is not None
    assert (read[2].provenance.contrast, read[2].provenance.round) == ("refund", 2)
    assert read_rows(workspace, dataset.id, "test") == []
    assert read_card(workspace, dataset.id).rows("train", "written") == 2


def test_rows_from_an_iterator_are_written_without_holding_them(workspace: Workspace, task: Task) -> None:
    import tracemalloc

    def rows() -> Iterator[Example]:
        for number in range(60_000):
            yield make_example(f"row number {number} of many, long enough to weigh something", "refund")

    tracemalloc.start()
    dataset = save_dataset(workspace, "support", {"train": rows()}, parent=None, run_key="many", made_by="test")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert read_card(workspace, dataset.id).rows("train") == 60_000
    assert sum(len(batch) for batch in iterate_rows(workspace, dataset.id, "train")) == 60_000
    assert peak < 60_000_000  # all of them as Examples take 100 MB


def test_a_new_version_keeps_the_splits_that_did_not_change(workspace: Workspace, task: Task) -> None:
    first = save_rows(workspace, rows_of_all_origins())
    test_row = make_example("a test row", "account")

    second = save_dataset(workspace, "support", {"test": [test_row]}, parent=first.id, run_key="two", made_by="test")

    assert read_rows(workspace, second.id, "train") == read_rows(workspace, first.id, "train")
    assert read_rows(workspace, second.id, "test") == [test_row]
    assert read_card(workspace, second.id).rows("train") == 3
    assert read_rows(workspace, first.id, "test") == []


def test_a_dataset_folder_loads_with_the_datasets_library(workspace: Workspace, task: Task, tmp_path: Path) -> None:
    import datasets

    first = save_rows(workspace, rows_of_all_origins())
    rows = [make_example("a test row", "account")]
    second = save_dataset(workspace, "support", {"test": rows}, parent=first.id, run_key="two", made_by="test")

    loaded = datasets.load_dataset(str(second.path), cache_dir=str(tmp_path / "cache"))

    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 3, "test": 1}
    assert loaded["test"][0]["text"] == "a test row"


@pytest.mark.parametrize("damage", [b"", b"PAR1 not parquet PAR1", None])
def test_a_damaged_split_says_which_dataset_and_what_to_do(
    damage: bytes | None, workspace: Workspace, task: Task
) -> None:
    dataset = save_rows(workspace, rows_of_all_origins())
    path = dataset.path / "train.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)

    with pytest.raises(DamagedArtifact, match=r"dataset 'support-d1'.*split 'train' cannot be read back.*parent"):
        read_rows(workspace, dataset.id, "train")


@pytest.mark.parametrize(
    "read",
    [
        lambda workspace, dataset: read_rows(workspace, dataset, "train"),
        lambda workspace, dataset: read_table(workspace, dataset).to_pylist(),
        read_ids,
    ],
    ids=["rows", "table", "ids"],
)
def test_a_flipped_byte_is_never_read_as_other_rows(
    workspace: Workspace, task: Task, read: Callable[[Workspace, str], list[object]]
) -> None:
    import random

    dataset = save_rows(workspace, [make_example(f"row {n} of {n * 7919 % 1000}", "refund") for n in range(200)])
    path = dataset.path / "train.parquet"
    whole, right = path.read_bytes(), read(workspace, dataset.id)
    rng = random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            assert read(workspace, dataset.id) == right
        except DamagedArtifact:
            continue


def test_a_split_that_is_gone_is_damage_and_no_empty_split(workspace: Workspace, task: Task) -> None:
    dataset = save_rows(workspace, rows_of_all_origins())
    (dataset.path / "train.parquet").unlink()

    with pytest.raises(DamagedArtifact):
        read_rows(workspace, dataset.id, "train")


def test_damage_is_found_in_the_versions_made_from_it_too(workspace: Workspace, task: Task) -> None:
    first = save_rows(workspace, rows_of_all_origins())
    damaged = bytearray((first.path / "train.parquet").read_bytes())
    damaged[30] ^= 1
    (first.path / "train.parquet").write_bytes(damaged)
    rows = [make_example("a test row", "account")]

    second = save_dataset(workspace, "support", {"test": rows}, parent=first.id, run_key="two", made_by="test")

    with pytest.raises(DamagedArtifact):
        read_rows(workspace, second.id, "train")


@pytest.mark.parametrize("left", ["nothing", "a link"])
def test_no_version_is_made_from_one_whose_split_is_gone(left: str, workspace: Workspace, task: Task) -> None:
    first = save_rows(workspace, rows_of_all_origins())
    split = first.path / "train.parquet"
    elsewhere = split.rename(workspace.root / "elsewhere")
    if left == "a link":
        split.symlink_to(elsewhere)
    rows = [make_example("a test row", "account")]

    with pytest.raises(DamagedArtifact, match="dataset 'support-d1': its split 'train' cannot be read back"):
        save_dataset(workspace, "support", {"test": rows}, parent=first.id, run_key="two", made_by="test")

    assert workspace.latest("dataset", "support") == first


def test_a_damaged_card_or_document_is_told(workspace: Workspace, task: Task) -> None:
    dataset = save_rows(workspace, rows_of_all_origins())
    (dataset.path / "card.json").write_text(json.dumps({"task": 1}), encoding="utf-8")
    plan = workspace.publish_document("plan", "support", task, run_key="plan")
    (plan.path / "document.json").unlink()

    with pytest.raises(DamagedArtifact, match="its card cannot be read back"):
        read_card(workspace, dataset.id)
    with pytest.raises(DamagedArtifact, match="its document cannot be read back"):
        workspace.document(plan.id, "plan", Task)


def test_a_workspace_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises((StorageFailed, InvalidInput), match="file"):
        Workspace(tmp_path / "file")


@ON_BOTH
def test_an_error_of_the_index_holds_no_text_of_a_row(workspace: Workspace) -> None:
    row = SubmissionRow(assignment="support-a1", example="e", batch="b1", row={"text": "SECRET"})
    with pytest.raises(IntegrityError) as told, Session(workspace.engine) as session, session.begin():
        session.add(row)  # of an assignment that does not exist

    assert "submissions" in str(told.value)
    assert "SECRET" not in str(told.value)
