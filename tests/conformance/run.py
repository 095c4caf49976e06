"""Judges the server by the protocol's conformance runner and the MCP Inspector, its page by axe-core; prints a table.

`make conformance`. Ends with an error unless everything passed; what a failing judge said is printed then.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import inspector
import review_views
import scenarios
from programs import install
from servers import fixture, product
from verdict import Verdict


def verdicts() -> Iterator[Verdict]:
    """Judge everything, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        over_http, over_stdio = Path(folder, "http"), Path(folder, "stdio")
        with product(over_http) as url:
            yield from scenarios.judge_product(url)
            yield from inspector.judge(url, over_stdio)
            yield from review_views.judge(url)
        with fixture() as url:
            yield from scenarios.judge_fixture(url)


def main() -> int:
    """Print each verdict as it comes, then the count; return the exit code."""
    install()
    started = time.monotonic()
    all_: list[Verdict] = []
    for verdict in verdicts():
        all_.append(verdict)
        print(verdict, flush=True)
    counted = [verdict for verdict in all_ if verdict.good is not None]
    failed = [verdict for verdict in counted if not verdict.good]
    for verdict in failed:
        print(f"\n=== {verdict}\n{verdict.said}")
    seconds = time.monotonic() - started
    print(f"\n{len(counted) - len(failed)} of {len(counted)} passed in {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
