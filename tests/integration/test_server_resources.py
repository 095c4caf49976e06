"""What a client reads over the wire: cards, rows, pages, and files in parts, and nothing beside them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, TextResourceContents

from classwright_server.mcp import files
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import NotFound
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.server import ERAS, LABELS, connected, make_settings, rows

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace whose task 'support' has one dataset of 24 rows."""
    workspace = Workspace(tmp_path / "shop")
    names = tuple(Label(**label) for label in LABELS)
    workspace.save_task(Task(slug="support", instruction="Classify a message.", labels=names))
    examples = [make_example(row["text"], row["label"]) for row in rows(24)]
    save_dataset(workspace, "support", {"train": examples}, parent=None, run_key="r", made_by="import_examples")
    workspace.engine.dispose()
    return workspace.root


@pytest.fixture
async def client(shop: Path) -> AsyncIterator[Client]:
    """A client of a server on that workspace."""
    async with connected(make_settings(shop)) as made:
        yield made


async def text_of(client: Client, uri: str) -> Any:
    [content] = (await client.read_resource(uri)).contents
    return json.loads(content.text)  # type: ignore[union-attr]  # it is JSON


@pytest.mark.parametrize("mode", ERAS)
async def test_a_task_leads_to_its_artifacts_and_they_to_their_files(shop: Path, mode: str) -> None:
    async with connected(make_settings(shop), mode) as client:
        await check_road_to_files(client, shop)


async def check_road_to_files(client: Client, shop: Path) -> None:
    """Follow the URIs from the list of tasks to the bytes of each file."""
    assert (await text_of(client, "classwright://tasks"))["tasks"] == ["support"]
    overview = await text_of(client, "classwright://support")
    card = await text_of(client, overview["newest_uris"]["dataset"])
    listed = await text_of(client, "classwright://support/artifacts/support-d1/files")

    assert [event["id"] for event in overview["history"]] == ["support-d1"]
    assert card["made_by"] == "import_examples"
    for file in listed["files"]:
        content = await fetched(client, "support-d1", file["name"], file["parts"])
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert content == (shop / "support" / "support-d1" / file["name"]).read_bytes()


async def fetched(client: Client, artifact: str, name: str, parts: int) -> bytes:
    content = b""
    for part in range(parts):
        uri = f"classwright://support/artifacts/{artifact}/files/{quote(name, safe='')}/{part}"
        [blob] = (await client.read_resource(uri)).contents
        content += base64.b64decode(blob.blob)  # type: ignore[union-attr]  # it is a blob
    return content


async def test_rows_come_in_pages(client: Client) -> None:
    first = await text_of(client, "classwright://support/datasets/support-d1/train?limit=20")
    rest = await text_of(
        client, f"classwright://support/datasets/support-d1/train?limit=20&offset={first['next_offset']}"
    )
    none = await text_of(client, "classwright://support/datasets/support-d1/test")

    assert (first["total"], len(first["rows"]), len(rest["rows"]), rest["next_offset"]) == (24, 20, 4, None)
    assert [row["text"] for row in first["rows"] + rest["rows"]] == [row["text"] for row in rows(24)]
    assert none["rows"] == []


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("classwright://suport", "Did you mean 'support'"),
        ("classwright://support/datasets/support-d9", "Did you mean 'support-d1'"),
        ("classwright://support/models/support-d1", "classwright://support/datasets/support-d1"),
        ("classwright://other/datasets/support-d1", "is not of task 'other'"),
        ("classwright://support/datasets/support-d1/trian", "Use one of train, validation"),
        ("classwright://support/datasets/support-d1/train?limit=100000", "limit 1 to 200"),
        (f"classwright://support/datasets/support-d1/train?offset={2**63 - 1}", "offset is 0 to 1,000,000,000,000"),
        (f"classwright://support/datasets/support-d1/train?offset={10**30}", "offset is 0 to 1,000,000,000,000"),
        (f"classwright://support/datasets/support-d1/train?limit={2**63 - 1}", "limit 1 to 200"),
        ("classwright://support/datasets/support-d1/train?offset=-1", "offset is 0 to"),
        (f"classwright://support/artifacts/support-d1/files/card.json/{2**63}", "does not exist"),
        ("classwright://support/artifacts/support-d1/files/card.jsno/0", "Did you mean 'card.json'"),
        ("classwright://support/artifacts/support-d1/files/card.json/1", "numbered 0 to 0"),
        ("classwright://support/artifacts/support-d1/files/card.json/-1", "numbered 0 to 0"),
        ("classwright://jobs/job_00/result", "job 'job_00': does not exist"),
    ],
)
async def test_what_is_not_there_is_told_with_the_nearest(client: Client, uri: str, words: str) -> None:
    with pytest.raises(MCPError, match=words):
        await client.read_resource(uri)


