"""The agent against a real server over stdio: a whole build, interrupted ones, and what it says when things fail.

The task is a part of the banking12 example: three labels, the recorded writer, frozen embeddings of a shallow encoder.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from classwright_agents.cli import main
from support.banking import COMPLETIONS, part_of_banking12

LABELS = ("card_arrival", "lost_or_stolen_card", "compromised_card")
DEADLINE = 280
TOKEN, WRONG_TOKEN = "right" * 5, "wrong" * 5
LOOK_SECONDS = 0.02


def write_task(folder: Path, *flags: str, **changes: Any) -> Path:
    """Write a task file with three of the example's labels, and 10 validation and 20 test rows of each.

    Its server has the `flags`. Nothing is fine-tuned at the end, as in the demo: a build that is killed three times
    would do that over and over.
    """
    task = part_of_banking12(folder, LABELS, validation=10, test=20)
    del task["final_method"]
    command = ["classwright", "serve", "--workspace", "{workspace}", *flags, "--recorded", *COMPLETIONS]
    task |= {
        "task": "cards",
        "topics_per_label": 2,
        "method": "probe",
        "target": {"accuracy": 1.0},
        "rows_per_round": 40,
        "server": {"command": command},
    }
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump(task | changes), encoding="utf-8")
    return path


def command(task: Path, *more: str) -> list[str]:
    runs = str(task.parent / "runs")
    return [sys.executable, "-m", "classwright_agents.cli", "build", str(task), "--runs", runs, "--plain", *more]


def build(task: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(task, *more), capture_output=True, text=True, timeout=DEADLINE, check=False)


def failed(capsys: pytest.CaptureFixture[str], task: Path, *more: str) -> str:
    """Build in this process, which ends with an error before a text is written; return what is said of it."""
    assert main(command(task, *more)[3:]) == 1
    return capsys.readouterr().err


def only_run(task: Path) -> Path:
    (run,) = (task.parent / "runs").iterdir()
    return run


def events(run: Path) -> list[dict[str, Any]]:
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def figures(run: Path) -> dict[str, Any]:
    """Return the summary without what may differ between two runs: times, and how often something was reused."""
    told: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    del told["seconds"], told["embedding"], told["writer"]["completions_reused"]
    return told


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory, shallow: str) -> subprocess.CompletedProcess[str]:
    """What a build that nothing interrupted printed with --json."""
    done = build(write_task(tmp_path_factory.mktemp("finished"), "--encoder", shallow), "--json")
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def finished(printed: subprocess.CompletedProcess[str]) -> Path:
    """The folder of that run."""
    return Path(json.loads(printed.stdout)["folder"])


def test_the_summary_alone_is_printed_as_json_and_the_progress_beside_it(
    printed: subprocess.CompletedProcess[str], finished: Path
) -> None:
    summary = json.loads((finished / "summary.json").read_text(encoding="utf-8"))

    assert json.loads(printed.stdout) == {"folder": str(finished), **summary}
    assert "round 0" in printed.stderr


def test_a_build_leaves_everything_in_its_run_folder(finished: Path) -> None:
    told = json.loads((finished / "summary.json").read_text(encoding="utf-8"))

    assert told["real_training_rows"] == 0
    assert [r["round"] for r in told["rounds"]] == [0, 1]
    assert told["rounds"][1]["rows"] > told["rounds"][0]["rows"]
    assert told["best"]["test"]["rows"] == 60
    assert told["best"]["test"]["accuracy"] > 0.6
    assert {"report.html", "card.md", "model", "dataset", "task.yaml"} <= {path.name for path in finished.iterdir()}
    assert (finished / "model" / "model.onnx").stat().st_size > 1_000_000
    assert (finished / "dataset" / "train.parquet").exists()
    page = (finished / "report.html").read_text(encoding="utf-8")
    for part in ("curve", "confusions", "classes", "map", "written", "use", "cost"):
        assert f'id="{part}"' in page
    assert 'src="data:image/svg+xml' in page


def test_the_best_model_is_of_the_last_round_that_led_and_tested_once(finished: Path) -> None:
    told = json.loads((finished / "summary.json").read_text(encoding="utf-8"))
    calls = [event for event in events(finished) if event["event"] == "call"]
    tests = [call for call in calls if call["arguments"].get("split") == "test" and call["tool"] == "evaluate"]

    best = next(r for r in told["rounds"] if r["model"] == told["best"]["model"])
    later = [r for r in told["rounds"] if r["round"] > best["round"]]
    kept = ("gain", "undecided")
    assert best["round"] == 0 or best["gain"]["verdict"] in kept
    assert not any(r["gain"]["verdict"] in kept for r in later)
    last = told["rounds"][-1]["gain"]
    assert (told["stopped"]["cause"] == "no_gain") == (last is not None and last["verdict"] != "gain")
    assert [call["arguments"]["model"] for call in tests] == [best["model"]]
    last_decision = max(n for n, event in enumerate(events(finished)) if event["event"] == "decision")
    assert last_decision < events(finished).index(tests[0])


def test_no_real_row_reaches_the_training_calls(finished: Path) -> None:
    results = [event["result"] for event in events(finished) if event["event"] == "result"]

    assert {r["real_training_rows"] for r in results if "real_training_rows" in r} == {0}


def test_what_the_topics_took_is_in_the_summary(finished: Path) -> None:
    told = json.loads((finished / "summary.json").read_text(encoding="utf-8"))
    results = [event["result"] for event in events(finished) if event["event"] == "result"]
    requests = {True: 0, False: 0}
    for result in results:
        requests["topic_tree" in result] += (result.get("usage") or {"requests": 0})["requests"]

    assert requests[True] > 3
    assert told["writer"]["requests"] == sum(requests.values())


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def interrupt(task: Path, whom: str, how: signal.Signals, after: int, *more: str) -> subprocess.Popen[str]:
    """Start or resume the build, and send a signal once the journal has `after` lines, one of them at least its own."""

    def lines() -> int:
        return sum(path.read_bytes().count(b"\n") for path in (task.parent / "runs").glob("*/journal.jsonl"))

    enough = max(after, lines() + 1)  # a process that is still starting would not know what to do with a signal
    process = subprocess.Popen(
        command(task, *more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell started in the background, such as these tests, has SIGINT ignored for good.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        if lines() >= enough:
            (process if whom == "agent" else _Process(children(process.pid)[0])).send_signal(how)
            break
        time.sleep(LOOK_SECONDS)  # the journal is the only sign of how far another process is
    process.wait(timeout=200)
    return process


class _Process:
    def __init__(self, pid: int) -> None:
        self._pid = pid

    def send_signal(self, how: signal.Signals) -> None:
        subprocess.run(["kill", f"-{how.value}", str(self._pid)], check=True)


@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the server among the agent's children in /proc")
def test_a_build_that_lacked_a_writer_and_is_killed_again_and_again_ends_with_the_same_figures(
    finished: Path, tmp_path: Path, shallow: str, capsys: pytest.CaptureFixture[str]
) -> None:
    task = write_task(tmp_path, "--encoder", shallow)
    lacks = failed(capsys, task, "--command", "classwright serve --workspace {workspace}")
    for said in ("no language model to write with", "--writer-url", "--resume"):
        assert said in lacks

    whole = len(events(finished))
    moments = sorted(random.Random(7).sample(range(2, whole - 2), 3))
    kinds = [("agent", signal.SIGKILL), ("agent", signal.SIGINT), ("server", signal.SIGKILL)]
    for after, (whom, how) in zip(moments, kinds, strict=True):
        ended = interrupt(task, whom, how, after, "--resume", "latest")
        said = ended.stderr.read() if ended.stderr else ""
        if how == signal.SIGINT:
            assert ended.returncode == 130
        if whom == "server":
            assert ended.returncode == 1
        if how == signal.SIGINT or whom == "server":
            assert f"--resume {only_run(task).name}" in said
            assert "Traceback" not in said

    assert main(command(task, "--resume", "latest")[3:]) == 0
    assert figures(only_run(task)) == figures(finished)
    results = Counter(event["step"] for event in events(only_run(task)) if event["event"] == "result")
    assert set(results.values()) == {1}


def test_a_finished_run_is_not_resumed(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is finished" in failed(capsys, finished.parent.parent / "task.yaml", "--resume", finished.name)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--command", "no-such-program-here"), "is not installed"),
        (("--command", f"{sys.executable} -c pass"), "does not answer"),
        (("--server", "http://127.0.0.1:9/mcp"), "does not answer"),
        (("--server", "nonsense"), "cannot be used"),
    ],
)
def test_a_server_that_is_not_there_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], reason: str
) -> None:
    said = failed(capsys, write_task(tmp_path), *more)

    assert reason in said.splitlines()[-1]
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server over HTTP that wants a token and has no writer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = str(tmp_path_factory.mktemp("remote"))
    serve = [sys.executable, "-m", "classwright_server.cli", "serve", "--http", "--port", str(port)]
    server = subprocess.Popen(
        [*serve, "--workspace", folder, "--token-env", "TEST_TOKEN"],
        env=os.environ | {"TEST_TOKEN": TOKEN},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(LOOK_SECONDS)  # until the other process listens
    yield f"http://127.0.0.1:{port}/mcp"
    server.terminate()
    server.wait(timeout=30)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (TOKEN, "no language model to write with"),  # it connected, and called a tool
        (WRONG_TOKEN, "does not take the token in environment variable 'TEST_TOKEN' (HTTP 401)"),
        ("", "'TEST_TOKEN': is not set"),
        (f"{TOKEN}\n", "'TEST_TOKEN': holds characters that are in no key or token"),
    ],
)
def test_a_remote_server_is_reached_with_its_token(
    remote: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str,
    said: str,
) -> None:
    monkeypatch.setenv("TEST_TOKEN", token)
    task = write_task(tmp_path, server={"url": remote, "token_env": "TEST_TOKEN"})

    told = failed(capsys, task)

    assert said in told
    assert WRONG_TOKEN not in told
    assert "Traceback" not in told


def test_a_row_without_one_of_the_tasks_labels_is_told_before_a_run_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = write_task(tmp_path)
    (tmp_path / "test.jsonl").write_text('{"text": "hello there", "label": "greeting"}\n', encoding="utf-8")

    said = failed(capsys, task)

    assert "file 'test.jsonl', line 1: has the label 'greeting'" in said
    assert "Traceback" not in said
    assert not (tmp_path / "runs").exists()
