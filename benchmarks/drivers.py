"""Builds of the agent by its rules and by a language model that decides, with the tools in this process.

    python benchmarks/drivers.py [--draws N ...] [--ask FOLDER]

The writer gives out recorded texts of each label, drawn at random, whatever else it is asked for: guidance tells
nothing, and plans tell by the labels that they name. The model's decisions are recorded too, in `deciding/`, by draw in
the order in which they were asked for. A decision that is not recorded is asked for in the folder `--ask`: the state is
written to NAME.json, and the decision, {"name": MOVE, "arguments": {...}}, is awaited in NAME.answer.json.
Whoever answers sees what the driver shows, no test row and no figure of one. Runs that are in `results/drivers.json`
are not repeated.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import anyio
import yaml

from articles.pages import table
from articles.runs import Figures, Runs
from classwright_agents.build import Build
from classwright_agents.coach import Coach
from classwright_agents.endpoint import Endpoint
from classwright_agents.errors import ToolError
from classwright_agents.journal import Journal
from classwright_agents.limits import goal_of
from classwright_agents.model_driver import ModelDriver
from classwright_agents.server import Server
from classwright_agents.steps import Steps
from classwright_agents.summary import summary
from classwright_agents.task_file import DriverEntry, TaskFile
from classwright_agents.view import PlainView
from classwright_tools.catalogue import catalogue
from classwright_tools.context import ToolContext
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.errors import ClasswrightError
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.scripted import ScriptedWriter

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "banking12"
DECIDING = HERE / "deciding"
DRAWS = (0,)
COMMON = {
    "task": "banking12",
    "topics_per_label": 1,
    "subtopics_per_topic": 1,
    "source_types": ["message"],
    "method": "probe",
    "rows_per_round": 60,
    "max_rounds": 5,
    "rows": 144,
    "target": {"accuracy": 1.0},
}
Texts = dict[str, list[str]]


def banking12(folder: Path) -> tuple[dict[str, Any], Texts]:
    """Write the real rows into `folder`; return the fields of the task file, and the recorded texts by label."""
    task = yaml.safe_load((EXAMPLE / "task.yaml").read_text(encoding="utf-8"))
    texts: Texts = defaultdict(list)
    for path in sorted((EXAMPLE / "completions").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            recording = json.loads(line)
            if recording["kind"] in ("examples", "contrast"):
                texts[recording["label"]] += recording["items"]
    for split in ("validation", "test"):
        (folder / f"{split}.jsonl").write_bytes((EXAMPLE / f"{split}.jsonl").read_bytes())
    return {"instruction": task["instruction"], "labels": task["labels"]}, texts


class Decisions:
    """The decisions of one build: those that are recorded, then those that somebody takes."""

    def __init__(self, name: str, ask: Path | None) -> None:
        self._name = name
        self._path = DECIDING / f"{name}.jsonl"
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        self._known = [json.loads(line) for line in lines]
        self._ask = ask
        self._asked = 0

    def next(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the decision that a request asks for."""
        number, self._asked = self._asked, self._asked + 1
        if number == len(self._known):
            assert self._ask, f"decision {number} of {self._name} is not recorded: pass --ask FOLDER"
            place = self._ask / f"{self._name}-{number}"
            place.with_suffix(".json").write_text("\n".join(one["content"] for one in body["messages"][1:]))
            answer = place.with_suffix(".answer.json")
            while not answer.exists():
                time.sleep(1)
            self._known.append(json.loads(answer.read_text(encoding="utf-8")))
            DECIDING.mkdir(exist_ok=True)
            self._path.write_text("".join(json.dumps(one) + "\n" for one in self._known), encoding="utf-8")
        return dict(self._known[number])


