"""Files of the import folders alone are read, and no pickle among them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.import_examples import (
    ImportExamplesRequest,
    import_examples,
)
from support.importing import ROWS, Importer, as_dicts, importer, write_jsonl
from support.users import nobody


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Import by the request's fields."""
    return importer(context, task, folder)


def test_a_pickle_is_never_opened(run: Importer, folder: Path) -> None:
    (folder / "rows.pkl").write_bytes(pickle.dumps(ROWS))

    with pytest.raises(InvalidInput, match="can run code"):
        run(path="rows.pkl")


@pytest.mark.parametrize("path", ["../secret.jsonl", "/etc/hostname", "link.jsonl", "linked", "a\x00b"])
def test_a_path_out_of_the_import_folders_is_refused(path: str, run: Importer, folder: Path, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "secret.jsonl", as_dicts(ROWS))
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "linked").mkdir()
    (folder / "linked" / "train.jsonl").symlink_to(tmp_path / "secret.jsonl")

    with pytest.raises(InvalidInput) as caught:
        run(path=path)

    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("closed", ["rows.jsonl", "folder/train.csv", "folder/train.parquet", "folder"])
def test_a_file_that_the_server_may_not_read_is_named(run: Importer, folder: Path, tmp_path: Path, closed: str) -> None:
    (folder / "folder").mkdir()
    for made in (folder, folder / "folder"):
        made.chmod(0o755)  # whatever the umask of the tests is by now
    if closed != "folder":
        write_jsonl(folder / closed, as_dicts(ROWS))
    (folder / closed).chmod(0)

    with nobody(tmp_path), pytest.raises(InvalidInput, match=rf"path '{Path(closed).name}': may not be read .*chmod"):
        run(path=Path(closed).parts[0])


def test_a_path_outside_names_the_folders_and_what_can_be_done(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"outside the import folders \('imports'\).*paste it as `csv`"):
        run(path="/etc/hostname")


def test_a_missing_file_names_the_nearest(run: Importer, folder: Path) -> None:
    write_jsonl(folder / "messages.jsonl", as_dicts(ROWS))

    with pytest.raises(NotFound, match=r"Did you mean 'messages.jsonl'"):
        run(path="mesages.jsonl")


def test_without_import_folders_no_file_is_read(context: ToolContext, task: Task) -> None:
    with pytest.raises(InvalidInput, match=r"no import folder is open.*Paste the table as `csv`"):
        import_examples(ImportExamplesRequest(task=task.slug, split="train", path="/etc/hostname"), context)
