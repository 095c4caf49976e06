"""Files that two artifacts have alike: one on the disk, counted once, and none of another content."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_server.jobs.disk_quota import check_room
from classwright_tools.errors import StorageFailed
from classwright_tools.workspace.sharing import LEAST_BYTES, share_files


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A model with its weights, and an export with the same, with others of that size, and with a small file."""
    model, export = tmp_path / "model", tmp_path / "export"
    for folder in (model / "encoder", export):
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(b"a" * LEAST_BYTES)
        (folder / "small").write_bytes(b"s")
    (export / "others").write_bytes(b"b" * LEAST_BYTES)
    return model, export


def test_a_large_file_that_is_the_same_is_stored_once(folders: tuple[Path, Path]) -> None:
    model, export = folders
    share_files(export, model)

    assert (export / "weights").samefile(model / "encoder" / "weights")
    assert (export / "others").read_bytes() == b"b" * LEAST_BYTES
    assert not (export / "small").samefile(model / "encoder" / "small")
    assert sorted(path.name for path in export.iterdir()) == ["others", "small", "weights"]


def test_what_is_stored_once_counts_once_against_what_is_allowed(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    allowed = 2 * LEAST_BYTES + 10
    with pytest.raises(StorageFailed):
        check_room(tmp_path, allowed)
    share_files(folders[1], folders[0])

    check_room(tmp_path, allowed)


def test_where_there_are_no_hard_links_files_stay_copies(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    share_files(folders[1], folders[0])

    assert (folders[1] / "weights").read_bytes() == b"a" * LEAST_BYTES
    assert (folders[1] / "weights").stat().st_nlink == 1
