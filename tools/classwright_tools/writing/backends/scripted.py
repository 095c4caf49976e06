"""A writer that answers from a Python function, or from a file of texts by label: for tests, without a model."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Literal

from pydantic import TypeAdapter, ValidationError

from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.usage import FREE, Prices, TokenCount
from classwright_tools.domain.writer import Completion, Writer, WritingKind, WritingRequest
from classwright_tools.errors import InvalidInput, WriterFailed
from classwright_tools.writing.backends.settings import Flag, WriterSettings

Script = Callable[[WritingRequest], Completion | Sequence[str]]
_TEXTS = TypeAdapter(dict[str, list[str]])


class ScriptedSettings(WriterSettings):
    """A script that answers in place of a model."""

    kind: Literal["scripted"] = "scripted"
    script: Annotated[str, Flag("scripted", "SCRIPT", "a script in a model's place: FILE.json, or module:function")]

    def open(self, environment: Mapping[str, str]) -> Writer:  # noqa: ARG002 - it needs no key
        """Return the writer that answers by the script.

        Raises:
            InvalidInput: it is no file of texts by label, and no function that can be imported.
        """
        if self.script.endswith(".json"):
            path = Path(self.script)
            return ScriptedWriter(texts_by_label(path), identity=f"scripted {_digest(path)}")
        repair = "Name it as module:function, and its folder in PYTHONPATH."
        try:
            function = resolve_name(self.script)
        except Exception as error:  # it is not there, or whatever its code raises
            reason = f"cannot be imported ({type(error).__name__}: {error})"
            raise InvalidInput(f"script {self.script!r}", reason, repair) from error
        if not callable(function):
            raise InvalidInput(f"script {self.script!r}", "is no function", repair)
        place = getattr(sys.modules.get(function.__module__), "__file__", None)
        return ScriptedWriter(function, identity=f"scripted {self.script} {_digest(Path(place)) if place else ''}")


class ScriptedWriter:
    """Answers a request with what `script` returns or raises. It costs nothing."""

    def __init__(self, script: Script, name: str = "scripted", *, identity: str | None = None) -> None:
        """Answer by `script`, as the writer `name`.

        Scripts of one `identity`, by default the name, are taken to give the same answers.
        """
        self.script = script
        self._name = name
        self._identity = identity or name

    @property
    def name(self) -> str:
        """The name that provenance records."""
        return self._name

    @property
    def identity(self) -> str:
        """All that answers depend on: what is stored under it is not asked for again."""
        return self._identity

    @property
    def prices(self) -> Prices | None:
        """A script costs nothing."""
        return FREE

    def most_tokens(self, request: WritingRequest) -> TokenCount:  # noqa: ARG002 - the same for every request
        """Return (0, 0): no model is asked."""
        return TokenCount(0, 0)

    def prompt_digest(self, kind: WritingKind) -> str:
        """Return the kind: there is no prompt."""
        return kind

    async def check(self) -> str:
        """Return that it is ready."""
        return f"Writer {self.name!r} is ready."

    async def write(self, request: WritingRequest) -> Completion:
        """Return the script's answer.

        Raises:
            WriterFailed: the script raised it.
            InvalidInput: the answer is neither a completion nor a list of texts.
        """
        answer = self.script(request)
        if isinstance(answer, Completion):
            return answer
        if isinstance(answer, str) or not (
            isinstance(answer, Sequence) and all(isinstance(one, str) for one in answer)
        ):
            raise InvalidInput(
                f"script {getattr(self.script, '__name__', self._name)!r}",
                f"returned {shortened(repr(answer), 80)}, which is no list of texts",
                "Return a list of strings, one for each text.",
            )
        return Completion(items=tuple(answer))


def _digest(path: Path) -> str:
    """Return the digest of a script's file: one that was mended is asked anew."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def texts_by_label(path: Path) -> Script:
    """Return a script that gives out the texts of a JSON file, {"label": ["text", ...]}, each once, in their order.

    Topics, subtopics and source types are numbered: no text of the file depends on them.

    Raises:
        InvalidInput: the file cannot be read, or holds something else.
    """
    try:
        texts = {label: iter(of_label) for label, of_label in _TEXTS.validate_json(path.read_bytes()).items()}
    except (OSError, ValidationError) as error:
        raise InvalidInput(
            f"script {path.name!r}", "is no file of texts by label", 'Write it as {"label": ["text", ...]}.'
        ) from error

    def script(request: WritingRequest) -> Sequence[str]:
        if request.kind in ("source_types", "topics", "subtopics"):
            first = len(request.avoid) + 1
            return [f"{request.kind.replace('_', ' ')} {first + number}" for number in range(request.count)]
        label = request.cell.label if request.cell else ""
        given = list(islice(texts.get(label, ()), request.count))
        if not given:
            raise WriterFailed(f"script {path.name!r}", f"has no text left for label {label!r}", "Add more to it.")
        return given

    return script
