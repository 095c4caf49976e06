"""The zero-data benchmark as it is run: on real test rows, by recordings or an endpoint, stopped and started again."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from classwright_tools.domain.writer import WritingRequest
from classwright_tools.writing.prompts.render import chat_messages
from support.banking import COMPLETIONS, part_of_banking12
from support.paths import ROOT
from support.server import until
from support.writing import RESET, Said, ScriptedEndpoint, Seen, said_items
from support.writing_verbs import sentence

sys.path.append(str(ROOT / "benchmarks"))
from zero_data import main

LABELS = ("card_arrival", "card_delivery_estimate", "lost_or_stolen_card", "compromised_card")
ROWS = 48 * len(LABELS)
TEST_ROWS = 30  # of each
LIMIT_SECONDS = 600


def options(sets: Path, work: Path, *more: str) -> list[str]:
    """The command line of the benchmark on the set in `sets`, without its program."""
    return ["benchmarks/zero_data.py", "--sets", str(sets), "--work", str(work), "--rounds", "2", "--quick", *more]


def run_again(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """Run the benchmark in this process, which has imported what a new one imports for seconds."""
    monkeypatch.setattr(sys, "argv", command)
    main()


TASK = """
instruction: Classify a message to a shop's support.
labels: {refund: the customer wants money back, delivery: the customer asks where a parcel is}
source_types: [email, chat message]
topics_per_label: 2
subtopics_per_topic: 2
"""
ASKS = {"refund": "please give me my money back", "delivery": "when will my parcel be delivered"}
TOKENS = 100 + 20  # of an answer of the scripted endpoint


class Shop:
    """A set of messages to a shop, and an endpoint that writes such messages, and from some answer on does not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers = 0
        self.last_answer: float = 0
        self.reached = threading.Event()
        folder.mkdir()
        (folder / "task.yaml").write_text(TASK, encoding="utf-8")
        rows = [{"text": f"{ask}, {sentence(n)}", "label": label} for n in range(9) for label, ask in ASKS.items()]
        (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def answer(self, seen: Seen) -> Said:
        """Write what is asked for, or nothing where the endpoint is to be gone."""
        if self.answers >= self.last_answer:
            self.reached.set()
            return RESET
        self.answers += 1
        wanted = int(seen.prompt.split()[1])
        number = int.from_bytes(seen.prompt.encode(), "big") % 1_000_003
        if not seen.prompt.startswith("Write"):
            return said_items(*(f"case {number + place}" for place in range(wanted)))
        asked = seen.prompt.partition('"label": {"name": "')[2].partition('"')[0]
        return said_items(*(f"{sentence(number * 50 + place)}: {ASKS[asked]}" for place in range(wanted)))

    def command(self, work: Path, url: str) -> list[str]:
        """The command line of the benchmark on the set with the endpoint at `url`."""
        writer = ("--writer-url", url, "--writer-model", "scripted", "--prices", "1", "1")
        return options(self.folder, work, "--rows", "32", "--rows-a-round", "8", *writer)


def paid_prompts(work: Path) -> set[str]:
    """Return the prompts whose answers are in the store, read as it lies on the disk."""
    (index,) = work.glob("*/index.sqlite")
    with closing(sqlite3.connect(index)) as connection:
        stored = [json.loads(request) for (request,) in connection.execute("SELECT request FROM completions")]
    return {chat_messages(WritingRequest.model_validate(request))[-1]["content"] for request in stored}


def runs_of(work: Path) -> list[dict[str, Any]]:
    """Return the runs that were measured."""
    runs: list[dict[str, Any]] = json.loads((work / "quick" / "s4.json").read_text(encoding="utf-8"))["runs"]
    return runs


@pytest.mark.timeout(2 * LIMIT_SECONDS)
def test_it_measures_both_ways_on_real_rows_and_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, work = tmp_path / "cards", tmp_path / "work"
    data.mkdir()
    task = part_of_banking12(data, LABELS, test=TEST_ROWS)
    (data / "task.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    command = options(data, work, "--rows", str(ROWS), "--rows-a-round", "200", "--recorded", *COMPLETIONS)
    first = subprocess.run(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS, check=True
    ).stdout
    measured = {(run["key"]["way"], run["key"]["round"]): run["figures"] for run in runs_of(work)}
    later = runs_of(work)[:-1]  # as if it had been stopped before the last figure
    (work / "quick" / "s4.json").write_text(json.dumps({"runs": later}), encoding="utf-8")
    run_again(monkeypatch, command)
    second = capsys.readouterr().out

    assert set(measured) == {("plain recipe", 0), ("classwright", 0), ("classwright", 1)}
    assert all(figures["test_rows"] == TEST_ROWS * len(LABELS) for figures in measured.values())
    assert measured["plain recipe", 0]["training_rows"] == ROWS
    assert measured["classwright", 1]["training_rows"] > ROWS
    assert measured["classwright", 1]["accuracy"] > measured["classwright", 0]["accuracy"] > 0.7
    assert 0 < measured["classwright", 0]["written_similarity"] < 1
    again = {(run["key"]["way"], run["key"]["round"]): run["figures"] for run in runs_of(work)}
    assert again == measured
    assert second.count('"seed": 0') == 1  # only what was missing was measured
    assert first.split("## S4")[1] == second.split("## S4")[1]


@pytest.mark.timeout(2 * LIMIT_SECONDS)
def test_with_an_endpoint_it_runs_unattended_and_pays_for_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    shop = Shop(tmp_path / "shop")
    with ScriptedEndpoint(shop.answer) as endpoint:
        shop.last_answer = 9  # gone while the plain recipe's texts are written
        with pytest.raises(SystemExit, match="not finished: shop"):
            run_again(monkeypatch, shop.command(work, endpoint.url))
        assert not (work / "quick" / "s4.json").exists()  # a part of the rows is never taken for all of them

        before = len(endpoint.chats)
        paid = paid_prompts(work)
        shop.last_answer, shop.reached = shop.answers + 4, threading.Event()
        second = subprocess.Popen([sys.executable, *shop.command(work, endpoint.url)], cwd=ROOT)
        assert shop.reached.wait(LIMIT_SECONDS)
        # Several requests are on their way at once: one may be refused before the answer of another is stored.
        asyncio.run(until(lambda: len(paid_prompts(work)) == shop.answers))
        second.kill()
        second.wait()
        assert not paid & {seen.prompt for seen in endpoint.chats[before:]}

    paid = paid_prompts(work)
    assert len(paid) == 13
    shop.last_answer = float("inf")
    with ScriptedEndpoint(shop.answer) as another:  # what the killed process had sent may reach the first one late
        capsys.readouterr()
        run_again(monkeypatch, shop.command(work, another.url))
        asked_again = Counter(seen.prompt for seen in another.chats)

    assert not paid & asked_again.keys()
    assert set(asked_again.values()) == {1}
    found = {(run["key"]["way"], run["key"]["round"]): run["figures"] for run in runs_of(work)}
    # A second round only where the first one leaves errors to write against.
    assert set(found) - {("classwright", 1)} == {("plain recipe", 0), ("classwright", 0)}
    assert found["plain recipe", 0]["training_rows"] == found["classwright", 0]["training_rows"] == 32
    assert all(figures["accuracy"] > 0.8 for figures in found.values())
    plain, *rounds = (found[way]["tokens"] for way in sorted(found, reverse=True))
    assert max(rounds) == TOKENS * len(paid_prompts(work))  # also what was paid for before the run was killed
    assert plain <= min(rounds)
    assert re.search("(over|equals) the plain recipe", capsys.readouterr().out)
