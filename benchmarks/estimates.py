"""Estimates against what jobs took: each is told before its job, from the jobs before it alone.

    python benchmarks/estimates.py --data FOLDER [--work FOLDER] [--part asking | computing]

Trainings, evaluations, error analyses and exports over rows of banking77, writings and labellings with a writer that
takes 200 ms and 10 ms a token, sixteen requests at once; in a mixed order, of many sizes, on a workspace that begins
empty. Time is that of the processor, and of waiting for the writer, which is not slept through. With `--work` a run
that was stopped goes on with the jobs that are left.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the sentences are the tests' own

from classwright_tools import meter
from classwright_tools.catalogue import catalogue
from classwright_tools.context import ToolContext
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.usage import Prices
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.estimates.running import run_told
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.prompts.render import chat_messages
from support.writing_verbs import ScriptedWriter, phrases_of, save_tree, texts_of

RESULTS = Path(__file__).parent / "results" / "estimates.json"
LABELS, VALIDATION, UNLABELLED = 12, 100, 500
SIZES = {"probe": (90, 150, 240, 420, 900), "contrastive": (60, 90, 150), "auto": (72, 120)}
EXPORTED = (60, 150)
WRITTEN = (24, 36, 60, 96, 150, 200, 300, 400)
LABELLED = (20, 35, 50, 80, 110, 180)
AT_ONCE, LATENCY, A_TOKEN = 16, 0.2, 0.01
CHARACTERS_A_TOKEN = 4.6
PRICES = Prices(tokens_in=0.15, tokens_out=0.6)
TARGET = 0.3
PARTS = ("asking", "computing")

Job = tuple[str, dict[str, Any]]


class Clock:
    """Seconds of this processor, and those that a writer would have been waited for, which pass at once.

    On a machine that others use as well the time on the wall tells of them, not of the work.
    """

    waited = 0.0

    def monotonic(self) -> float:
        """Return the seconds so far."""
        return time.process_time() + self.waited


CLOCK = Clock()


class HastyLoop(asyncio.SelectorEventLoop):
    """An event loop that goes by the clock, and sleeps only on paper."""

    def __init__(self) -> None:
        super().__init__()
        select = self._selector.select  # type: ignore[attr-defined]  # asyncio's own

        def hurried(timeout: float | None) -> Any:
            events = select(0 if timeout else timeout)
            if timeout and not events:
                CLOCK.waited += timeout
            return events

        self._selector.select = hurried  # type: ignore[attr-defined]

    def time(self) -> float:
        """Return the clock's time."""
        return CLOCK.monotonic()


class HastyPolicy(asyncio.DefaultEventLoopPolicy):
    """Has `asyncio.run` use such loops."""

    _loop_factory = HastyLoop


class SlowWriter(ScriptedWriter):
    """A writer that takes as long as a hosted model, and charges for it."""

    def __init__(self, labels: list[str]) -> None:
        super().__init__(self._answer, name="slow", prices=PRICES)
        self._labels = labels
        self._room: asyncio.Semaphore | None = None

    def _answer(self, request: WritingRequest) -> Completion:
        if request.kind == "labels":
            items = tuple(f"{text.id}: {self._labels[len(text.text) % len(self._labels)]}" for text in request.texts)
        else:
            items = texts_of(request) if request.kind in ("examples", "contrast") else phrases_of(request)
        read = sum(len(message["content"]) for message in chat_messages(request))
        return Completion(items=items, tokens_in=round(read / CHARACTERS_A_TOKEN), tokens_out=24 * len(items))

    async def write(self, request: WritingRequest) -> Completion:
        """Answer by the script, after as long as a model would take."""
        answer = await super().write(request)
        self._room = self._room or asyncio.Semaphore(AT_ONCE)
        async with self._room:
            await asyncio.sleep(LATENCY + A_TOKEN * answer.tokens_out)
        return answer


def planned(part: str, seed: int = 0) -> list[Job]:
    """Return the jobs of a part in a mixed order: what needs a model is preceded by the training that makes it."""
    trainings = [
        (("train_classifier", {"method": method, "dataset": f"d{size}"}), size)
        for method, sizes in SIZES.items()
        for size in sizes
    ]
    computing: list[list[Job]] = [
        [
            training,
            ("evaluate", {"split": "test"}),
            ("error_analysis", {"rows": 50}),
            *([("export_model", {})] if size in EXPORTED else []),
        ]
        for training, size in trainings
    ]
    # Each writing has a wish of its own: else the answers of the one before it would serve it.
    asking: list[list[Job]] = [
        [("synthesize_examples", {"rows": rows, "new_dataset": True, "guidance": [f"as of batch {rows}"]})]
        for rows in WRITTEN
    ]
    asking += [[("annotate_examples", {"rows": rows, "order": "random", "dataset": "d900"})] for rows in LABELLED]
    groups = {"asking": asking, "computing": computing}[part]
    random.Random(seed).shuffle(groups)
    return [job for group in groups for job in group]