@pytest.mark.parametrize(
    "name",
    [
        "../support-d1/card.json",
        "..%2F..%2Findex.sqlite",
        "%2e%2e%2f%2e%2e%2findex.sqlite",
        "..%5C..%5Cindex.sqlite",
        "%2Fetc%2Fpasswd",
        "C:index.sqlite",
        "card.json%00.png",
        ".",
        "link",
        "folder%2Fcard.json",
        "%EF%BC%8E%EF%BC%8E%2Findex.sqlite",
        "x" * 5000,
    ],
)
async def test_no_name_reaches_a_file_outside_its_artifact(client: Client, shop: Path, name: str) -> None:
    folder = shop / "support" / "support-d1"
    (shop / "secret").write_text("secret")
    (folder / "link").symlink_to(shop / "secret")
    (folder / "folder").symlink_to(folder)

    with pytest.raises(MCPError) as raised:
        await client.read_resource(f"classwright://support/artifacts/support-d1/files/{name}/0")
    assert str(shop) not in str(raised.value)


async def test_a_large_file_comes_in_parts_that_join_to_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 1000)
    content = bytes(range(256)) * 17

    def write(folder: Path) -> None:
        (folder / "sub folder").mkdir()
        (folder / "sub folder" / "weights.bin").write_bytes(content)
        (folder / "empty").write_bytes(b"")

    workspace.save_task(Task(slug="support", instruction="Classify a message.", labels=()))
    artifact = workspace.publish("export", "support", write, run_key="r")
    described = {file.name: file for file in files.files_of(artifact).files}

    assert described["sub folder/weights.bin"].parts == 5
    assert described["empty"].parts == 1
    parts = [files.part_of(artifact, "sub folder/weights.bin", part) for part in range(5)]
    assert b"".join(parts) == content
    assert files.part_of(artifact, "empty", 0) == b""
    with pytest.raises(NotFound, match="numbered 0 to 4"):
        files.part_of(artifact, "sub folder/weights.bin", 5)


def test_a_part_in_base64_stays_under_what_hosts_take() -> None:
    assert len(base64.b64encode(bytes(files.PART_BYTES))) <= 4 * 2**20


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("README.md", "text/markdown"),
        ("refused.jsonl", "application/jsonl"),
        ("onnx/model.bin", "application/octet-stream"),
    ],
)
async def test_a_file_is_read_whole_as_what_its_name_says(client: Client, shop: Path, name: str, kind: str) -> None:
    path = shop / "support" / "support-d1" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("# Größe", encoding="utf-8")

    for written in (quote(name, safe=""), name):
        [content] = (await client.read_resource(f"classwright://support/artifacts/support-d1/files/{written}")).contents
        text = getattr(content, "text", None) or base64.b64decode(content.blob).decode()  # type: ignore[union-attr]  # one of both
        assert (content.mime_type, text) == (kind, "# Größe")


PLAIN = "id,text\r\n1,Größe 👩\u200d💻 \u2640\ufe0f\r\n"


