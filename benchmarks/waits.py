"""The waits of a person: for the list of tools after a start, classified texts, and the figures of an evaluation.

    python benchmarks/waits.py [starts] [texts] [figures]

Each beside a peer, in turn, in one run: a bare `MCPServer` with one empty tool over stdio; the encoder with a linear
head of scikit-learn, called in this process; scikit-learn's own report, which has no intervals. Starts are of processes
whose files the machine has read before, and whose bytecode is stored, as pip stores that of what it installs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the rows are the tests' own

import anyio
import numpy as np
import psutil
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from support.server import TASK, call, rows

RESULTS = Path(__file__).parent / "results" / "waits.json"
BYTECODE = Path(tempfile.gettempdir()) / "classwright-benchmarks" / "bytecode"
RUNS = 15
MANY, MANY_RUNS = 1_000, 5
TEXT = "I want my money back at once"
BARE = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("bare", version="1", log_level="WARNING")

@server.tool()
async def nothing() -> None:
    "Do nothing."

server.run("stdio")
"""
SERVE = ("-m", "classwright_server.cli", "serve", "--workspace")


@dataclass(frozen=True)
class Start:
    """From the start of a server to its list of tools: seconds on the clock, and at work."""

    wall: float
    cpu: float


def started(*command: str) -> Start:
    """Start a server, shake hands, list its tools, and end it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPYCACHEPREFIX": str(BYTECODE), **environment},
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "waits", "version": "1"}}
        for message in (
            {"id": 1, "method": "initialize", "params": client},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/list"},
        ):
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline()) if "id" in message else {}
        wall = time.monotonic() - began
        cpu = sum(psutil.Process(process.pid).cpu_times()[:2])
        assert answer["result"]["tools"]
        process.stdin.close()
    return Start(wall, cpu)


def seconds_of(work: Callable[[], object]) -> float:
    """Return what one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class ClassifySeconds:
    """The seconds of calls of `classify` over stdio, and of the same work in this process: of one text, and of many."""

    one: tuple[list[float], list[float]]
    many: tuple[list[float], list[float]]


async def classified(folder: Path) -> ClassifySeconds:
    """Classify by turns, over stdio and in this process."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    from classwright_tools.context import DEFAULT_ENCODER
    from classwright_tools.learning.encoder_folders import encoder_folder

    encoder = SentenceTransformer(str(encoder_folder(DEFAULT_ENCODER)), device="cpu")
    known = rows(24)
    head = LogisticRegression().fit(encoder.encode([row["text"] for row in known]), [row["label"] for row in known])
    kept = {name: value for name, value in os.environ.items() if name.startswith(("HF_", "OMP_", "PYTHON"))}
    server = StdioServerParameters(command=sys.executable, args=[*SERVE, str(folder)], env=kept)
    many = [row["text"] for row in rows(MANY, 1_000)]

    async def both(client: Client, texts: list[str], runs: int) -> tuple[list[float], list[float]]:
        own, peer = [], []
        for _ in range(runs + 1):
            began = time.perf_counter()
            answer = await client.call_tool("classify", {"model": "support-m1", "texts": texts})
            own.append(time.perf_counter() - began)
            assert (answer.structured_content or {}).get("status") == "completed", answer
            peer.append(seconds_of(lambda: head.predict_proba(encoder.encode(texts))))
        return own[1:], peer[1:]  # the first call loads the model

    async with Client(stdio_client(server)) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=known, wait_seconds=50)
        await call(client, "train_classifier", task="support", method="probe", wait_seconds=50)
        return ClassifySeconds(await both(client, [TEXT], RUNS), await both(client, many, MANY_RUNS))


def figured() -> tuple[list[float], list[float]]:
    """Return the seconds of all figures of 500 rows and 77 classes with intervals, and of scikit-learn's report."""
    from sklearn.metrics import classification_report

    from classwright_tools.statistics.metrics import compute_figures

    generator = np.random.default_rng(0)
    true = generator.integers(0, 77, 500)
    proba = generator.dirichlet(np.ones(77), 500)
    proba[np.arange(500), true] += 0.4 * generator.random(500)
    labels = [str(place) for place in range(77)]
    own, peer = [], []
    for _ in range(RUNS):
        own.append(seconds_of(lambda: compute_figures(true, proba, labels)))
        peer.append(seconds_of(lambda: classification_report(true, proba.argmax(axis=1), zero_division=0)))
    return own, peer


def line(what: str, own: list[float], peer: list[float], peer_is: str) -> dict[str, Any]:
    """Return and print a line of the table, in milliseconds."""
    found: dict[str, Any] = {"what": what, "peer": peer_is, "runs": len(own)}
    for name, seconds in (("classwright", own), ("the_peer", peer)):
        of = [round(1000 * pick(seconds), 1) for pick in (statistics.median, min, max)]
        found[name] = dict(zip(("median_ms", "lowest_ms", "highest_ms"), of, strict=True))
    cells = ["{median_ms} ({lowest_ms} to {highest_ms})".format(**found[name]) for name in ("classwright", "the_peer")]
    print(f"| {what} | {cells[0]} | {cells[1]} | {peer_is} |", flush=True)
    return found


def starts(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the starts, after one of each that counts for nothing."""
    bare = folder / "bare.py"
    bare.write_text(BARE, encoding="utf-8")
    commands = ((*SERVE, str(folder / "workspace")), (str(bare),))
    pairs = [tuple(started(*command) for command in commands) for _ in range(RUNS + 1)][1:]
    own, peer = zip(*pairs, strict=True)
    server = "a bare MCPServer, one empty tool"
    return [
        line("from the start to the list of tools", [s.wall for s in own], [s.wall for s in peer], server),
        line("the same, at work", [s.cpu for s in own], [s.cpu for s in peer], server),
    ]


def texts(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the classified texts."""
    found = anyio.run(classified, folder / "other")
    peer = "encoder and head, no server"
    return [line("one text classified", *found.one, peer), line(f"{MANY:,} texts classified", *found.many, peer)]


def figures(_folder: Path) -> list[dict[str, Any]]:
    """Return the line of the figures."""
    return [line("figures of 500 rows, 77 classes", *figured(), "scikit-learn's report, no intervals")]


WAITS = {"starts": starts, "texts": texts, "figures": figures}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("waits", nargs="*", default=list(WAITS), help=f"of {list(WAITS)}; default: all")
    load = os.getloadavg()[0]
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    print("| ms | Classwright | peer | which peer |\n| --- | --- | --- | --- |")
    for name in parser.parse_args().waits:
        with tempfile.TemporaryDirectory() as folder:
            lines = WAITS[name](Path(folder))
        known[name] = {"cores": os.cpu_count(), "load_average_before": round(load, 1), "waits": lines}
    RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
