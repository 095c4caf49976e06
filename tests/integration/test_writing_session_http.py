"""Writing sessions against endpoints on real sockets: stopping, being killed, endpoints that are down."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from classwright_tools.domain.writer import Completion, WriterUnavailable, WritingRequest
from classwright_tools.errors import Cancelled
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from classwright_tools.writing.completions.session import Answer, WritingSession
from classwright_tools.writing.completions.store import CompletionStore
from support.paths import TESTS
from support.writing import (
    HANG,
    PaperClock,
    Said,
    ScriptedEndpoint,
    Seen,
    echoed,
    in_turn,
    said_status,
    writing_request,
    writing_requests,
)


def run(session: WritingSession, requests: list[WritingRequest]) -> list[Answer]:
    async def collect() -> list[Answer]:
        return [answer async for answer in session.answers(requests)]

    return asyncio.run(collect())


def assert_every_answer_is_its_own(answers: list[Answer], requests: list[WritingRequest]) -> None:
    assert len(answers) == len(requests)
    for answer in answers:
        assert answer.request.cell is not None
        assert answer.completion is not None
        assert answer.completion.items[0] == f"{answer.request.cell.subtopic} one"


def test_a_session_of_many_requests_gives_each_its_own_answer(workspace: Workspace) -> None:
    requests = writing_requests(200)
    with ScriptedEndpoint(echoed) as one, ScriptedEndpoint(echoed) as other:
        session = WritingSession(EndpointWriter([one.url, other.url], "tiny"), CompletionStore(workspace.engine))
        answers = run(session, requests)

    assert_every_answer_is_its_own(answers, requests)
    assert len(one.chats) + len(other.chats) == 200
    assert session.usage.tokens_in == 200 * 100


def test_cancelling_stops_the_requests_under_way(workspace: Workspace) -> None:
    with ScriptedEndpoint(in_turn(HANG)) as endpoint:
        session = WritingSession(
            EndpointWriter([endpoint.url], "tiny"),
            CompletionStore(workspace.engine),
            is_cancelled=endpoint.arrived.is_set,
        )
        with pytest.raises(Cancelled):
            run(session, writing_requests(3))

        assert endpoint.left.wait(60)


def test_a_session_whose_endpoints_are_all_down_stops_early_with_one_failure(workspace: Workspace) -> None:
    with ScriptedEndpoint(in_turn(said_status(503))) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny", clock=PaperClock().clock)
        session = WritingSession(writer, CompletionStore(workspace.engine))
        answers = run(session, writing_requests(500))

    assert len(answers) == 500
    assert {id(answer.failure) for answer in answers} == {id(session.stopped)}
    assert isinstance(session.stopped, WriterUnavailable)
    assert len(endpoint.chats) < 40


def test_a_request_that_fails_is_answered_with_its_failure_and_the_others_go_on(workspace: Workspace) -> None:
    def script(seen: Seen) -> Said:
        return said_status(400) if seen.situation == "situation 7" else echoed(seen)

    with ScriptedEndpoint(script) as endpoint:
        session = WritingSession(EndpointWriter([endpoint.url], "tiny"), CompletionStore(workspace.engine))
        answers = run(session, writing_requests(20))

    failed = [answer for answer in answers if answer.failure]
    assert [answer.request for answer in failed] == [writing_request("situation 7")]
    assert "HTTP 400" in str(failed[0].failure)
    assert session.stopped is None


def test_one_writer_serves_sessions_in_several_threads(workspace: Workspace) -> None:
    requests = writing_requests(60)
    with ScriptedEndpoint(echoed) as endpoint:
        writer = EndpointWriter([endpoint.url], "tiny")

        def part(i: int) -> list[Answer]:
            return run(WritingSession(writer, CompletionStore(workspace.engine)), requests[i::3])

        with ThreadPoolExecutor(3) as threads:
            answers = [answer for answers in threads.map(part, range(3)) for answer in answers]

    assert_every_answer_is_its_own(answers, requests)


KILLED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.writing import writing_requests
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from classwright_tools.writing.completions.session import WritingSession
from classwright_tools.writing.completions.store import CompletionStore

async def main():
    session = WritingSession(EndpointWriter([{url!r}], "tiny"), CompletionStore(Workspace(Path({root!r})).engine))
    async for answer in session.answers(writing_requests({n})):
        print(answer.request.cell.subtopic, flush=True)

asyncio.run(main())
"""


def test_a_killed_session_never_asks_again_for_what_was_stored(tmp_path: Path) -> None:
    n = 60
    root = tmp_path / "workspace"
    held = threading.Event()

    def script(seen: Seen) -> Said:
        if len(endpoint.chats) > 25:  # the rest is under way when the kill comes
            held.wait(20)
        return echoed(seen)

    with ScriptedEndpoint(script) as endpoint:
        code = KILLED.format(tests=str(TESTS), url=endpoint.url, root=str(root), n=n)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
        assert process.stdout is not None
        printed = {process.stdout.readline().strip() for _ in range(20)}
        process.send_signal(signal.SIGKILL)
        process.wait()
        held.set()
    with ScriptedEndpoint(echoed) as another:  # what the killed process had sent may reach the first one late
        writer = EndpointWriter([another.url], "tiny")
        store = CompletionStore(Workspace(root).engine)
        requests = writing_requests(n)
        stored = store.stored([request.key(writer.identity) for request in requests])
        session = WritingSession(writer, store)
        answers = run(session, requests)

    assert_every_answer_is_its_own(answers, requests)
    asked_again = Counter(seen.situation for seen in another.chats)
    assert len(printed) == 20
    assert not printed & set(asked_again)
    assert session.usage.completions_reused == len(stored) >= 20
    assert sum(asked_again.values()) == n - len(stored)


STORING = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.writing import writing_requests
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.completions.store import CompletionStore
from classwright_tools.domain.writer import Completion

store = CompletionStore(Workspace(Path({root!r})).engine)
sys.stdin.readline()
for request in writing_requests(100):
    store.put(request.key("w"), request, Completion(items=("from " + sys.argv[1],)))
"""


def test_several_processes_store_the_same_keys_and_the_first_answer_stays(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    store = CompletionStore(Workspace(root).engine)
    code = STORING.format(tests=str(TESTS), root=str(root))
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(i)], stdin=subprocess.PIPE, text=True) for i in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in processes] == [0, 0, 0]

    keys = [request.key("w") for request in writing_requests(100)]
    first = [store.get(key) for key in keys]
    for key, request in zip(keys, writing_requests(100), strict=True):
        store.put(key, request, Completion(items=("late",)))

    assert all(completion is not None for completion in first)
    assert [store.get(key) for key in keys] == first
