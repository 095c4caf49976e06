"""What a command writes for its user follows the user's umask or is told, and what it stores is nobody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_server.cli import main
from classwright_tools.bulk import models
from classwright_tools.context import ToolContext
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.workspace.workspace import Workspace
from support.bulk import Lengths
from support.server import TASK, rows


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The user's umask."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_classified_file_follows_the_umask(tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "open_predictor", lambda *_: Lengths())
    (tmp_path / "in.csv").write_text("text\na text\n", encoding="utf-8")

    assert main(["classify", str(tmp_path), str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]) == 0

    assert mode(tmp_path / "out.csv") == 0o666 & ~umask


def test_exported_rows_follow_the_umask_and_the_workspace_does_not(tmp_path: Path, umask: int) -> None:
    workspace = Workspace(tmp_path / "workspace")
    propose_topics(ProposeTopicsRequest.model_validate(TASK), ToolContext(workspace, "one"))
    request = ImportExamplesRequest.model_validate({"rows": rows(4), "task": "support", "split": "train"})
    import_examples(request, ToolContext(workspace, "two"))

    out = tmp_path / "new" / "out"
    assert main(["export", "support-d1", str(out), "--workspace", str(workspace.root)]) == 0

    assert mode(out) == mode(out.parent) == 0o777 & ~umask
    assert {mode(path) for path in out.iterdir()} == {0o666 & ~umask}
    assert mode(workspace.root) & 0o077 == 0


def test_a_file_that_the_system_does_not_let_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "open_predictor", lambda *_: Lengths())
    (tmp_path / "in.csv").write_text("text\na text\n", encoding="utf-8")
    (tmp_path / "out.csv.parts").write_text("in the way", encoding="utf-8")

    assert main(["classify", str(tmp_path), str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]) == 2

    told = "file 'out.csv.parts': file exists. Put right what is in the way, then run this again."
    assert told in capsys.readouterr().err