@pytest.mark.parametrize("name", ["answers.csv", "texts.txt", "README.md", "card.json"])
@pytest.mark.parametrize(
    ("content", "as_text"),
    [
        (PLAIN.encode(), True),
        *((f"{PLAIN}{unseen}".encode(), False) for unseen in ("\x9d", "\x85", "\u202e", "\u200b", "\x1b[31m", "\r")),
        (PLAIN.encode("utf-16"), False),
    ],
)
async def test_a_file_comes_as_it_is_and_what_no_reader_would_see_comes_as_bytes(
    client: Client, shop: Path, name: str, content: bytes, *, as_text: bool
) -> None:
    (shop / "support" / "support-d1" / name).write_bytes(content)

    [found] = (await client.read_resource(f"classwright://support/artifacts/support-d1/files/{name}")).contents

    assert isinstance(found, TextResourceContents) is as_text
    assert whole(found) == content


async def test_each_file_that_is_fetched_has_the_digest_that_the_list_says(client: Client, shop: Path) -> None:
    folder = shop / "support" / "support-d1"
    (folder / "labels.json").write_text('["a\u202eb", "Größe"]', encoding="utf-8")
    (folder / "report.html").write_text("<p>\x85</p>", encoding="utf-8")
    uri = "classwright://support/artifacts/support-d1/files"
    listed = {file["name"]: file["sha256"] for file in (await text_of(client, uri))["files"]}

    fetched = {
        name: whole((await client.read_resource(f"{uri}/{quote(name, safe='')}")).contents[0]) for name in listed
    }

    assert {name: hashlib.sha256(content).hexdigest() for name, content in fetched.items()} == listed
    assert {"labels.json", "report.html", "card.json"} <= set(listed)


def whole(content: TextResourceContents | BlobResourceContents) -> bytes:
    """The bytes of what was read, as a client saves them."""
    return content.text.encode() if isinstance(content, TextResourceContents) else base64.b64decode(content.blob)


async def test_rows_are_read_by_label_and_by_their_words(client: Client) -> None:
    uri = "classwright://support/datasets/support-d1/train"
    refunds = await text_of(client, f"{uri}?label=refund&limit=5")
    asking = await text_of(client, f"{uri}?q=WHERE%20does&limit=100")
    by_form = await text_of(client, f"{uri}?q=WHERE+does&limit=100")
    plus = await text_of(client, f"{uri}?q=WHERE%2Bdoes")
    neither = await text_of(client, f"{uri}?label=refund&q=parcel")

    assert (refunds["total"], refunds["next_offset"]) == (12, 5)
    assert {row["label"] for row in refunds["rows"]} == {"refund"}
    assert (asking["total"], {row["label"] for row in asking["rows"]}) == (12, {"delivery"})
    assert by_form == asking
    assert (plus["total"], plus["rows"]) == (0, [])
    assert (neither["total"], neither["rows"]) == (0, [])


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("classwright://support/datasets/support-d1/train?lable=refund", "'lable' .* takes label, limit, offset, q"),
        ("classwright://support/datasets/support-d1/train?label=refund&label=delivery", "'label' .* more than once"),
        ("classwright://support/datasets/support-d1/train?limit=5&limit=5", "'limit' .* more than once"),
        ("classwright://support/datasets/support-d1/train?%6Cabel=refund", "'%6Cabel' .* is not known"),
        ("classwright://support/datasets/support-d1/train?Label=refund", "'Label' .* is not known"),
        ("classwright://support/datasets/support-d1/train?=refund", "'' .* is not known"),
        ("classwright://support?limit=5", "takes nothing after a '\\?'"),
        ("classwright://support/datasets/support-d1/train?label=refnd", "Did you mean 'refund'"),
        ("classwright://support/datasets/support-d1/train?offset=9223372036854775807", "out of bounds"),
        ("classwright://support/datasets/support-d1/train?limit=many", "out of bounds"),
        (
            "classwright://support/artifact/support-d1/files",
            "nearest is classwright://support/artifacts/support-d1/files",
        ),
        ("classwright://support/model/support-d1", "Did you mean 'models'"),
        ("classwrite://tasks", "nearest is classwright://tasks"),
    ],
)
async def test_a_uri_that_asks_for_what_is_not_known_is_told_so(client: Client, uri: str, words: str) -> None:
    with pytest.raises(MCPError, match=words):
        await client.read_resource(uri)
