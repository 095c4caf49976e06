"""Writers on real models: `transformers serve` in a process of its own, and a model in this process.

The model is tiny and random, so what it writes is garbage. That is the point: the garbage must be counted, reported and
never taken for texts.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from classwright_tools.domain.writer import UnusableAnswer, Writer, WriterUnavailable, WritingRequest
from classwright_tools.errors import WriterFailed
from classwright_tools.learning.torch_state import one_thread
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.local import LocalWriter
from classwright_tools.writing.backends.local_generation import LOOK_EVERY, _end_tokens, _reply
from classwright_tools.writing.backends.openai_compatible import EndpointWriter
from classwright_tools.writing.completions.parsing.answer import CUT_OFF, REPEATED
from classwright_tools.writing.completions.retry import MOST_ASKS
from classwright_tools.writing.completions.session import Answer, WritingSession
from classwright_tools.writing.completions.store import CompletionStore
from classwright_tools.writing.prompts.render import most_tokens_out
from support.writing import dead_port, make_bigram_model, make_tiny_model, writing_request

SMALL = {"kind": "topics", "count": 1}


@pytest.fixture(scope="module", autouse=True)
def _on_one_thread() -> Iterator[None]:
    """A model this small is slower on several threads, above all beside other work."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def served(tiny_model: Path) -> Iterator[str]:
    """The base URL of a real `transformers serve` with the tiny model."""
    with dead_port() as port:
        pass
    command = [Path(sys.executable).with_name("transformers"), "serve", str(tiny_model), "--port", str(port)]
    process = subprocess.Popen(
        [*map(str, command), "--host", "127.0.0.1", "--device", "cpu"],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process)
        yield f"{url}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    with closing(httpx.Client(trust_env=False)) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(f"{url}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)  # a process that starts has no event to wait for
    pytest.fail(f"transformers serve did not start (exit status {process.poll()})")


async def collect(session: WritingSession, requests: list[WritingRequest]) -> list[Answer]:
    return [answer async for answer in session.answers(requests)]


def assert_garbage_is_honestly_reported(writer: Writer, workspace: Workspace) -> None:
    """Ask for a few small things and check that each is an answer or a failure, and is paid for."""
    requests = [writing_request(f"situation {i}", **SMALL) for i in range(3)]
    session = WritingSession(writer, CompletionStore(workspace.engine))

    answers = asyncio.run(collect(session, requests))

    assert {answer.request for answer in answers} == set(requests)
    for answer in answers:
        if answer.completion is None:
            assert isinstance(answer.failure, UnusableAnswer)
            assert "nothing usable in 3 answers" in answer.failure.reason
            assert sum(answer.failure.tokens) > 0
    usage = session.usage
    assert usage.requests == len(requests)
    assert usage.tokens_in > 1000
    assert usage.tokens_out > 0
    assert usage.tokens_in < 4 * usage.estimated_tokens  # a tokenizer of single bytes is beyond any estimate


def test_a_real_server_is_found_by_the_check_and_its_garbage_is_told(served: str, tiny_model: Path) -> None:
    with pytest.raises(WriterFailed, match=r"answers, but does not write: 127\.0\.0\.1:\d+ gave nothing usable"):
        asyncio.run(EndpointWriter([served], str(tiny_model)).check())


def test_the_garbage_of_a_real_server_is_counted_and_reported(
    served: str, tiny_model: Path, workspace: Workspace
) -> None:
    assert_garbage_is_honestly_reported(EndpointWriter([served], str(tiny_model)), workspace)


def test_a_model_that_a_real_server_does_not_have_is_named_by_the_check(served: str) -> None:
    with pytest.raises(WriterFailed, match="'absent'"):
        asyncio.run(EndpointWriter([served], "absent").check())


def test_tokens_to_think_come_on_top_of_what_a_local_answer_takes(tiny_model: Path) -> None:
    plain, thinking = (LocalWriter(tiny_model, thinking_tokens=tokens) for tokens in (0, 100))
    request = writing_request(**SMALL)

    assert thinking.most_tokens(request).tokens_out == plain.most_tokens(request).tokens_out + MOST_ASKS * 100
    assert thinking.identity != plain.identity


