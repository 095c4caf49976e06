"""A writer that asks a program: the prompt goes to its standard input, the answer comes from its standard output."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from typing import Annotated, Literal

import anyio

from classwright_tools.domain.usage import FREE, Prices, TokenCount
from classwright_tools.domain.writer import Completion, Writer, WriterUnavailable, WritingKind, WritingRequest
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.backends.settings import Flag, WriterSettings
from classwright_tools.writing.completions.retry import MOST_ASKS, Reply, ask_until_usable
from classwright_tools.writing.prompts import render


class CommandSettings(WriterSettings):
    """A program, such as `ollama run llama3.2`, and the variable with the key that it needs, if any."""

    kind: Literal["command"] = "command"
    command: Annotated[str, Flag("writer_command", "COMMAND", "a program that reads a prompt and prints the answer")]
    command_key: Annotated[str | None, Flag("writer_command_key", "NAME", "the variable of its key")] = None

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variable that the program reads its key from; a process inherits it where texts are written."""
        return (self.command_key,) if self.command_key else ()

    def open(self, environment: Mapping[str, str]) -> Writer:  # noqa: ARG002 - the program reads its key itself
        """Return the writer that asks the program."""
        return CommandWriter(self.command)


class CommandWriter:
    """Runs the program once a request."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)
        self._subject = f"program {self._words[0]!r}"

    @property
    def name(self) -> str:
        """The command, which is what each row names as its writer."""
        return " ".join(self._words)[:200]

    @property
    def identity(self) -> str:
        """All that answers depend on: an answer that is stored under it is not asked for again."""
        return f"command {self.name} prompts {render.prompts_digest()}"

    @property
    def prices(self) -> Prices | None:
        """What a million tokens cost; None where that is not known, and a call cannot cap its cost."""
        return FREE

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        """Return what answering may take at most: a call that caps its tokens does not begin what may not fit."""
        once = render.most_tokens(request)
        return TokenCount(MOST_ASKS * once.tokens_in, MOST_ASKS * once.tokens_out)

    def prompt_digest(self, kind: WritingKind) -> str:
        """Return the digest of the prompt, which each row names."""
        return render.prompt_digest(kind)

    async def check(self) -> str:
        """Return in a sentence that the program is there."""
        if shutil.which(self._words[0]) is None:
            raise WriterUnavailable(self._subject, "is not on the PATH", "Install it, or name its path.")
        return f"Program {self._words[0]!r} is there."

    async def write(self, request: WritingRequest) -> Completion:
        """Ask for `request`, again if nothing in the answer can be used."""
        prompt = "\n\n".join(message["content"] for message in render.chat_messages(request))

        async def ask(_turn: int) -> Reply:
            try:
                done = await anyio.run_process(self._words, input=prompt.encode(), check=False)
            except OSError as error:  # nothing else can be asked either: the run stops here
                raise WriterUnavailable(self._subject, f"cannot be run ({error})", "Install it.") from error
            if done.returncode:
                told = done.stderr.decode(errors="replace").strip()[-200:]
                raise WriterFailed(self._subject, f"failed: {told}", "Run it by hand with a prompt.")
            return Reply(done.stdout.decode(errors="replace"), "stop", TokenCount(0, 0))

        return await ask_until_usable(self._subject, request.kind, ask)
