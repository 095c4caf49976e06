"""Sources that were made to do harm: code in data, names that lead elsewhere, small files that unpack to much."""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import ClasswrightError, InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.reading import opening
from support.hostile import CODE, LEADING_ELSEWHERE, pickled

ROW = {"text": "I want my money back for the shoes", "label": "refund"}
SECRET = {"text": "a secret that lies outside", "label": "refund"}
Importer = Callable[..., ImportExamplesResult]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An import folder, beside which lies a file that is nobody's business."""
    made = tmp_path / "imports"
    (made / "sub").mkdir(parents=True)
    (tmp_path / "secret.jsonl").write_text(json.dumps(SECRET) + "\n")
    return made


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Return a function that imports by the request's fields."""

    def importer(**fields: Any) -> ImportExamplesResult:
        request = ImportExamplesRequest(task=task.slug, split="train", **fields)
        return import_examples(request, replace(context, import_folders=(folder,)))

    return importer


def refused(run: Importer, tmp_path: Path, **fields: Any) -> None:
    """The import is refused, in words that tell nothing of where things lie on the machine."""
    with pytest.raises((ClasswrightError, ValidationError)) as caught:
        run(**fields)
    if isinstance(caught.value, ClasswrightError):
        assert str(tmp_path) not in str(caught.value)
        assert SECRET["text"] not in str(caught.value)


@pytest.mark.parametrize("path", LEADING_ELSEWHERE)
def test_no_way_of_writing_a_path_leads_out_of_the_import_folders(path: str, run: Importer, tmp_path: Path) -> None:
    refused(run, tmp_path, path=path)


pieces = st.sampled_from(
    ("..", ".", "/", "\\", "sub", "secret.jsonl", "%2e", "%2F", "\x00", "~", "\uff0e", "imports", " ")
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.lists(pieces, min_size=1, max_size=8).map("".join), st.text(min_size=1, max_size=60)))
@example("sub/../../secret.jsonl")
def test_no_path_at_all_reaches_the_file_beside_the_import_folder(run: Importer, tmp_path: Path, path: str) -> None:
    refused(run, tmp_path, path=path)


@pytest.mark.parametrize("name", ["link.jsonl", "linked", "linked/secret.jsonl", "loop", "saved"])
def test_links_that_lead_out_of_the_import_folders_are_refused(
    name: str, run: Importer, folder: Path, tmp_path: Path
) -> None:
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    saved = folder / "saved"
    saved.mkdir()
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    (saved / "data.arrow").symlink_to(tmp_path / "secret.jsonl")

    refused(run, tmp_path, path=name)


def test_a_saved_dataset_whose_state_names_a_file_elsewhere_is_refused(
    run: Importer, folder: Path, tmp_path: Path
) -> None:
    import datasets

    datasets.Dataset.from_list([SECRET]).save_to_disk(str(tmp_path / "outside"))
    datasets.Dataset.from_list([ROW]).save_to_disk(str(folder / "saved"))
    state = json.loads((folder / "saved" / "state.json").read_text())
    state["_data_files"] = [{"filename": "../../outside/" + state["_data_files"][0]["filename"]}]
    (folder / "saved" / "state.json").write_text(json.dumps(state))

    refused(run, tmp_path, path="saved")


