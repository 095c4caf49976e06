"""A task with several labels a row over the wire: the road to answers, and what is refused on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from classwright_tools.catalogue import catalogue
from classwright_tools.domain.label_sets import named_together
from support.server import LONG, call, call_failing, connected, make_settings
from support.several import LABELS, ROWS, topics_of, written_for

pytestmark = pytest.mark.anyio
ONE_LABEL = {
    "gan_augment": {"task": "mail"},
}
"""Arguments of the tools that take one label a row."""


RULED_OUT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("train_classifier", {"task": "mail", "method": "contrastive", "dry_run": True}),
    ("train_classifier", {"task": "mail", "encoder": "auto", "dry_run": True}),
    ("train_classifier", {"task": "mail", "imbalance": "auto"}),
    ("export_model", {"model": "mail-m1", "student": True}),
)
"""Arguments that such a task rules out, in tools that take it."""


TASK = {
    "task": "mail",
    "instruction": "Tell what a mail is about.",
    "labels": [{"name": name} for name in LABELS],
    "multi_label": True,
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a server with such a task and a dataset."""
    async with connected(make_settings(tmp_path)) as made:
        await call(made, "propose_topics", TASK)
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


async def _write(client: Client, numbers: Iterator[int], **wanted: Any) -> str:
    """Have texts asked for, write all of them, and return the dataset that they make."""
    answer = await call(client, "synthesize_examples", task="mail", **wanted, wait_seconds=LONG)
    view = answer["result"]
    batches = view["batches"]
    while not view["dataset"]:
        texts = {batch["batch"]: written_for(batch["label"], numbers, batch["count"]) for batch in batches}
        view = await call(client, "submit_examples", assignment=answer["result"]["assignment"], texts=texts)
        assert view["refused"] == []
        batches = view["next_batches"]
    return str(view["dataset"])


async def _labels(client: Client, dataset: str, writing_round: int) -> Counter[tuple[str, ...]]:
    page = await client.read_resource(f"classwright://mail/datasets/{dataset}/train?limit=200")
    rows = json.loads(page.contents[0].text)["rows"]  # type: ignore[union-attr]  # one text
    made = [row for row in rows if row["provenance"]["round"] == writing_round]
    assert all(named_together(row["labels"]) == row["provenance"]["cell"]["label"] for row in made)
    return Counter(tuple(row["labels"]) for row in made)


async def test_from_nothing_to_a_model_by_texts_of_one_label_of_two_and_of_none(tmp_path: Path) -> None:
    numbers = count()
    async with connected(make_settings(tmp_path)) as client:
        wanted = (await call(client, "propose_topics", TASK))["wanted"]
        await call(client, "propose_topics", TASK, topics=topics_of(wanted["labels"]))
        first = await _write(client, numbers, rows=40)
        trained = await call(client, "train_classifier", task="mail", method="probe", wait_seconds=LONG)
        real = [
            {"text": text, "label": "|".join(labels) or "|"}
            for labels in (("refund", "account"), ("refund", "account"), ("delivery",), ())
            for text in written_for("|".join(labels), numbers, 5)
        ]
        await call(client, "import_examples", task="mail", split="validation", rows=real, wait_seconds=LONG)
        report = await call(client, "evaluate", model="mail-m1", split="validation", wait_seconds=LONG)
        second = await _write(client, numbers, rows=40)
        third = await _write(client, numbers, rows=6, labels=["account|refund", "|"])

        assert wanted["labels"] == [*LABELS, "|"]
        assert await _labels(client, first, 0) == {
            ("refund",): 8,
            ("delivery",): 8,
            ("account",): 8,
            ("refund", "delivery"): 4,
            ("refund", "account"): 3,
            ("delivery", "account"): 3,
            (): 6,
        }
        assert trained["result"]["validation"]["data"] == "written"
        assert report["result"]["figures"]["macro_f1"]["value"] > 0.9
        # 20 real rows weigh as much as the usual shares: half of them have both refund and account.
        after = await _labels(client, second, 1)
        assert (after[("refund", "account")], sum(after.values())) == (12, 40)
        assert await _labels(client, third, 2) == {("refund", "account"): 3, (): 3}
