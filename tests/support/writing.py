"""A scripted endpoint on a real socket, a clock that only sleeps on paper, and requests to write."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.writing.backends.rate_limit import Clock

LABELS = (
    Label(name="refund", description="the customer wants money back"),
    Label(name="delivery", description="the customer asks where a parcel is"),
)


def writing_request(subtopic: str = "broken on arrival", **changes: Any) -> WritingRequest:
    """A request for two texts of one cell."""
    fields: dict[str, Any] = {
        "kind": "examples",
        "task": "support",
        "instruction": "Classify a message to a shop's support.",
        "labels": LABELS,
        "languages": ("en",),
        "cell": Cell(label="refund", topic="damaged goods", subtopic=subtopic, source_type="email"),
        "count": 2,
    }
    return WritingRequest(**{**fields, **changes})


def writing_requests(n: int) -> list[WritingRequest]:
    """`n` requests for cells of their own."""
    return [writing_request(f"situation {i}") for i in range(n)]


@dataclass(frozen=True)
class Seen:
    """A request as it reached the endpoint."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def prompt(self) -> str:
        """The user message."""
        return str(self.body["messages"][-1]["content"])

    @property
    def situation(self) -> str:
        """The subtopic that was asked for."""
        return self.prompt.partition('"situation": "')[2].partition('"')[0]


@dataclass(frozen=True)
class Said:
    """What the endpoint does with a request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    then: Literal["answer", "hang", "reset"] = "answer"


def said(content: str | None, finish: str = "stop", tokens: tuple[int, int] | None = (100, 20), **message: Any) -> Said:
    """A chat completion."""
    answer: dict[str, Any] = {"choices": [{"message": {"content": content, **message}, "finish_reason": finish}]}
    if tokens:
        answer["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    return Said(body=json.dumps(answer).encode())


def said_items(*items: str) -> Said:
    """A chat completion as it should be."""
    return said(json.dumps({"items": items}))


def echoed(seen: Seen) -> Said:
    """A good answer whose items say what was asked."""
    return said_items(f"{seen.situation} one", f"{seen.situation} two")


def said_status(status: int, body: str = "upstream says: SECRET-BODY", **headers: str) -> Said:
    """An HTTP error."""
    return Said(status, body.encode(), {name.replace("_", "-"): value for name, value in headers.items()})


HANG = Said(then="hang")
RESET = Said(then="reset")


class ScriptedEndpoint:
    """An HTTP server on a loopback socket that does what its script says, and remembers what it was asked."""

    def __init__(self, script: Callable[[Seen], Said], now: Callable[[], float] = lambda: 0.0) -> None:
        self.seen: list[Seen] = []
        self.arrived = threading.Event()
        self.left = threading.Event()
        self.connections = 0
        """How many are open now."""
        self._script = script
        self._now = now
        self._lock = threading.Lock()
        self._closing = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

            def setup(self) -> None:
                endpoint._connected(1)
                super().setup()

            def finish(self) -> None:
                super().finish()
                endpoint._connected(-1)

            def do_GET(self) -> None:
                endpoint._serve(self, {})

            def do_POST(self) -> None:
                endpoint._serve(self, json.loads(self.rfile.read(int(self.headers["content-length"]))))

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 256

            def handle_error(self, *_: Any) -> None:
                """A client that went away is part of the tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> ScriptedEndpoint:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def chats(self) -> list[Seen]:
        """The requests for completions."""
        return [seen for seen in self.seen if seen.path.endswith("/chat/completions")]

    def _connected(self, change: int) -> None:
        with self._lock:
            self.connections += change

    def _serve(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            seen = Seen(len(self.seen), handler.command, handler.path, headers, body, self._now())
            self.seen.append(seen)
        self.arrived.set()
        answer = self._script(seen)
        if answer.then == "hang":
            self._hang(handler.connection)
            handler.close_connection = True
            return
        if answer.then == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def _hang(self, connection: socket.socket) -> None:
        """Say nothing until the client goes away, or the endpoint closes."""
        connection.settimeout(0.05)
        while not self._closing.is_set():
            try:
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.left.set()


def in_turn(*answers: Said | Callable[[Seen], Said]) -> Callable[[Seen], Said]:
    """A script that gives one answer after the other; the last one again and again."""

    def script(seen: Seen) -> Said:
        answer = answers[min(seen.number, len(answers) - 1)]
        return answer if isinstance(answer, Said) else answer(seen)

    return script


class PaperClock:
    """A clock whose time passes only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.time = 0.0
        self.start = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> float:
        """Seconds since the start."""
        return self.time

    def utc(self) -> datetime:
        """The date that it stands for."""
        return self.start + timedelta(seconds=self.time)

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Let the time pass, from now on: those who sleep at once wake together."""
        return self._until(self.time + max(0.0, seconds))

    async def _until(self, moment: float) -> None:
        self.time = max(self.time, moment)
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        """It, as writers take it."""
        return Clock(self.now, self.utc, self.sleep)


@contextmanager
def dead_port() -> Iterator[int]:
    """A port of this machine where nobody listens and nobody else will."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def make_tiny_model(folder: Path, hidden: int = 16) -> Path:
    """Save a causal language model with random weights, and a tokenizer with a chat template, in `folder`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<s>", "</s>", *alphabet])}
    bytes_ = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_, pad_token="<pad>", bos_token="<s>", eos_token="</s>", model_max_length=8192
    )
    tokenizer.chat_template = (
        "{% for message in messages %}<s>{{ message['role'] }}\n{{ message['content'] }}</s>\n{% endfor %}"
        "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=8192,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_bigram_model(folder: Path, follows: Mapping[str, str]) -> Path:
    """Save a causal language model, made as the tiny one, after whose character comes the one that `follows` names."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    make_tiny_model(folder, hidden=2**9)
    model, tokenizer = LlamaForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):  # a layer that adds nothing
                weight.zero_()
        tokens = model.config.vocab_size
        model.model.embed_tokens.weight.copy_(torch.eye(tokens, model.config.hidden_size))
        model.lm_head.weight.zero_()
        for before, after in follows.items():
            model.lm_head.weight[_token(tokenizer, after), _token(tokenizer, before)] = 100.0
    model.save_pretrained(folder)
    return folder


def _token(tokenizer: Any, character: str) -> int:
    (token,) = tokenizer.encode(character, add_special_tokens=False)
    return int(token)
