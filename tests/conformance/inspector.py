"""The MCP Inspector's command line as a real client of the product: over stdio and HTTP, in both eras."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from classwright_tools.catalogue import catalogue
from programs import run
from servers import SERVE
from verdict import Verdict

ERAS = ("legacy", "modern")
PASSED_ON = ("PYTHONPATH", "HF_HOME", "HF_HUB_OFFLINE", "OMP_NUM_THREADS")
LABELS = [
    {"name": "refund", "description": "the customer wants money back"},
    {"name": "delivery", "description": "the customer asks where a parcel is"},
]
TASK = {"task": "support", "instruction": "Classify a message to a shop.", "labels": LABELS}
TOOLS = sum(not tool.for_page for tool in catalogue().values()) + 3  # and those that look after jobs
CONNECT_MS = "120000"
"""Its own limit is 15 s, which a busy machine needs to start two programs."""


def _call(tool: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    return ("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))


def _rows(era: str) -> dict[str, Any]:
    """An import of rows that the era before has not brought."""
    rows = [{"text": f"{era}: where is parcel {number}", "label": "delivery"} for number in range(4)]
    return {"task": "support", "split": "train", "rows": rows, "wait_seconds": 50}


def _steps(era: str) -> list[tuple[tuple[str, ...], Callable[[dict[str, Any]], bool]]]:
    """What is asked in turn, and what the answer should be."""
    return [
        (("tools/list", "--strict"), lambda result: len(result["tools"]) == TOOLS),
        (("prompts/list",), lambda result: len(result["prompts"]) == 3),
        (("resources/templates/list",), lambda result: bool(result["resourceTemplates"])),
        (_call("propose_topics", TASK), lambda result: result["structuredContent"]["task"] == "support"),
        # In the newer era the Inspector declares tasks: this is a task that it follows to its end.
        (_call("import_examples", _rows(era)), lambda result: result["structuredContent"]["result"]["imported"] == 4),
        (("resources/read", "--uri", "classwright://tasks"), lambda result: "support" in result["contents"][0]["text"]),
    ]


def judge(url: str, workspace: Path) -> Iterator[Verdict]:
    """Ask the server at `url`, then one over stdio that the Inspector starts on `workspace`."""
    kept = [part for name in PASSED_ON if name in os.environ for part in ("-e", f"{name}={os.environ[name]}")]
    targets = {
        "HTTP": ["--server-url", url, "--transport", "http"],
        "stdio": [*kept, *SERVE, str(workspace)],
    }
    for transport, target in targets.items():
        for era in ERAS:
            for step, is_right in _steps(era):
                yield _asked(f"Inspector, {transport}, {era}", target, era, step, is_right)


def _asked(
    group: str, target: Sequence[str], era: str, step: tuple[str, ...], is_right: Callable[[dict[str, Any]], bool]
) -> Verdict:
    flags = ("--protocol-era", era, "--connect-timeout", CONNECT_MS, "--format", "json")
    ended = run("mcp-inspector", "--cli", *target, *flags, "--method", *step)
    try:
        good = ended.returncode == 0 and is_right(json.loads(ended.stdout)["result"])
    except (ValueError, KeyError, TypeError, IndexError):
        good = False
    name = step[0] if step[0] != "tools/call" else f"tools/call {step[2]}"
    note = "--strict" if "--strict" in step else ""
    return Verdict(group, name, good, "1/1" if good else "0/1", note, f"{ended.stdout}{ended.stderr}")
