"""The recorded conversations of the documents, replayed: every answer begins as it says there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.conversations import renewed, replayed, stable
from support.paths import ROOT
from support.server import connected, make_settings

pytestmark = pytest.mark.anyio

CONVERSATIONS = (
    ("guides/data_conversation.md",),
    ("guides/month_after_month.md",),
    ("guides/several_labels_conversation.md",),
    ("guides/unlabelled_conversation.md",),
    ("tutorials/chat.md", "tutorials/dataset.md"),
)
"""Pages of one conversation: the later ones go on with what the earlier ones made."""
BEGINNING = "\n## How it began\n"
"""What stands under it comes first."""
UPDATE = "CLASSWRIGHT_UPDATE_SNAPSHOTS"


@pytest.mark.parametrize("pages", CONVERSATIONS, ids=" ".join)
async def test_the_conversation_goes_as_it_is_recorded(pages: tuple[str, ...], tmp_path: Path) -> None:
    """Run with CLASSWRIGHT_UPDATE_SNAPSHOTS=1 to record it anew."""
    async with connected(make_settings(tmp_path)) as client:
        for page in pages:
            path = ROOT / "docs" / page
            told, mark, beginning = path.read_text(encoding="utf-8").partition(BEGINNING)
            began = await replayed(client, beginning)
            done = await replayed(client, told)
            if os.environ.get(UPDATE):
                path.write_text(renewed(told, done) + mark + renewed(beginning, began), encoding="utf-8")
            else:
                made = [one for one in done if one.recorded is not None]
                assert [stable(one.recorded or "") for one in made] == [stable(one.answer) for one in made]
