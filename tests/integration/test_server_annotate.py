"""annotate_examples over the wire: texts in batches, answers by id, and a dataset to train on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.server import LONG, TASK, call, connected, make_settings, rows
from support.writing_verbs import sentence

pytestmark = pytest.mark.anyio


async def test_the_road_from_unlabelled_texts_to_training_rows(tmp_path: Path) -> None:
    texts = [{"text": sentence(number)} for number in range(30)]
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=rows(12), wait_seconds=LONG)
        await call(client, "import_examples", task="support", split="unlabelled", rows=texts, wait_seconds=LONG)
        view = await call(client, "annotate_examples", task="support", order="random", rows=26, wait_seconds=LONG)
        answers = []
        while view["result"]["texts"]:
            shown = view["result"]["texts"]
            labels = {text["id"]: [["refund", "delivery"][place % 2]] for place, text in enumerate(shown)}
            answers.append(len(labels))
            view = await call(
                client, "annotate_examples", task="support", annotation="support-n1", labels=labels, wait_seconds=LONG
            )
        document = await client.read_resource("classwright://support/annotations/support-n1")

    assert answers == [25, 6]
    assert (view["result"]["have"], view["result"]["dataset"]) == (31, "support-d3")
    assert view["result"]["checked"] == 5
    assert json.loads(document.contents[0].text)["order"] == "random"  # type: ignore[union-attr]  # one text
