"""A synthesize run that is killed at any moment and repeated: nothing is paid twice and nothing is half written."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from classwright_tools.workspace.index import CompletionRow
from classwright_tools.workspace.workspace import Workspace
from support.writing_verbs import ScriptedWriter, save_tree, well_written

FORK = multiprocessing.get_context("fork")  # a start from nothing would take longer than the run
KILLS = 20
STEPS = 24 + 24  # of a run: each cell's text is asked for, and judged
LONGEST_SAVING = 0.1  # seconds after the last step, in which the dataset is made


def run_logged(root: Path, log: Path, run_key: str, dataset: str, steps: Connection | None = None) -> None:
    """Run to the end, noting in `log` the key of everything that the writer is asked, and sending every step."""

    def step(*_: object) -> None:
        if steps:
            steps.send(None)

    with log.open("a", encoding="ascii", buffering=1) as asked:

        def answer(request: WritingRequest) -> Completion:
            asked.write(f"{request.key(run_key)}\n")
            step()
            return well_written(request)

        writer = ScriptedWriter(answer, turns=random.Random(run_key), name=run_key)
        context = ToolContext(workspace=Workspace(root), run_key=run_key, writer=writer, report=step)
        synthesize_examples(SynthesizeExamplesRequest(task="support", rows=54, dataset=dataset), context)


def wait_for(steps: Connection, number: int) -> None:
    """Return when `number` steps have come, or the process has ended."""
    with contextlib.suppress(EOFError):
        for _ in range(number):
            steps.recv()


def stored_keys(workspace: Workspace) -> set[str]:
    with Session(workspace.engine) as session:
        return set(session.scalars(select(CompletionRow.key)))


def test_a_run_that_is_killed_and_repeated_asks_only_for_what_had_not_arrived(
    workspace: Workspace, task: Task, tmp_path: Path
) -> None:
    save_tree(workspace, task)
    moments = random.Random(7)
    killed_midway = 0
    parent = save_dataset(workspace, "support", {}, parent=None, run_key="empty", made_by="test").id
    for number in range(KILLS):
        run_key = f"run {number}"
        log = tmp_path / f"asked {number}"
        steps, sender = FORK.Pipe(duplex=False)
        process = FORK.Process(target=run_logged, args=(workspace.root, log, run_key, parent, sender))
        process.start()
        sender.close()
        wait_for(steps, moments.randrange(STEPS + 6))
        process.join(moments.uniform(0, LONGEST_SAVING))
        process.kill()
        process.join()

        stored = stored_keys(workspace)
        before = log.read_text(encoding="ascii").splitlines() if log.exists() else []
        killed_midway += bool(before) and workspace.made_by(run_key, "dataset") is None
        run_logged(workspace.root, log, run_key, parent)

        after = log.read_text(encoding="ascii").splitlines()[len(before) :]
        assert not stored & set(after), "a stored completion was asked for again"
        made = workspace.made_by(run_key, "dataset")
        assert made
        assert made.number == number + 2, "the killed run left a dataset of its own"
        assert len(read_rows(workspace, made.id, "train")) == 54
        assert read_card(workspace, made.id).parent == parent
    folders = {path.name for path in (workspace.root / "support").iterdir() if not path.name.startswith(".staged")}
    assert folders == {artifact.id for artifact in workspace.artifacts("support")}
    assert killed_midway >= KILLS // 4
