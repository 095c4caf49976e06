"""The hub behind a real server: no token of the operator's is sent, and no repository leads a caller elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from support.hub import StandInHub, Trick
from support.server import LONG, TASK, ServerProcess, call, finished, rows
from support.tokens import Authority, bearer

pytestmark = pytest.mark.anyio

URL = "https://box.example/mcp"
TRAIN = b"".join(json.dumps(row).encode() + b"\n" for row in rows(8))
README = """---
configs:
- config_name: default
  data_files: ["reference://rows.jsonl::{inner}/refs.json", "../../principals/bob/rows.jsonl", "{inner}/rows.jsonl"]
---
"""


def operators(home: Path, hub: StandInHub) -> dict[str, str]:
    """The environment of an operator who is logged in at the hub, in every way that there is."""
    home.mkdir()
    (home / "token").write_text("hf_ofTheOperator")
    return {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(home), "HF_TOKEN": "hf_ofTheOperator"}


async def failed(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """Call a tool whose job should fail, however long it takes, and return its error."""
    view = await call(client, tool, arguments | {"wait_seconds": 0})
    view = await finished(client, view["job_id"])
    assert view["status"] == "failed", view
    return str(view["error"])


async def test_callers_reach_what_everybody_may_see_and_nothing_by_the_operators_token(tmp_path: Path) -> None:
    with StandInHub() as inner, StandInHub() as hub, Authority(URL) as authority:
        secret = {"train.jsonl": TRAIN}
        hub.private |= {"datasets/boss/secret": secret, "models/boss/secret": secret}
        hub.repositories["datasets/shop/letters"] = {
            "README.md": README.format(inner=inner.url).encode(),
            "train.jsonl": TRAIN,
            "../../test.jsonl": TRAIN,
            "validation.jsonl": Trick(redirect=f"{inner.url}/validation.jsonl", listed_size=10),
        }
        environment = operators(tmp_path / "home", hub)
        with ServerProcess(tmp_path / "w", *authority.flags(), environment=environment) as server:
            async with (
                create_mcp_http_client(headers=bearer(authority.token("alice"))) as http,
                Client(streamable_http_client(server.url, http_client=http)) as client,
            ):
                await call(client, "propose_topics", TASK)
                source = {"task": "support", "split": "train", "hub": "shop/letters", "wait_seconds": LONG}
                view = await call(client, "import_examples", source)
                led = await failed(client, "import_examples", source | {"split": "validation"})
                hidden = await failed(client, "import_examples", source | {"hub": "boss/secret"})
                encoder = await failed(client, "train_classifier", {"task": "support", "encoder": "boss/secret"})

    assert view["result"]["imported"] == 8
    assert "leads to a place outside the hub" in led
    assert "not open to everybody" in hidden
    assert "not open to everybody" in encoder
    assert hub.tokens == []
    assert inner.asked == []
    assert not list((tmp_path / "home").rglob("datasets*"))


async def test_an_operator_can_switch_the_hub_off(tmp_path: Path) -> None:
    with StandInHub({"datasets/shop/letters": {"train.jsonl": TRAIN}}) as hub:
        environment = operators(tmp_path / "home", hub)
        with ServerProcess(tmp_path / "w", "--no-hub", environment=environment) as server:
            async with Client(server.url) as client:
                await call(client, "propose_topics", TASK)
                source = {"task": "support", "split": "train", "hub": "shop/letters"}
                told = await failed(client, "import_examples", source)

    assert "the server was started with --no-hub" in told
    assert hub.asked == []
