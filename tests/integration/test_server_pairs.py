"""A pair task over the wire: from the task to answers about new pairs, with jobs in real compute processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from support.pair import KINDS, pair_rows
from support.server import call, call_failing, connected, make_settings

pytestmark = pytest.mark.anyio
TASK = {
    "task": "shop",
    "instruction": "Tell whether a product is what the search asks for.",
    "labels": [{"name": "fits"}, {"name": "mismatch", "description": "another kind of product"}],
    "kind": "pair",
    "mismatch": "mismatch",
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a server with a pair task."""
    async with connected(make_settings(tmp_path)) as made:
        await call(made, "propose_topics", TASK)
        yield made


def imported(kinds: tuple[str, ...], split: str) -> dict[str, Any]:
    """The arguments that import the pairs of some kinds of product."""
    rows = [{"text": row.text, "text_pair": row.text_pair, "label": row.label} for row in pair_rows(kinds)]
    return {"task": "shop", "split": split, "rows": rows}


async def test_the_road_from_pairs_to_an_answer(client: Client) -> None:
    kinds = tuple(KINDS)
    await call(client, "import_examples", imported(kinds[:6], "train"))
    await call(client, "import_examples", imported(kinds[6:], "test"))
    trained = await call(client, "train_classifier", task="shop", method="probe", wait_seconds=50)
    measured = await call(client, "evaluate", model="shop-m1", split="test", wait_seconds=50)
    pairs = [{"text": "small lamp", "text_pair": "table lamp"}, {"text": "small lamp", "text_pair": "garden hose"}]
    answered = await call(client, "classify", model="shop-m1", pairs=pairs, threshold=0, wait_seconds=50)
    rows = await client.read_resource("classwright://shop/datasets/shop-d2/test?offset=0&limit=1")

    assert trained["result"]["training_rows"] == 48
    assert measured["result"]["figures"]["average_precision"]["value"] > 0.9
    assert [answer["label"] for answer in answered["result"]["results"]] == ["fits", "mismatch"]
    assert '"text_pair": "red ceramic space heater' in rows.contents[0].text  # type: ignore[union-attr]  # one text


async def test_a_row_without_its_second_text_is_named_with_the_repair(client: Client) -> None:
    rows = [{"text": "red drill", "label": "fits"}]

    text = await call_failing(client, "import_examples", task="shop", split="train", rows=rows, wait_seconds=50)

    assert "rows[0]: has no `text_pair`" in text
    assert "Give it both" in text
