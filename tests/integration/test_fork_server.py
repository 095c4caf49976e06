"""Processes that embed texts are forked from one that has imported the libraries, and are apart all the same."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import psutil
import pytest
from mcp import Client

from classwright_server.jobs import forking
from classwright_server.jobs.forking import CAN_FORK
from classwright_server.jobs.messages import Outcome
from classwright_server.jobs.process import ComputeProcess, JobCancelled
from classwright_tools.catalogue import catalogue
from support.forked import TELLING, WITHOUT_LIBRARIES, Processes
from support.server import LONG, TASK, ServerProcess, call, compute_processes, fork_servers, is_alive, rows, until

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not CAN_FORK, reason="processes are forked on Linux alone")]


@pytest.fixture(scope="module", autouse=True)
def _finds_the_tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let this process import `telling` too, as the server of a tool of one's own does."""
    folder = tmp_path_factory.mktemp("telling")
    (folder / "telling.py").write_text(TELLING)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Processes of these tests alone, with all libraries."""
    made = Processes(tmp_path_factory.mktemp("with_libraries"))
    yield made
    made.warm.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Processes]:
    """Processes of one test, whose fork server has nothing to import."""
    made = Processes(tmp_path, WITHOUT_LIBRARIES)
    yield made
    made.warm.close()


def test_what_a_call_makes_and_names_and_who_writes_says_whether_it_embeds() -> None:
    tools = catalogue()

    def embeds(name: str, arguments: dict[str, Any], *, writes: bool = False) -> bool:
        return tools[name].embeds(arguments, writes=writes)

    making = {"train_classifier", "gan_augment", "annotate_examples"}
    assert {name for name in tools if embeds(name, {})} == making
    assert {name for name in tools if embeds(name, {}, writes=True)} == {*making, "synthesize_examples"}
    for name in ("classify", "evaluate", "error_analysis", "export_model", "find_examples", "prepare_review"):
        assert embeds(name, {"model": "x-m1"})
    assert embeds("find_examples", {"groups": 0})
    assert embeds("find_examples", {"like": "where is my parcel"})
    assert not embeds("find_examples", {"model": None, "dataset": "x-d1", "groups": None, "picture": False})


def test_the_processes_of_two_lanes_are_forked_from_one_that_has_imported(processes: Processes) -> None:
    short, long = processes.told("short"), processes.told("long")
    forked = processes.forked()

    assert set(forked) == {"cw-short", "cw-long"}
    assert {child.pid for child in forked.values()} <= set(compute_processes(os.getpid()))
    assert all(os.getpgid(child.pid) == child.pid for child in forked.values())
    for told in (short, long):
        assert told["parent"] == processes.fork_server()
        assert told["libraries"]
        assert told["collects"]  # garbage, for which nothing was looked through while the libraries were imported
        assert told["threads"] == 2  # what works, and what follows the server
        assert told["descriptors"] == short["descriptors"]  # the second holds none of the first
    assert long["niceness"] == min(short["niceness"] + 10, 19)  # the most, where the tests give way themselves


def test_no_thread_of_a_fork_server_goes_on_after_it_has_forked(processes: Processes) -> None:
    processes.told()
    pid = processes.fork_server()
    tasks = [task for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)]

    assert {(task / "comm").read_text().strip() for task in tasks} <= {"jemalloc_bg_thd"}


def test_what_is_shared_with_the_fork_server_does_not_count_as_memory_of_a_process(processes: Processes) -> None:
    outcome = processes.outcome()

    assert psutil.Process(processes.forked()["cw-short"].pid).memory_info().rss > 200 * 2**20
    assert outcome.memory < 100 * 2**20


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("threading.Thread(target=threading.Event().wait, daemon=True).start()", id="starts a thread"),
        pytest.param("sys.modules['torch'] = None", id="cannot be imported"),
    ],
)
def test_a_library_that_may_not_be_shared_has_processes_started_one_by_one(tmp_path: Path, line: str) -> None:
    alone = Processes(tmp_path, f"{WITHOUT_LIBRARIES}    {line}\n")
    first, second = alone.told(), alone.told()
    kept = [process.is_forked for process in alone.warm._idle]
    alone.warm.close()

    assert (first["parent"], second["parent"]) == (os.getpid(), os.getpid())
    assert kept == [False]


def test_where_nothing_can_be_forked_a_process_is_started_by_itself_and_kept(
    quick: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "CAN_FORK", False)
    told = [quick.told(), quick.told()]

    assert [answer["parent"] for answer in told] == [os.getpid()] * 2
    assert len(quick.warm._idle) == 1


def holds(pid: int, text: bytes) -> bool:
    """Whether a text is in the memory of a process that it may write to, which is where what it was told can be."""
    regions = [line.split()[:2] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for begin, end in (place.split("-") for place, rights in regions if rights.startswith("rw")):
            memory.seek(int(begin, 16))
            if text in memory.read(int(end, 16) - int(begin, 16)):
                return True
    return False


def test_a_forked_process_has_its_own_environment_and_its_fork_server_no_key(quick: Processes) -> None:
    told = {}
    key = secrets.token_hex(32)
    own = {name: value for name, value in quick.environment.items() if name.startswith(("PYTHON", "HF_", "PATH"))}
    for lane, more in (("writing", {"WRITER_KEY": key}), ("short", {}), ("long", {"CUDA_VISIBLE_DEVICES": ""})):
        process = quick.warm.take(lane, own | more, embeds=True)  # type: ignore[arg-type]  # these are lanes
        outcome = process.run(quick.order, lambda _: None, lambda: False, held=(), most_seconds=300)
        quick.warm.give_back(process)
        assert outcome.result is not None, outcome.error
        told[lane] = outcome.result
    running = {"server": quick.fork_server()} | {name: one.pid for name, one in quick.forked().items()}
    holds_key = {name for name, pid in running.items() if holds(pid, key.encode())}

    assert {lane: answer["environment"] for lane, answer in told.items()} == {
        "writing": own | {"WRITER_KEY": key},
        "short": own,
        "long": own | {"CUDA_VISIBLE_DEVICES": ""},
    }
    assert {answer["parent"] for answer in told.values()} == {quick.fork_server()}
    assert not {"WRITER_KEY", "CUDA_VISIBLE_DEVICES"} & set(psutil.Process(quick.fork_server()).environ())
    assert set(running) == {"server", "cw-writing", "cw-short", "cw-long"}
    assert holds_key == {"cw-writing"}


def test_what_libraries_read_when_they_are_imported_has_a_fork_server_of_its_own(quick: Processes) -> None:
    one, other = (quick.told("short", {"OMP_NUM_THREADS": threads}) for threads in ("1", "2"))

    assert (one["environment"]["OMP_NUM_THREADS"], other["environment"]["OMP_NUM_THREADS"]) == ("1", "2")
    assert os.getpid() not in (one["parent"], other["parent"])
    assert one["parent"] != other["parent"]


@pytest.mark.parametrize(
    ("how", "words"),
    [(signal.SIGKILL, "was killed by the system"), (signal.SIGSEGV, "crashed (SIGSEGV)"), (None, "(exit code 3)")],
)
async def test_how_a_forked_process_ended_is_told(quick: Processes, how: signal.Signals | None, words: str) -> None:
    outcomes: list[Outcome] = []

    async def run(**request: Any) -> None:
        outcomes.append(await anyio.to_thread.run_sync(partial(quick.outcome, **request)))

    if how is None:
        await run(exits=3)
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(run, sleeps=True))
            await until(lambda: "cw-short" in quick.forked())
            os.kill(quick.forked()["cw-short"].pid, how)
    again = await quick.told_later()

    assert words in (outcomes[0].error or "")
    assert outcomes[0].defect
    assert again["parent"] == quick.fork_server()


async def test_a_fork_server_that_is_killed_leaves_its_processes_and_has_a_successor(quick: Processes) -> None:
    await quick.told_later()
    first, process = quick.fork_server(), quick.forked()["cw-short"]
    os.kill(first, signal.SIGKILL)
    await until(lambda: not is_alive(first))
    same = await quick.told_later()
    still = [one.pid for one in quick.warm._idle]
    long = await quick.told_later("long")
    quick.warm.close()

    assert same["parent"] not in (first, os.getpid())
    assert still == [process.pid]
    assert long["parent"] not in (first, os.getpid())
    assert not is_alive(process.pid)


async def test_an_order_is_run_without_the_fork_server_that_ends_while_it_imports(quick: Processes) -> None:
    told: list[dict[str, Any]] = []

    async def run() -> None:
        told.append(await quick.told_later())

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await until(lambda: bool(quick.fork_server()))
        os.kill(quick.fork_server(), signal.SIGKILL)

    assert told[0]["parent"] == os.getpid()


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def process_that_waits(quick: Processes) -> ComputeProcess:
    """A process whose fork server still imports."""
    process = quick.warm.take("short", quick.environment, embeds=True)
    [fork_server] = quick.warm._fork_servers._by_environment.values()
    assert not fork_server.is_ready()
    return process


def test_an_order_that_is_cancelled_while_the_libraries_are_imported_is_over_at_once(quick: Processes) -> None:
    process = process_that_waits(quick)
    with pytest.raises(JobCancelled):
        process.run(quick.order, lambda _: None, lambda: True, held=(), most_seconds=300)

    next_one = quick.warm.take("short", quick.environment, embeds=True)
    outcome = next_one.run(quick.order, lambda _: None, lambda: False, held=(), most_seconds=300)
    next_one.kill()

    assert (process.pid, process.is_alive()) == (0, False)
    assert outcome.result is not None
    assert outcome.result["parent"] == quick.fork_server()


def test_a_process_that_is_ended_while_the_libraries_are_imported_never_gets_its_order(quick: Processes) -> None:
    process = process_that_waits(quick)
    process.end()
    outcome = process.run(quick.order, lambda _: None, lambda: False, held=(), most_seconds=300)

    assert "was killed" in (outcome.error or "")
    assert process.pid == 0


async def test_all_that_a_killed_server_has_forked_ends_with_it(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", TASK)
            await call(client, "import_examples", task="support", split="train", rows=rows(24), wait_seconds=LONG)
            before = fork_servers(server.process.pid)
            await call(client, "train_classifier", task="support", method="probe", wait_seconds=LONG)
            [fork_server] = fork_servers(server.process.pid)
            forked = {child.pid for child in fork_server.children()}
            processes = compute_processes(server.process.pid)
            server.kill()
        await until(lambda: not any(is_alive(pid) for pid in (fork_server.pid, *processes)))
        log = server.log()

    assert "Traceback" not in log
    assert before == []  # nothing was imported for what does not embed
    assert forked
    assert forked <= set(processes)


async def test_a_fork_server_ends_once_nothing_has_been_asked_for_long(quick: Processes) -> None:
    quick.warm._keeping_seconds = quick.warm._idle_seconds = 0.05
    await quick.told_later()
    pid = quick.fork_server()

    await until(lambda: not quick.fork_server() and not is_alive(pid))


async def test_what_a_forked_process_has_started_ends_with_it(quick: Processes) -> None:
    outcome = quick.outcome(starts=True)
    assert outcome.result is not None
    os.kill(quick.forked()["cw-short"].pid, signal.SIGKILL)  # it is idle, so the server does not look

    await until(lambda: not is_alive(outcome.result["started"]))  # type: ignore[index]  # see above


async def test_a_process_that_cannot_be_started_does_not_keep_the_fork_server(quick: Processes) -> None:
    await quick.told_later()
    pid = quick.fork_server()
    quick.warm._keeping_seconds = quick.warm._idle_seconds = 0.05
    with no_descriptor_left(), pytest.raises(OSError, match="Too many open files"):
        quick.warm.take("long", quick.environment, embeds=True)

    await until(lambda: not quick.fork_server() and not is_alive(pid))


def test_a_process_that_no_descriptor_is_left_for_is_not_forked() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asked_for = forking.Forked(ours)
    with theirs:
        socket.send_fds(theirs, [b"1"], [theirs.fileno()])
        with no_descriptor_left(), pytest.raises(forking.NoFork):
            asked_for.begins_within(1)
    asked_for.close()

    assert asked_for.pid == 0


def test_a_process_that_cannot_be_named_works_all_the_same(tmp_path: Path) -> None:
    refuses = "    pathlib.Path.write_text = lambda path, _: path.joinpath('none').read_text()\n"
    unnamed = Processes(tmp_path, WITHOUT_LIBRARIES + refuses)
    told = unnamed.told()
    parent = unnamed.fork_server()
    unnamed.warm.close()

    assert told["parent"] == parent


def test_a_fork_server_that_failed_has_a_successor_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    full.touch()
    failing = Processes(tmp_path, f"{WITHOUT_LIBRARIES}    if os.path.exists({str(full)!r}): os._exit(1)\n")
    first = failing.told()
    failed = failing.fork_server()
    full.unlink()
    second = failing.told()
    still = failing.fork_server()
    monkeypatch.setattr(forking, "RETRY_SECONDS", 0)
    third = failing.told()
    successor = failing.fork_server()
    failing.warm.close()

    assert (first["parent"], second["parent"], third["parent"]) == (os.getpid(), os.getpid(), successor)
    assert still == failed != successor


async def test_nothing_is_sent_to_the_id_of_a_forked_process_that_ended_by_itself(
    quick: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = quick.warm.take("short", quick.environment, embeds=True)
    process.run(quick.order, lambda _: None, lambda: False, held=(), most_seconds=300)
    os.kill(process.pid, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(process.pid))  # the fork server has waited for it
    sent: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pid, _how: sent.append(pid))
    process.kill()

    assert process.is_forked
    assert sent == []


@pytest.mark.parametrize("forked", [True, False])
def test_a_process_is_ended_once_however_often_it_is_told_to(
    quick: Processes, monkeypatch: pytest.MonkeyPatch, *, forked: bool
) -> None:
    monkeypatch.setattr(forking, "CAN_FORK", forked)
    process = quick.warm.take("short", quick.environment, embeds=True)
    process.run(quick.order, lambda _: None, lambda: False, held=(), most_seconds=300)
    ended = []
    monkeypatch.setattr(os, "killpg", lambda pid, how: ended.append((pid, how)) or os.kill(pid, how))
    process.end()
    process.kill()

    assert process.is_forked == forked
    assert ended == [(process.pid, signal.SIGKILL)]
