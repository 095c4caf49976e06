"""What every answer of every tool must be: nothing in it is cut in silence, and its URIs can be read as they stand."""

from __future__ import annotations

import json
from math import isclose
from typing import Any

from mcp import Client


async def check_told(client: Client, view: dict[str, Any]) -> None:
    """Fail if an answer shows less of something than there is and does not say so, or names a URI that is not there."""
    cut = view["shown_in_part"]
    for place, part in cut.items():
        assert 0 <= part["shown"] < part["total"], (place, part)
    for uri in {*view["uris"].values(), *(part["uri"] for part in cut.values())}:
        assert (await client.read_resource(uri)).contents, uri
    if view.get("status") == "completed":
        uri = f"classwright://jobs/{view['job_id']}/result" if view["job_id"] else view["uris"].get("whole")
        if uri is None:  # answered at once, and whole but for what a file that it names holds
            assert {part["uri"] for part in cut.values()} <= set(view["uris"].values())
            return
        whole = await client.read_resource(uri)
        check_same(view["result"], json.loads(whole.contents[0].text), cut)  # type: ignore[union-attr]  # it is JSON


def check_same(shown: Any, whole: Any, cut: dict[str, Any], place: str = "") -> None:
    """Fail if `shown` lacks something of `whole` that `cut` does not name."""
    if isinstance(whole, dict):
        for name in whole.keys() - {"shown_in_part", "uris", "summary", "next_step"} if not place else whole.keys():
            inner = f"{place.removesuffix('[]')}.{name}" if place else name
            assert name in shown or place in cut, inner
            if name in shown:
                check_same(shown[name], whole[name], cut, inner)
    elif isinstance(whole, list):
        assert len(shown) == len(whole) or place in cut, place
        for one, other in zip(shown, whole, strict=False):
            check_same(one, other, cut, f"{place}[]")
    elif isinstance(whole, float):
        assert isclose(shown, whole, rel_tol=1e-3), place  # an answer has four digits
    else:
        assert shown == whole or f"{place.removesuffix('[]')}, in characters" in cut, place
