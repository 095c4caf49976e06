"""gan_augment over the wire: generated in a compute process, described as a resource, and trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.server import TASK, call, call_failing, connected, finished, make_settings, rows

pytestmark = pytest.mark.anyio


async def test_the_road_from_few_rows_to_a_model_trained_on_generated_ones(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=50)
        refused = await call_failing(client, "gan_augment", task="support", wait_seconds=50)
        await call(client, "import_examples", task="support", split="train", rows=rows(24, 50), wait_seconds=50)
        arguments = {"task": "support", "method": "mixup", "target": 30, "seeds": 1}
        view = await call(client, "gan_augment", arguments, wait_seconds=1)
        made = await finished(client, view["job_id"])
        trained = await call(
            client, "train_classifier", task="support", method="probe", augmentation="support-g1", wait_seconds=50
        )
        card = await client.read_resource("classwright://support/augmentations/support-g1")

    assert "fewer than 5 training rows" in refused
    assert made["result"]["augmentation"] == "support-g1"
    assert made["result"]["generated_rows"] == 2 * 30 - 28
    assert made["result"]["advice"].startswith("Do not use it, because")  # mixup gained nothing anywhere
    assert json.loads(card.contents[0].text)["method"] == "mixup"  # type: ignore[union-attr]  # one text
    assert "and on support-g1" in trained["summary"]
