"""A writer: anything that answers a `WritingRequest` with a `Completion`."""

from __future__ import annotations

import hashlib
from typing import Literal, Protocol

from pydantic import Field

from classwright_tools.domain.annotation import TextToLabel
from classwright_tools.domain.noun import LabelName, Noun, Slug
from classwright_tools.domain.task import Label
from classwright_tools.domain.text_rules import TextRules
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.errors import WriterFailed

WritingKind = Literal["source_types", "topics", "subtopics", "examples", "contrast", "mismatch", "labels"]


class WritingRequest(Noun):
    """One thing to write: `count` items of one `kind`, for one cell.

    For "topics" the cell holds the label; for "subtopics" also the topic; for "examples" the whole cell; for
    "contrast" the label, with the neighbour in `contrast`; for "mismatch" also the item. "source_types" has no
    cell, nor has "labels", which asks for an item for each of `texts`.
    `attempt` sets a request for more of the same cell apart from the first one.
    """

    kind: WritingKind
    task: Slug
    instruction: str
    labels: tuple[Label, ...]
    languages: tuple[str, ...]
    multi_label: bool = Field(default=False, description="Whether the texts have all labels of the cell, or none.")
    cell: Cell | None = None
    contrast: LabelName | None = None
    count: int = Field(ge=1, le=100)
    round: int = Field(default=0, ge=0)
    attempt: int = Field(default=0, ge=0)
    guidance: tuple[str, ...] = Field(default=(), description="What real texts say about the labels, in sentences.")
    style: tuple[str, ...] = Field(default=(), description="Real texts of the label.")
    contrast_style: tuple[str, ...] = Field(default=(), description="Real texts of the neighbour.")
    avoid: tuple[str, ...] = Field(default=(), description="Items that exist already and must not be repeated.")
    texts: tuple[TextToLabel, ...] = Field(default=(), description="The texts to label.")
    rules: TextRules = TextRules()

    def key(self, writer: str) -> str:
        """Return the SHA-256 under which the answer of `writer` (a name with its prompts' digest) is stored."""
        return hashlib.sha256(f"{writer}\x00{self.model_dump_json()}".encode()).hexdigest()


class Completion(Noun):
    """The answer to a request: its items, which may be fewer or more than were asked for."""

    items: tuple[str, ...]
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    lost: tuple[str, ...] = Field(default=(), description="Why parts of the answer could not be used, one reason each.")


class WriterUnavailable(WriterFailed):
    """No endpoint of the writer answers: asking for something else would fail as well.

    `tokens` is what earlier answers to the same request took, which could not be used.
    """

    tokens = TokenCount(0, 0)


class UnusableAnswer(WriterFailed):
    """The model was reached, and was paid `tokens`, but refused the request or gave nothing that could be used."""

    def __init__(self, subject: str, reason: str, repair: str, tokens: TokenCount) -> None:
        super().__init__(subject, reason, repair)
        self.tokens = tokens


class Writer(Protocol):
    """A language model that writes. Many requests may be under way at once."""

    @property
    def name(self) -> str:
        """The name that provenance records, such as a model's."""
        ...

    @property
    def identity(self) -> str:
        """The name, with everything else that changes answers: prompts' digest, sampling settings."""
        ...

    @property
    def prices(self) -> Prices | None:
        """What the model costs; None when the operator has set no prices."""
        ...

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        """Return an upper bound of what answering `request` takes, asking again included; (0, 0) without a model."""
        ...

    def prompt_digest(self, kind: WritingKind) -> str:
        """Return the digest of the template that `kind` is asked with."""
        ...

    async def check(self) -> str:
        """Return in a sentence that it is ready to write; for before much is spent.

        Raises:
            WriterFailed: it would not write, and why.
        """
        ...

    async def write(self, request: WritingRequest) -> Completion:
        """Answer `request`.

        Raises:
            WriterUnavailable: no endpoint of the writer answers.
            UnusableAnswer: nothing usable came; it says what that took.
            WriterFailed: this request failed otherwise; the next one may not.
        """
        ...
