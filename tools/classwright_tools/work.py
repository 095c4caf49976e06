"""The work of a call, judged from its request before it starts, so that short work never waits behind long work.

What is fine-tuned, or reads more text than an encoder gets through in a minute or two, is long. What is named by nobody
counts as its slowest: `auto` may fine-tune.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from classwright_tools.domain.example import Split

Lane = Literal["short", "long", "writing"]
"""Where a job waits for its turn. Short work runs beside long work; what writes waits for a model most of the time."""

SHORT_BYTES = 1_500_000
"""Text that MiniLM embeds in one to two minutes on two cores; a larger encoder reads less in that time."""
AT_ONCE_BYTES = 200_000
"""Text that MiniLM embeds in under ten seconds on two cores: a call that reads no more can be answered by itself."""
ROW_BYTES = 1_000
"""A written row has about so much."""
READ_BYTES = 8_000
"""An encoder reads no more of a row than about so much: several windows of a thousand."""
QUICKER_THAN_ENCODING = 30
"""Rows that no encoder reads are read and stored so many times as fast, at least."""


@dataclass(frozen=True)
class Work:
    """The lane of a job, and the basis of its duration: jobs by one method take longer the larger they are."""

    lane: Lane
    size: int
    """Bytes of text to read, as many as MiniLM reads in that time, or to write; 0 if it is not known yet."""
    method: str = ""
    stores: bool = True
    """Whether it makes an artifact, for which there has to be room; asked where a call is answered at once."""


class Sizes(Protocol):
    """What is known of what a request names. Nothing of it fails: what is not there has the size 0."""

    @property
    def encoder(self) -> str:
        """The encoder that is used unless another is named."""

    def imported(self, path: str) -> int:
        """Return the bytes of a file, or of the files of a folder, that may be imported."""

    def dataset(self, id_: str | None, task: str, splits: Sequence[Split]) -> int:
        """Return the bytes that an encoder reads of a dataset, or of the newest of `task` where `id_` is None."""

    def slowness(self, model: str) -> float:
        """Return how many times as long as MiniLM a model takes for a text, at least 1."""


def computing(size: int, *, long: bool = False, method: str = "", stores: bool = True) -> Work:
    """Return work that computes: short, unless it reads more than `SHORT_BYTES` or is `long` in any case."""
    return Work("long" if long or size > SHORT_BYTES else "short", size, method, stores)


def writing(rows: int | None = None) -> Work:
    """Return work that waits for a language model more than it computes; its size follows from `rows`."""
    return Work("writing", ROW_BYTES * (rows or 0))


def always(work: Work) -> Callable[[object, Sizes], Work]:
    """Return the judgement of a tool whose every call is the same `work`."""
    return lambda _request, _sizes: work


def shown_bytes(texts: Iterable[str]) -> int:
    """Return the bytes that an encoder reads of texts."""
    return sum(min(len(text.encode()), READ_BYTES) for text in texts)
