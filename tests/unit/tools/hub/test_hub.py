"""Datasets and encoders of the hub: files by name, counted, from the hub's own hosts, whatever a repository says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub.constants
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.curation.hub_layout import files_of
from classwright_tools.domain.example import Split
from classwright_tools.domain.task import Task
from classwright_tools.errors import Cancelled, ClasswrightError, InvalidInput, NotFound, StorageFailed
from classwright_tools.hub import repository
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.learning.callers_encoders import callers_encoder
from classwright_tools.learning.encoder_folders import embedded_folder
from classwright_tools.learning.encoders import encoder_at_hand
from support.hub import SHA, StandInHub, Trick

Importer = Callable[..., ImportExamplesResult]


def lines(*texts: str, label: str = "refund") -> bytes:
    """Rows as JSONL."""
    return b"".join(json.dumps({"text": text, "label": label}).encode() + b"\n" for text in texts)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A hub on loopback, which the process takes for the real one."""
    with StandInHub() as made:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", made.url)
        template = made.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        yield made


@pytest.fixture
def run(hub: StandInHub, context: ToolContext, task: Task) -> Importer:
    """Return a function that imports the dataset `shop/letters`, of the files that are given."""

    def importer(files: dict[str, bytes | Trick], name: str = "shop/letters", **changes: Any) -> ImportExamplesResult:
        hub.repositories["datasets/shop/letters"] = files
        split = changes.pop("split", "train")
        request = ImportExamplesRequest(task=task.slug, split=split, hub=name)
        return import_examples(request, replace(context, **changes))

    return importer


def left_behind(context: ToolContext) -> list[str]:
    """What lies in the workspace besides its index and its artifacts."""
    kept = ("support", "index.sqlite")
    return [path.name for path in context.workspace.root.iterdir() if not path.name.startswith(kept)]


def test_a_dataset_is_read_from_its_files_at_one_commit_and_only_its_split_is_fetched(
    run: Importer, hub: StandInHub, context: ToolContext
) -> None:
    result = run({"README.md": b"---\n", "train.jsonl": lines("my parcel broke"), "test.jsonl": lines("another")})

    assert result.imported == 1
    assert hub.asked == [
        "/api/datasets/shop/letters?blobs=true",
        f"/datasets/shop/letters/resolve/{SHA}/train.jsonl",
    ]
    assert left_behind(context) == []
    assert "as train: 'train.jsonl'; left aside: 'test.jsonl'." in result.summary


def test_parquet_keeps_the_names_of_its_classes(run: Importer, tmp_path: Path) -> None:
    feature = {"names": ["refund", "delivery"], "_type": "ClassLabel"}
    told = {b"huggingface": json.dumps({"info": {"features": {"label": feature}}}).encode()}
    table = pa.table({"text": ["my money back", "where is it"], "label": [0, 1]}).replace_schema_metadata(told)
    pq.write_table(table, tmp_path / "rows.parquet")

    result = run({"data/train-00000-of-00001.parquet": (tmp_path / "rows.parquet").read_bytes()})

    assert result.labels == {"refund": 1, "delivery": 1}


README = """---
configs:
- config_name: default
  data_files:
  - split: train
    path:
    - "reference://rows.jsonl::{inner}/refs.json"
    - "{inner}/rows.jsonl"
    - "../../../secret.jsonl"
    - "/etc/passwd"
---
"""


def test_what_a_readme_calls_the_datas_place_is_not_asked(run: Importer, hub: StandInHub) -> None:
    with StandInHub() as inner:
        result = run({"README.md": README.format(inner=inner.url).encode(), "train.jsonl": lines("a plain row")})

        assert result.imported == 1
        assert inner.asked == []
    assert not [path for path in hub.asked if "README" in path]


@pytest.mark.parametrize(
    "name",
    [
        "../train.jsonl", "/train.jsonl", "a/../../train.jsonl", "a//train.jsonl", "train\\..\\x.jsonl",
        "%2e%2e/train.jsonl", "C:train.jsonl", "train\x00.jsonl", "train\n.jsonl", ".git/train.jsonl",
        "t" * 300 + ".jsonl", "a/" * 20 + "train.jsonl", "",
    ],
)  # fmt: skip
def test_a_file_whose_name_leads_elsewhere_is_none(name: str, run: Importer, hub: StandInHub, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.name.endswith(".jsonl")}

    with pytest.raises(InvalidInput, match="has no JSONL, CSV or Parquet file"):
        run({name: lines("a row")})
    assert {path for path in tmp_path.rglob("*") if path.name.endswith(".jsonl")} == before
    assert len(hub.asked) == 1


