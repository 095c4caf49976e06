"""The agent's token goes to the server that its task file names, and to no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_agents.errors import ServerError
from classwright_agents.server import connect
from classwright_agents.task_file import ServerEntry
from support.writing import ScriptedEndpoint, echoed, said_status

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_with_the_token_or_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("TEST_TOKEN", "a token of the test")
    with (
        ScriptedEndpoint(echoed) as elsewhere,
        ScriptedEndpoint(lambda _: said_status(status, Location=elsewhere.url)) as named,
    ):
        with pytest.raises(ServerError, match="does not answer"):
            async with connect(ServerEntry(url=named.url, token_env="TEST_TOKEN"), tmp_path, tmp_path):
                pass

        assert named.seen[0].headers["authorization"] == "Bearer a token of the test"
        assert elsewhere.seen == []
