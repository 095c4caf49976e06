"""A task with several labels a row over the wire: the road to answers, and what is refused on the way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from classwright_tools.catalogue import catalogue
from support.server import LONG, call, call_failing, connected, make_settings
from support.several import LABELS, ROWS

pytestmark = pytest.mark.anyio
ONE_LABEL = {
    "synthesize_examples": {"task": "mail"},
    "gan_augment": {"task": "mail"},
}
"""Arguments of the tools that take one label a row; `submit_examples` has none without an assignment of theirs."""


RULED_OUT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("train_classifier", {"task": "mail", "method": "contrastive", "dry_run": True}),
    ("train_classifier", {"task": "mail", "encoder": "auto", "dry_run": True}),
    ("train_classifier", {"task": "mail", "imbalance": "auto"}),
    ("export_model", {"model": "mail-m1", "student": True}),
)
"""Arguments that such a task rules out, in tools that take it."""


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a server with such a task and a dataset."""
    async with connected(make_settings(tmp_path)) as made:
        task = {
            "task": "mail",
            "instruction": "Tell what a mail is about.",
            "labels": [{"name": name} for name in LABELS],
        }
        await call(made, "propose_topics", task, multi_label=True)
        rows = [{"text": text, "label": "|".join(labels)} for text, labels in ROWS]
        rows += [{"text": f"{text}, as i said before", "label": "|".join(labels)} for text, labels in ROWS]
        await call(
            made, "import_examples", task="mail", split="train", rows=rows, keep_near_duplicates=True, wait_seconds=LONG
        )
        yield made


async def test_the_road_from_rows_to_an_answer(client: Client) -> None:
    trained = await call(client, "train_classifier", task="mail", method="probe", wait_seconds=LONG)
    texts = ["pay me back for the parcel that never came"]
    answered = await call(client, "classify", model="mail-m1", texts=texts, wait_seconds=LONG)
    page = await client.read_resource("classwright://mail/datasets/mail-d1/train?label=delivery")

    assert trained["result"]["training_rows"] == 2 * len(ROWS)
    assert trained["result"]["validation"]["micro_f1"]
    assert set((answered.get("result") or answered)["results"][0]["labels"]) <= set(LABELS)
    rows = json.loads(page.contents[0].text)["rows"]  # type: ignore[union-attr]  # one text
    assert [row["labels"] for row in rows[:3]] == [["delivery"], ["refund", "delivery"], ["delivery", "account"]]

    for name, tool in catalogue().items():
        if name in ONE_LABEL:
            text = await call_failing(client, name, **ONE_LABEL[name])
            assert f"tool '{name}': takes rows with one label each" in text
            assert text.endswith(tool.instead)
        assert tool.multi_label or tool.makes_task or tool.instead

    jobs = await call(client, "list_jobs")
    for name, asked in RULED_OUT:
        assert "several" in await call_failing(client, name, **asked)
    assert await call(client, "list_jobs") == jobs  # none was made