def test_a_redirect_to_an_inner_address_is_not_followed(run: Importer) -> None:
    with StandInHub({"datasets/shop/letters": {"train.jsonl": lines("inner")}}) as inner:
        elsewhere = f"{inner.url}/datasets/shop/letters/resolve/{SHA}/train.jsonl"
        with pytest.raises(NotFound, match=r"'shop/letters': leads to a place outside the hub.*`path`"):
            run({"train.jsonl": Trick(redirect=elsewhere, listed_size=10)})
        assert inner.asked == []


@pytest.mark.parametrize(
    ("url", "is_followed"),
    [
        ("https://cdn-lfs.hf.co/signed", True),
        ("https://cas-bridge.xethub.hf.co/signed", True),
        ("https://huggingface.co/datasets/a/b", True),
        ("http://cdn-lfs.hf.co/signed", False),
        ("https://cdn-lfs.hf.co:8443/signed", False),
        ("https://hf.co.example/signed", False),
        ("https://evilhf.co/signed", False),
        ("https://127.0.0.1/", False),
        ("https://[::1]/", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("http://hub.example:8000/other", False),
        ("http://hub.example/other", True),
        ("file:///etc/passwd", False),
        ("ftp://hf.co/x", False),
    ],
)
def test_only_the_hubs_own_hosts_are_asked(url: str, is_followed: bool) -> None:
    assert repository._is_of_the_hub(httpx.URL(url), httpx.URL("http://hub.example")) is is_followed


@pytest.mark.parametrize(
    "trick",
    [
        Trick(endless=True, listed_size=1_000),
        Trick(lines("more than is listed"), listed_size=3),
        Trick(lines("less than is listed"), listed_size=3_000),
        Trick(lines("other bytes than are listed"), sha256="0" * 64),
    ],
    ids=["endless", "more", "less", "other"],
)
def test_a_file_that_is_not_what_is_listed_is_refused(trick: Trick, run: Importer, context: ToolContext) -> None:
    with pytest.raises(InvalidInput, match=r"sends something else than is listed as 'train.jsonl'"):
        run({"train.jsonl": trick})
    assert left_behind(context) == []


def test_more_bytes_than_are_fetched_at_once_are_not_begun(run: Importer, hub: StandInHub) -> None:
    with pytest.raises(InvalidInput, match=r"has 9\.0 GiB to fetch, and at most 8 are fetched at once.*import folder"):
        run({"train.jsonl": Trick(endless=True, listed_size=9 * 2**30)})
    assert len(hub.asked) == 1


def test_what_does_not_fit_into_the_callers_room_is_not_begun(run: Importer, hub: StandInHub) -> None:
    with pytest.raises(StorageFailed, match=r"has room for 1 MiB more, and 'shop/letters' has 3 MiB"):
        run({"train.jsonl": Trick(endless=True, listed_size=3 * 2**20)}, room=lambda: 2.0**20)
    assert len(hub.asked) == 1


def test_a_fetch_ends_when_the_caller_asks(run: Importer, hub: StandInHub, context: ToolContext) -> None:
    with pytest.raises(Cancelled):
        run({"train.jsonl": Trick(endless=True, listed_size=8 * 2**30)}, is_cancelled=lambda: len(hub.asked) > 1)
    assert left_behind(context) == []


def test_a_hub_that_is_switched_off_is_not_asked(run: Importer, hub: StandInHub, context: ToolContext) -> None:
    with pytest.raises(
        InvalidInput,
        match=r"hub dataset 'shop/letters': is on the hub, and the server was started with --no-hub.*`path`",
    ):
        run({"train.jsonl": lines("a row")}, hub=False)
    with pytest.raises(InvalidInput, match="started with --no-hub"):
        callers_encoder("shop/encoder", replace(context, hub=False))
    assert hub.asked == []


@pytest.mark.parametrize("files", [{"rows.py": b"print()"}, {"rows.zip": b"PK"}, {"rows.tar": b""}, {"a.pkl": b""}, {}])
def test_scripts_and_archives_are_not_fetched(files: dict[str, bytes | Trick], run: Importer, hub: StandInHub) -> None:
    with pytest.raises(InvalidInput, match="no script or archive is opened"):
        run(files)
    assert len(hub.asked) == 1


def test_a_listing_that_is_none_is_told(run: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MAX_LISTING_BYTES", 100)
    with pytest.raises(InvalidInput, match="more files than can be listed"):
        run({f"{number}.jsonl": b"" for number in range(100)})


SHARD = "-00000-of-00001.parquet"
GLUE = [f"mnli/{name}{SHARD}" for name in ("train", "validation_matched", "validation_mismatched")]


@pytest.mark.parametrize(
    ("names", "config", "wanted", "split", "expected"),
    [
        (["train.csv", "test.csv"], None, None, "test", ["test.csv"]),
        (["rows.csv", "README.md"], None, None, "train", ["rows.csv"]),
        (["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"], None, None, "train",
         ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]),
        ([f"plain_text/train{SHARD}", f"plain_text/test{SHARD}"], None, None, "test", [f"plain_text/test{SHARD}"]),
        ([f"emoji/train{SHARD}", f"irony/train{SHARD}"], "irony", None, "train", [f"irony/train{SHARD}"]),
        ([f"data/en/train{SHARD}", f"data/de/train{SHARD}"], "de", None, "train", [f"data/de/train{SHARD}"]),
        (["train/0.jsonl", "test/0.jsonl"], None, None, "train", ["train/0.jsonl"]),
        (GLUE, "mnli", "validation_matched", "validation", [GLUE[1]]),
        ([f"data/unsupervised{SHARD}", f"data/train{SHARD}"], "default", "unsupervised", "unlabelled",
         [f"data/unsupervised{SHARD}"]),
    ],
)  # fmt: skip
def test_names_tell_the_configuration_and_the_split(
    names: list[str], config: str | None, wanted: str | None, split: Split, expected: list[str]
) -> None:
    assert files_of(names, config, wanted, split, "it") == expected


@pytest.mark.parametrize(
    ("names", "config", "wanted", "split", "told"),
    [
        (["emoji/train.csv", "irony/train.csv"], None, None, "train", "several configurations.*'emoji', 'irony'"),
        (["emoji/train.csv"], "irony", None, "train", "no folder of a configuration 'irony'.*'emoji'"),
        (["train.csv"], "irony", None, "train", "no folder of a configuration 'irony'.*none.*`path`"),
        (["train.csv"], None, "dev", "train", "has no split 'dev'.*'train'"),
        (GLUE, "mnli", None, "validation", "several splits.*'validation_matched', 'validation_mismatched'"),
        (["train.csv", "dev.csv"], None, None, "test", "has no split for 'test'"),
    ],
)
def test_names_that_do_not_tell_are_refused_with_the_repair(
    names: list[str], config: str | None, wanted: str | None, split: Split, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        files_of(names, config, wanted, split, "it")


# --- encoders


def encoder_files(**changes: bytes | None) -> dict[str, bytes | Trick]:
    """The files of the default encoder as a repository holds them; those that are None are left out."""
    folder = embedded_folder()
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: body for name, body in {**files, **changes}.items() if body is not None}


@pytest.fixture
def caller(context: ToolContext) -> ToolContext:
    """A context of a caller who is not the operator."""
    return replace(context, is_operator=False)


def test_an_encoder_is_fetched_into_the_callers_workspace_once(hub: StandInHub, caller: ToolContext) -> None:
    code = {"modeling.py": b"raise SystemExit", "pytorch_model.bin": b"pickle", "onnx/model.onnx": b"graph"}
    hub.repositories["models/shop/encoder"] = encoder_files() | code

    encoder = callers_encoder("shop/encoder", caller)
    asked = len(hub.asked)

    assert (caller.workspace.encoders / "shop" / "encoder" / "model.safetensors").is_file()
    assert not [path for path in hub.asked if path.endswith((".py", ".bin", ".onnx", ".md"))]
    assert callers_encoder("shop/encoder", caller) is encoder
    assert encoder_at_hand("shop/encoder", caller.workspace.encoders) is encoder
    assert len(hub.asked) == asked
    assert encoder.dimension == 384


def test_an_encoder_that_is_gone_is_fetched_by_no_model_that_needs_it(hub: StandInHub, caller: ToolContext) -> None:
    hub.repositories["models/shop/encoder"] = encoder_files()
    callers_encoder("shop/encoder", caller)
    shutil.rmtree(caller.workspace.encoders)
    hub.asked.clear()

    with pytest.raises(NotFound, match=r"'shop/encoder': is not on this machine any more.*hf download shop/encoder"):
        encoder_at_hand("shop/encoder", caller.workspace.encoders)
    assert hub.asked == []


def test_an_encoder_that_another_process_fetched_meanwhile_stays_as_it_is(hub: StandInHub, caller: ToolContext) -> None:
    hub.repositories["models/shop/encoder"] = encoder_files()
    place = caller.workspace.encoders / "shop" / "encoder"
    first: list[int] = []

    def another_is_first(*_: object) -> None:
        if not first:
            shutil.copytree(embedded_folder(), place)
            first.append(place.stat().st_ino)

    assert callers_encoder("shop/encoder", replace(caller, report=another_is_first)).dimension == 384
    assert first == [place.stat().st_ino]


def test_an_encoder_of_another_workspace_is_not_there(hub: StandInHub, caller: ToolContext, tmp_path: Path) -> None:
    shutil.copytree(embedded_folder(), tmp_path / "another" / "shop" / "encoder")

    with pytest.raises(NotFound, match="hub model 'shop/encoder': is not on the hub, or not open to everybody"):
        callers_encoder("shop/encoder", caller)


def test_what_the_operator_has_in_the_hubs_cache_is_the_operators(
    hub: StandInHub, caller: ToolContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "hub" / "models--shop--private" / "snapshots" / SHA
    shutil.copytree(embedded_folder(), snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(SHA)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    with pytest.raises(NotFound, match="not open to everybody"):
        callers_encoder("shop/private", caller)
    assert callers_encoder("shop/private", replace(caller, is_operator=True)).dimension == 384
    assert callers_encoder("shop/private", replace(caller, encoder="shop/private")).dimension == 384


@pytest.mark.parametrize("size", [3 * 2**20, 9 * 2**30])
def test_an_encoder_counts_against_the_callers_room(size: int, hub: StandInHub, caller: ToolContext) -> None:
    hub.repositories["models/shop/encoder"] = {"model.safetensors": Trick(endless=True, listed_size=size)}

    with pytest.raises((StorageFailed, InvalidInput), match=r"has room for 1 MiB|at most 8"):
        callers_encoder("shop/encoder", replace(caller, room=lambda: 2.0**20))
    assert len(hub.asked) == 1


def test_an_encoder_that_is_refused_leaves_nothing(hub: StandInHub, caller: ToolContext) -> None:
    hub.repositories["models/shop/encoder"] = encoder_files(**{"modules.json": b"[{}]"})

    with pytest.raises(InvalidInput, match="made of a module 'None'"):
        callers_encoder("shop/encoder", caller)
    assert not list(caller.workspace.root.rglob("*.safetensors"))


def test_a_tokenizer_knows_no_place_of_its_files(hub: StandInHub, caller: ToolContext) -> None:
    settings = json.loads((embedded_folder() / "tokenizer_config.json").read_text())
    told = json.dumps({**settings, "vocab_file": "/etc/passwd", "tokenizer_file": "../../x.json"}).encode()
    hub.repositories["models/shop/encoder"] = encoder_files(**{"tokenizer_config.json": told})

    callers_encoder("shop/encoder", caller)

    kept = json.loads((caller.workspace.encoders / "shop" / "encoder" / "tokenizer_config.json").read_text())
    assert not {"vocab_file", "tokenizer_file"} & set(kept)
    assert kept["model_max_length"] == settings["model_max_length"]


@pytest.mark.parametrize("name", ["/etc", "../encoder", "a/b/c", "shop/../encoder"])
def test_a_place_is_no_encoder(name: str, hub: StandInHub, caller: ToolContext) -> None:
    with pytest.raises(ClasswrightError):
        callers_encoder(name, caller)
    assert hub.asked == []