def in_a_hugging_face_folder(folder: Path, song: Path) -> None:
    """A folder as the hub holds them: rows, and beside them a loading script and pickles."""
    folder.mkdir()
    (folder / "train.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / f"{folder.name}.py").write_text(CODE.format(song=str(song)))
    (folder / "__init__.py").write_text(CODE.format(song=str(song)))
    for name in ("train.pkl", "pytorch_model.bin", "train.joblib", "train.npy", "data.pt"):
        (folder / name).write_bytes(pickled(song))


def in_a_saved_folder(folder: Path, song: Path) -> None:
    """A folder as `save_to_disk` makes it, with a feature type and transforms that name code."""
    import datasets

    datasets.Dataset.from_list([ROW]).save_to_disk(str(folder))
    state = json.loads((folder / "state.json").read_text())
    state |= {"_format_type": "custom", "_format_kwargs": {"transform": f"open({str(song)!r}, 'w')"}}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset.py").write_text(CODE.format(song=str(song)))
    (folder / "state.pkl").write_bytes(pickled(song))


def in_parquet(path: Path, song: Path) -> None:
    """A column of pickles, and metadata that name one."""
    table = pa.table({"text": [ROW["text"], pickled(song)], "label": [b"refund", pickled(song)]})
    pq.write_table(table.replace_schema_metadata({b"huggingface": pickled(song), b"pandas": pickled(song)}), path)


CAGES: dict[str, Callable[[Path, Path], Any]] = {
    **{
        name: lambda path, song: path.write_bytes(pickled(song))
        for name in (
            "rows.pkl", "rows.joblib", "rows.pt", "rows.bin", "rows.npy", "pytorch_model.bin", "rows.jsonl", "rows.csv",
            "rows.parquet", "rows.arrow", "rows.json.gz",
        )
    },
    "script.py": lambda path, song: path.write_text(CODE.format(song=str(song))),
    "hub": in_a_hugging_face_folder,
    "saved": in_a_saved_folder,
    "column.parquet": in_parquet,
}  # fmt: skip


@pytest.mark.parametrize("name", CAGES)
def test_a_canary_in_an_import_folder_does_not_sing(name: str, run: Importer, folder: Path, tmp_path: Path) -> None:
    song = tmp_path / "sang"
    CAGES[name](folder / name, song)

    with contextlib.suppress(ClasswrightError):
        run(path=name)
    assert not song.exists()


@pytest.mark.parametrize("name", ["owner/name", "name", "csv", "pandas", "webdataset", "buckets/owner", "name.py"])
def test_a_name_of_the_hub_never_means_a_folder_or_a_format_of_the_server(
    name: str, run: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of that name lies where the server happens to run."""
    for place in (tmp_path / "owner" / "name", tmp_path / "name"):
        place.mkdir(parents=True)
        (place / "train.jsonl").write_text(json.dumps(SECRET) + "\n")
    monkeypatch.chdir(tmp_path)

    refused(run, tmp_path, hub=name)


@pytest.mark.parametrize(
    "name",
    [
        "/etc", "../imports", "a/../b/c", "file:///etc", "hf://datasets/a/b", "http://host/x", "a/b/c", "C:\\x",
        "a\x00b", "\uff41/b", "a/b:c:d", "a/b@../x", "a" * 300, "a/b\n", "~/x", "-x", ".",
    ],
)  # fmt: skip
def test_what_is_no_name_of_the_hub_is_refused_before_anything_is_asked(name: str, run: Importer) -> None:
    with pytest.raises(ValidationError, match=r"hub"):
        run(hub=name)


@pytest.mark.parametrize("name", ["rows.zip", "rows.tar", "rows.tar.gz", "rows.7z", "rows.jsonl.zst", "rows.jsonl.xz"])
def test_archives_are_of_no_kind_that_is_read(name: str, run: Importer, folder: Path) -> None:
    (folder / name).write_bytes(b"PK\x03\x04")

    with pytest.raises(InvalidInput, match="no kind that is read"):
        run(path=name)


@pytest.mark.parametrize("fill", [b" ", b"a text,refund\n"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.jsonl.gz"])
def test_a_small_file_that_unpacks_to_very_much_is_refused_before_its_end(
    name: str, fill: bytes, run: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last bytes are not there: whoever unpacks it whole says that it is damaged."""
    monkeypatch.setattr(opening, "FREE_EXPANSION_BYTES", 2**20)
    packed = gzip.compress(b"text,label\n" + fill * (16 * 2**20 // len(fill)))
    (folder / name).write_bytes(packed[:-8])

    with pytest.raises(InvalidInput, match=r"unpacks to over 200 times its size"):
        run(path=name)


def test_a_parquet_piece_that_unpacks_to_very_much_is_refused(
    run: Importer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "FREE_EXPANSION_BYTES", 2**20)
    table = pa.table({"text": ["x" * 20 * 2**20], "label": ["refund"]})
    pq.write_table(table, folder / "rows.parquet", compression="zstd", use_dictionary=False)

    with pytest.raises(InvalidInput, match=r"unpacks to over 200 times its size"):
        run(path="rows.parquet")


def test_a_text_that_a_few_kilobytes_repeat_in_every_row_is_held_once(run: Importer, folder: Path) -> None:
    """The file has 3 kB and says one text of half a megabyte in 2,000 rows: a gigabyte, if each row had its own."""
    once, places = pa.array(["z" * 500_000]), pa.array([0] * 2_000, pa.int32())
    labels = pa.array(["refund"] * 2_000)
    table = pa.table({"text": pa.DictionaryArray.from_arrays(places, once), "label": labels})
    pq.write_table(table, folder / "rows.parquet", compression="zstd", dictionary_pagesize_limit=2**30)
    assert (folder / "rows.parquet").stat().st_size < 5_000
    own = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(own)
    try:
        result = run(path="rows.parquet")
    finally:
        pa.set_memory_pool(before)

    assert result.skipped == {"too long": 2_000}
    assert own.max_memory() < 100 * 2**20


@pytest.mark.parametrize("value", [None, "again and again"])
def test_millions_of_rows_without_bytes_are_refused(value: str | None, run: Importer, folder: Path) -> None:
    """Nulls, and one value again and again, have less than a bit each."""
    table = pa.table({"text": pa.repeat(pa.scalar(value, pa.string()), 3_000_000), "label": pa.nulls(3_000_000)})
    pq.write_table(table, folder / "rows.parquet", compression="zstd")
    with pytest.raises(InvalidInput, match=r"says in [\d,]+ bytes that it has 3,000,000 rows"):
        run(path="rows.parquet")


def test_a_saved_folder_of_nothing_but_nulls_is_refused(run: Importer, folder: Path) -> None:
    """An Arrow array of the type null has no bytes, whatever its length."""
    import datasets

    nothing = pa.nulls(3_000_000)
    datasets.Dataset(pa.table({"text": nothing, "label": nothing})).save_to_disk(str(folder / "saved"))

    with pytest.raises(InvalidInput, match=r"bytes that it has 3,000,000 rows"):
        run(path="saved")


@pytest.mark.parametrize("name", ["state.json", "dataset_info.json"])
@pytest.mark.parametrize("content", ["[" * 200_000, "[]", "null", "{", "3"])
def test_a_saved_folder_whose_files_are_nonsense_is_refused(
    name: str, content: str, run: Importer, folder: Path
) -> None:
    import datasets

    datasets.Dataset.from_list([ROW]).save_to_disk(str(folder / "saved"))
    (folder / "saved" / name).write_text(content)

    with pytest.raises(InvalidInput, match="cannot be read as a saved dataset"):
        run(path="saved")


def test_a_column_of_lists_is_refused_before_it_is_read(run: Importer, folder: Path) -> None:
    pq.write_table(pa.table({"text": [["a", "b"]], "label": ["refund"]}), folder / "rows.parquet")

    with pytest.raises(InvalidInput, match=r"column 'text' no strings but list"):
        run(path="rows.parquet")


def test_a_column_that_is_there_twice_is_refused(run: Importer, folder: Path) -> None:
    columns = [pa.array([text]) for text in ("one text", "another", "refund")]
    pq.write_table(pa.table(columns, names=["text", "text", "label"]), folder / "twice.parquet")
    (folder / "twice.csv").write_text("text,label,label\none text,refund,account\n")

    with pytest.raises(InvalidInput, match=r"'twice.parquet': has several columns 'text'.*`text_column`"):
        run(path="twice.parquet")
    with pytest.raises(InvalidInput, match=r"'twice.csv': has several columns 'label'.*`label_column`"):
        run(path="twice.csv")


@pytest.mark.parametrize(
    "far", [pa.array([2**61], pa.timestamp("ms")), pa.array([2**30], pa.date32())], ids=["times", "dates"]
)
def test_dates_that_nobody_can_read_are_refused(far: pa.Array, run: Importer, folder: Path) -> None:
    import datasets

    table = pa.table({"text": ["one text"], "label": far})
    pq.write_table(table, folder / "dates.parquet")
    datasets.Dataset(table).save_to_disk(str(folder / "dates"))

    for path in ("dates.parquet", "dates"):
        with pytest.raises(InvalidInput, match=f"'{path}': holds in its column 'label' dates.*column of strings"):
            run(path=path)


def test_a_link_that_leads_to_itself_is_no_defect(run: Importer, folder: Path) -> None:
    (folder / "sub" / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "sub" / "loop").symlink_to("loop")

    if sys.version_info >= (3, 13):  # which takes it for a file that is not there
        assert run(path="sub").imported == 1
    else:
        with pytest.raises(InvalidInput, match=r"'sub': holds 'loop', a link that leads to itself.*Remove"):
            run(path="sub")


def test_the_look_alikes_above_would_lead_elsewhere_if_they_were_folded() -> None:
    assert unicodedata.normalize("NFKC", "\uff0e\uff0e") == ".."
    assert unicodedata.normalize("NFKC", "\u2024\u2024") == ".."