def prepared(workspace: Workspace, data: Path) -> list[str]:
    """Store the task, its tree and the datasets of every size, and return the labels."""
    with gzip.open(data / "banking77" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    labels = sorted({row["label"] for row in rows})[:LABELS]
    rows = [row for row in rows if row["label"] in labels]
    random.Random(0).shuffle(rows)
    if workspace.latest("dataset", "bank"):
        return labels
    task = workspace.save_task(
        Task(
            slug="bank",
            instruction="Tell what a message to a bank is about.",
            labels=tuple(Label(name=n) for n in labels),
        )
    )
    save_tree(workspace, task, topics=3, subtopics=3)
    examples = [make_example(row["text"], row["label"]) for row in rows]
    unlabelled = [make_example(f"{row['text']} Thanks", None) for row in rows[:UNLABELLED]]
    held_out = {"validation": examples[-VALIDATION:], "test": examples[-3 * VALIDATION : -VALIDATION]}
    for size in sorted({size for sizes in SIZES.values() for size in sizes}):
        first = [one for label in labels for one in [e for e in examples[:900] if e.label == label][:3]]
        train = list(dict.fromkeys([*first, *examples[:900]]))[:size]
        splits = {"train": train, **held_out, "unlabelled": unlabelled}
        save_dataset(workspace, "bank", splits, parent=None, run_key=f"d{size}", made_by="benchmark")
    return labels


def measured(workspace: Workspace, labels: list[str], run: str, job: Job, model: str) -> dict[str, Any]:
    """Run a job and return what was told and what it took."""
    name, arguments = job
    tool = catalogue()[name]
    datasets = {
        f"d{size}": place for place, size in enumerate(sorted({s for sizes in SIZES.values() for s in sizes}), 1)
    }
    ids = {"dataset": f"bank-d{datasets[arguments['dataset']]}"} if "dataset" in arguments else {}
    by = {"model": model} if "model" in tool.request.model_fields else {"task": "bank"}
    if name in ("evaluate", "error_analysis"):
        ids["dataset"] = workspace.artifact(model, "model").parent or ""
    request = tool.request.model_validate({**by, **arguments, **ids})
    context = ToolContext(workspace=workspace, run_key=run, writer=SlowWriter(labels))
    told: list[CostEstimate] = []
    began = [CLOCK.monotonic()]

    def tell(estimate: CostEstimate) -> None:
        told.append(estimate)
        began.append(CLOCK.monotonic())

    result = run_told(tool, request, replace(context), tell)
    usage = getattr(result, "usage", None)
    return {
        "tool": name,
        "what": arguments.get("method") or arguments.get("rows") or "",
        "told": told[0].model_dump(),
        "took": round(CLOCK.monotonic() - began[-1], 3),
        "tokens": usage.tokens_in + usage.tokens_out if usage else 0,
        "cost": usage.cost if usage else 0.0,
        "model": getattr(result, "model", model) if name == "train_classifier" else model,
    }


def error(job: dict[str, Any]) -> float | None:
    """Return by what share of the time taken an estimate was off; None where no time was told."""
    seconds = job["told"]["seconds"]
    return None if seconds is None else abs(seconds - job["took"]) / job["took"]


def table(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the errors by tool, at the first use of something and later."""
    out: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', '')}"
    }
    learnt = [job for job in jobs if error(job) is not None and "guess" not in job["told"]["rests_on"]]
    first = [job for job in jobs if error(job) is not None and "guess" in job["told"]["rests_on"]]
    for name in sorted({job["tool"] for job in jobs}):
        own = [error(job) for job in learnt if job["tool"] == name]
        if own:
            out[name] = {"jobs": len(own), "median error": round(statistics.median(own), 3)}  # type: ignore[type-var]
    every = [error(job) for job in learnt]
    out["all, learnt"] = {
        "jobs": len(learnt),
        "median error": round(statistics.median(every), 3),  # type: ignore[type-var]
        "in the range": round(sum(_in_range(job) for job in learnt) / len(learnt), 3),
    }
    if first:
        off = [abs(math.log(job["told"]["seconds"] / job["took"])) for job in first]
        out["first use, by a guess"] = {
            "jobs": len(first),
            "median error": round(statistics.median(filter(None, map(error, first))), 3),
            "median factor": round(math.exp(statistics.median(off)), 2),
            "in the range": round(sum(_in_range(job) for job in first) / len(first), 3),
        }
    if paid := [job for job in jobs if job["tokens"]]:
        told = [job["told"]["tokens_in"] + job["told"]["tokens_out"] for job in paid]
        tokens = [abs(own - job["tokens"]) / job["tokens"] for own, job in zip(told, paid, strict=True)]
        out["tokens"] = {
            "jobs": len(paid),
            "median error": round(statistics.median(tokens), 3),
            "first": round(tokens[0], 3),
        }
    out["target, median error"] = TARGET
    return out


def _in_range(job: dict[str, Any]) -> bool:
    return bool(job["told"]["seconds_low"] <= job["took"] <= job["told"]["seconds_high"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    parser.add_argument("--work", type=Path, help="a folder in which a stopped run goes on")
    parser.add_argument("--part", choices=PARTS, action="append", help="by default both")
    options = parser.parse_args()
    asyncio.set_event_loop_policy(HastyPolicy())
    meter.time = CLOCK  # type: ignore[assignment]  # the product's goes by the wall
    work = options.work or Path(tempfile.mkdtemp())
    workspace = Workspace(work / "workspace")
    labels = prepared(workspace, Path(options.data))
    for part in options.part or PARTS:
        log = work / f"{part}.jsonl"
        done = logged(log)
        for number, job in enumerate(planned(part)):
            if number >= len(done):
                done.append(measured(workspace, labels, f"{part} {number}", job, done[-1]["model"] if done else ""))
                with log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[-1]) + "\n")
                name, what, told, took = (done[-1][key] for key in ("tool", "what", "told", "took"))
                print(f"{name:22}{what!s:14}{told['seconds']!s:>8} told {took:8.1f} s taken", flush=True)
    jobs = [job for part in PARTS for job in logged(work / f"{part}.jsonl")]
    summary = table(jobs)
    RESULTS.write_text(json.dumps({**summary, "jobs": jobs}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=1))


def logged(log: Path) -> list[dict[str, Any]]:
    """Return the jobs that were run before."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


if __name__ == "__main__":
    main()
