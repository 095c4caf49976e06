"""Which file of a folder is of which split: its own name says it, else its folder's; and what was taken is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_tools.domain.example import Split
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.folders import files_of


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text,label\n")
    return folder


def taken(folder: Path, split: Split) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_of(folder, split).files]


FILES = (
    "bench-test/train.csv", "bench-test/test.csv", "dev/more.csv", "dev/test.jsonl", "training/2021/part-1.csv",
    "latest.csv", "data/test-00000-of-00001.parquet", "contest/devices.csv", "evaluation/rows.csv",
    "train_unlabelled.csv",
)  # fmt: skip


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["bench-test/train.csv", "training/2021/part-1.csv"]),
        (
            "test",
            ["bench-test/test.csv", "data/test-00000-of-00001.parquet", "dev/test.jsonl", "evaluation/rows.csv"],
        ),
        ("validation", ["dev/more.csv"]),
        ("unlabelled", ["train_unlabelled.csv"]),
    ],
)
def test_a_files_own_name_says_its_split_else_its_folders(split: Split, names: list[str], tmp_path: Path) -> None:
    assert taken(made(tmp_path, *FILES), split) == names


def test_a_file_whose_name_says_two_splits_is_of_neither(tmp_path: Path) -> None:
    folder = made(tmp_path / "two", "test.csv", "train_val.csv", "train.csv")

    assert taken(folder, "test") == ["test.csv"]
    for split in ("train", "validation"):
        with pytest.raises(
            InvalidInput, match=r"holds 'train_val.csv', whose name says 'train' and 'validation'.*path"
        ):
            files_of(folder, split)  # type: ignore[arg-type]  # it is one


def test_hidden_folders_checkpoints_and_files_beside_the_rows_are_left_out(tmp_path: Path) -> None:
    beside = [
        ".git/train.csv", ".ipynb_checkpoints/train-checkpoint.csv", "checkpoint-500/train.json", "__MACOSX/train.csv",
        "runs/checkpoints/train.jsonl", "train/state.json", "train/dataset_info.json", "train/.train.csv", "train.pkl",
    ]  # fmt: skip

    assert taken(made(tmp_path, "train/rows.csv", *beside), "train") == ["train/rows.csv"]


def test_where_no_name_says_a_split_all_files_are_one(tmp_path: Path) -> None:
    folder = made(tmp_path / "plain", "a.csv", "b/c.jsonl")

    assert taken(folder, "validation") == ["a.csv", "b/c.jsonl"]
    assert files_of(folder, "test").remark == "From folder 'plain' as test: 'a.csv', 'b/c.jsonl'."


def test_what_was_taken_and_what_was_left_aside_is_told(tmp_path: Path) -> None:
    folder = made(tmp_path / "shop", "notes.csv", *(f"train-{n}.csv" for n in range(6)), "test.csv")

    assert files_of(folder, "train").remark == (
        "From folder 'shop' as train: 'train-0.csv', 'train-1.csv', 'train-2.csv', 'train-3.csv' and 2 more; "
        "left aside: 'notes.csv', 'test.csv'."
    )


def test_a_folder_that_has_other_splits_only_names_them(tmp_path: Path) -> None:
    folder = made(tmp_path / "c", "dev/test.jsonl", "dev/train.jsonl")

    with pytest.raises(InvalidInput, match=r"has no split for 'validation'; it has 'test', 'train'"):
        files_of(folder, "validation")
