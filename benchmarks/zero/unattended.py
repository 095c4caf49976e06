"""A writer that stops the run when no endpoint answers: a half-written dataset is then never taken for a whole one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.domain.writer import Completion, Writer, WriterUnavailable, WritingKind, WritingRequest
from classwright_tools.errors import ClasswrightError
from classwright_tools.workspace.index import CompletionRow


class EndpointGone(ClasswrightError):
    """No endpoint answers; what had arrived is stored."""


class StoppingWriter:
    """Asks another writer, and raises `EndpointGone` where that says `WriterUnavailable`.

    The tools make the best of a writer that went away: a dataset with what there is, and a list of what is missing. A
    benchmark that is started again must not go on from such a dataset.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @property
    def name(self) -> str:
        """The other writer's."""
        return self._writer.name

    @property
    def identity(self) -> str:
        """The other writer's: what it wrote is found in the store."""
        return self._writer.identity

    @property
    def prices(self) -> Prices | None:
        """The other writer's."""
        return self._writer.prices

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        """Return the other writer's bound."""
        return self._writer.most_tokens(request)

    def prompt_digest(self, kind: WritingKind) -> str:
        """Return the other writer's."""
        return self._writer.prompt_digest(kind)

    async def write(self, request: WritingRequest) -> Completion:
        """Answer `request`.

        Raises:
            EndpointGone: no endpoint of the writer answers.
            WriterFailed: as the other writer does.
        """
        try:
            return await self._writer.write(request)
        except WriterUnavailable as error:
            raise EndpointGone(error.subject, error.reason, error.repair) from error


def paid_for(engine: Engine) -> TokenCount:
    """Return the tokens of all completions in the store of a workspace, whichever run they were paid in."""
    with Session(engine) as session:
        stored: Sequence[dict[str, int]] = session.scalars(select(CompletionRow.completion)).all()
    return TokenCount(
        sum(completion["tokens_in"] for completion in stored), sum(completion["tokens_out"] for completion in stored)
    )