def test_the_garbage_of_a_local_model_is_counted_and_reported(tiny_model: Path, workspace: Workspace) -> None:
    assert_garbage_is_honestly_reported(LocalWriter(tiny_model), workspace)


def test_a_local_model_answers_the_same_request_alike_and_leaves_the_random_state_alone(tiny_model: Path) -> None:
    import torch

    def failure() -> UnusableAnswer:
        with pytest.raises(UnusableAnswer) as caught:
            asyncio.run(LocalWriter(tiny_model).write(writing_request(**SMALL)))
        return caught.value

    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, second = failure(), failure()

    assert first.tokens == second.tokens
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_local_model_that_repeats_itself_is_stopped_long_before_its_token_limit(tmp_path: Path) -> None:
    """Its answer is opened for it, so that even a model that knows no form gives a list."""
    looping = make_bigram_model(tmp_path / "looping", {'"': ",", ",": " ", " ": '"'})
    thinking = LocalWriter(looping, thinking_tokens=40)
    request = writing_request(**SMALL)

    completion = asyncio.run(LocalWriter(looping).write(request))
    with pytest.raises(UnusableAnswer) as free:
        asyncio.run(thinking.write(request))

    assert completion.items == (", ",)
    assert completion.lost == (REPEATED, CUT_OFF)
    assert completion.tokens_out == LOOK_EVERY < most_tokens_out(request)
    assert free.value.tokens.tokens_out > MOST_ASKS * LOOK_EVERY  # what is thought is not looked at


def test_a_row_that_ends_early_in_a_batch_is_not_cut_off(tiny_model: Path) -> None:
    """Models end with tokens that their tokenizer does not name, and rows that end early are padded."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(tiny_model), AutoModelForCausalLM.from_pretrained(tiny_model)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, 9]
    ends = _end_tokens(model, tokenizer)

    ended = _reply(tokenizer, [5, 6, 9, 0, 0], tokens_in=3, limit=5, ends=ends, opening="")
    stopped = _reply(tokenizer, [5, 6, 7, 0, 0], tokens_in=3, limit=5, ends=ends, opening="")
    running = _reply(tokenizer, [5, 6, 7, 8, 5], tokens_in=3, limit=5, ends=ends, opening="")

    assert [(reply.finish_reason, reply.tokens.tokens_out) for reply in (ended, stopped, running)] == [
        ("stop", 3),
        ("stop", 4),
        ("length", 5),
    ]


def test_a_prompt_beyond_the_local_models_context_fails_alone(tiny_model: Path) -> None:
    long = writing_request(**SMALL, avoid=("x" * 200,) * 60)

    async def run() -> list[object]:
        writer = LocalWriter(tiny_model)
        short = writing_request(**SMALL)
        return await asyncio.gather(writer.write(short), writer.write(long), return_exceptions=True)

    short, failed = asyncio.run(run())

    assert not isinstance(short, WriterFailed) or isinstance(short, UnusableAnswer)
    assert isinstance(failed, WriterFailed)
    assert "takes 8192 tokens" in failed.reason


def test_a_folder_without_a_model_is_no_writer(tmp_path: Path) -> None:
    with pytest.raises(WriterUnavailable, match="cannot be loaded") as caught:
        asyncio.run(LocalWriter(tmp_path).write(writing_request(**SMALL)))

    assert str(tmp_path.parent) not in str(caught.value)


def test_cancelling_a_local_model_stops_its_generation(tiny_model: Path) -> None:
    async def run() -> float:
        writer = LocalWriter(tiny_model)
        with pytest.raises(UnusableAnswer):
            await writer.write(writing_request(**SMALL))  # loads the model
        loop = asyncio.get_running_loop()
        long = asyncio.create_task(writer.write(writing_request(count=20)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        start = loop.time()
        with pytest.raises(UnusableAnswer):  # waits for its turn, which comes when the other one has stopped
            await writer.write(writing_request("another", **SMALL))
        return loop.time() - start

    assert asyncio.run(run()) < 5
