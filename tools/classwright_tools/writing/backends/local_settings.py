"""The settings of a writer that is a transformers model: every server reads them, few open the writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from classwright_tools.domain.writer import Writer
from classwright_tools.writing.backends.settings import THINKING_TOKENS, Flag, WriterSettings


class LocalSettings(WriterSettings):
    """A transformers model that the process which writes loads itself."""

    kind: Literal["local"] = "local"
    loads_model: ClassVar[bool] = True
    model: Annotated[str, Flag("writer_path", "MODEL", "a transformers model to load in process")]
    thinking_tokens: Annotated[int, THINKING_TOKENS] = Field(default=0, ge=0)

    def open(self, environment: Mapping[str, str]) -> Writer:  # noqa: ARG002 - it needs no key
        """Return the writer, which loads the model at the first request."""
        from classwright_tools.writing.backends.local import LocalWriter  # its templates take long to import

        return LocalWriter(self.model, thinking_tokens=self.thinking_tokens)
