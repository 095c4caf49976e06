"""What a request is refused for before a job is made of it."""

from __future__ import annotations

import pytest

from classwright_server.mcp.preflight import check_names
from classwright_tools.catalogue import catalogue
from classwright_tools.errors import InvalidInput
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest
from classwright_tools.workspace.workspace import Workspace
from support.pair import pair_task


def test_what_a_task_has_none_of_is_said_and_not_that_one_is_to_be_made(workspace: Workspace) -> None:
    pair_task(workspace)
    request = SynthesizeExamplesRequest(task="shop", plan="shop-p1")

    with pytest.raises(InvalidInput, match="`plan`: is for single texts, and task 'shop' is about pairs"):
        check_names(workspace, catalogue()["synthesize_examples"], request)