@contextmanager
def served(decisions: Decisions) -> Iterator[str]:
    """Give the URL of an endpoint that answers with `decisions`."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

        def do_POST(self) -> None:
            decision = decisions.next(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            call = {"function": {"name": decision["name"], "arguments": json.dumps(decision["arguments"])}}
            body = json.dumps({"choices": [{"message": {"tool_calls": [call]}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()


class Tools:
    """The tools in this process, in the place of a connected server. Nothing is exported."""

    own = False

    def __init__(self, workspace: Workspace, texts: Texts, draw: int) -> None:
        self._workspace = workspace
        self._texts = texts
        self._draw = draw

    async def estimate(self, tool: str, arguments: dict[str, Any]) -> None:
        """Return that nothing is told."""

    async def start(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a call.

        Raises:
            ToolError: the tool refused.
        """
        if tool == "export_model":
            export = arguments["model"].replace("-m", "-x")
            return {"summary": "", "next_step": "", "model": arguments["model"], "export": export, "files": []}
        spec = catalogue()[tool]
        key, writer = uuid.uuid4().hex, ScriptedWriter(self._written)
        context = ToolContext(self._workspace, key, writer, seed=self._draw)
        request = spec.request.model_validate(arguments)
        try:
            result = await anyio.to_thread.run_sync(spec.run, request, context)
        except ClasswrightError as error:
            raise ToolError(f"Tool {tool!r}", str(error), "") from error
        return dict(result.model_dump(mode="json"))

    def _written(self, request: WritingRequest) -> list[str]:
        """Return as many texts of the label as are asked for, or as there are; topics and the like are numbered."""
        if request.cell is None or request.kind in ("topics", "subtopics"):
            return [f"{request.kind} {len(request.avoid) + number}" for number in range(1, request.count + 1)]
        left = sorted(set(self._texts[request.cell.label]) - set(request.avoid))
        return random.Random(request.key(str(self._draw))).sample(left, min(request.count, len(left)))


def built(draw: int, driver: str, work: Path, ask: Path | None) -> Figures:
    """Return the figures of a build."""
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{draw}-{driver}-", dir=work))
    fields, texts = banking12(folder)
    files = {split: folder / f"{split}.jsonl" for split in ("validation", "test")}
    task = TaskFile.model_validate({**COMMON, **fields, **files})
    tools = cast(Server, Tools(Workspace(work / f"banking12-{draw}"), texts, draw))  # as far as steps ask for

    async def go(url: str) -> dict[str, Any]:
        with closing(Journal(folder)) as journal:
            view = PlainView(task.target.metric, sys.stderr)
            endpoint = Endpoint(DriverEntry(url=url, model="recorded"))
            decides = ModelDriver(task, endpoint, journal) if driver == "model" else Coach(goal_of(task))
            return summary(task.task, await Build(task, decides, Steps(journal, tools, view), journal, view).run())

    with served(Decisions(f"banking12-{draw}", ask)) as url:
        told = anyio.run(go, url)
    best, metric = told["best"], task.target.metric
    return {
        "test": best["test"][metric],
        "validation": best["validation"][metric],
        "first": told["rounds"][0]["validation"][metric],
        "rows": told["rounds"][best["round"]]["rows"],
        "rounds": len(told["rounds"]),
        "asked": told["driver"]["requests"],
        "tokens": told["driver"]["tokens"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, nargs="+", default=DRAWS)
    parser.add_argument("--ask", type=Path, help="where decisions are asked for that are not recorded")
    parser.add_argument("--work", type=Path, default=Path("runs/drivers"), help="where the builds are")
    arguments = parser.parse_args()
    runs = Runs("drivers", quick=False)
    for draw in arguments.draws:
        for driver in ("coach", "model"):
            of = (draw, driver, arguments.work, arguments.ask)
            runs.measure({"seed": draw, "driver": driver}, lambda of=of: built(*of))
    print(told(runs))


def told(runs: Runs) -> str:
    """Return the table of all runs."""
    lines = [
        [
            str(key["seed"]),
            str(key["driver"]),
            *(f"{found[one]:.3f}" for one in ("first", "validation", "test")),
            *(f"{found[one]:,.0f}" for one in ("rows", "rounds", "asked", "tokens")),
        ]
        for key, found in runs.all()
    ]
    figures = ("validation, round 0", "validation, kept", "test")
    return table(("draw", "who decides", *figures, "rows", "rounds", "asked", "tokens"), lines)


if __name__ == "__main__":
    main()
