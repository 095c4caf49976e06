"""The settings of a writer behind OpenAI-compatible endpoints: every server reads them, few open the writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from classwright_tools.domain.usage import Prices
from classwright_tools.domain.writer import Writer
from classwright_tools.errors import InvalidInput, unusable_secret
from classwright_tools.writing.backends.settings import THINKING_TOKENS, Flag, WriterSettings


class EndpointSettings(WriterSettings):
    """A language model behind one or several OpenAI-compatible base URLs."""

    kind: Literal["endpoint"] = "endpoint"
    base_urls: Annotated[
        tuple[str, ...], Flag("writer_url", "URL", "an OpenAI-compatible base URL; several share the load")
    ] = Field(min_length=1)
    model: Annotated[str, Flag("writer_model", "NAME", "the model to ask for at --writer-url")]
    key_env: Annotated[
        str | None, Flag("writer_key_env", "NAME", "the environment variable that holds the API key")
    ] = None
    price_in: Annotated[float | None, Flag("writer_price_in", "USD", "price of a million tokens read")] = None
    price_out: Annotated[float | None, Flag("writer_price_out", "USD", "price of a million tokens written")] = None
    thinking_tokens: Annotated[int, THINKING_TOKENS] = Field(default=0, ge=0)

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variable of the key, if there is one."""
        return (self.key_env,) if self.key_env else ()

    @property
    def prices(self) -> Prices | None:
        """What the model costs; a price that was not set is zero if the other one was."""
        if self.price_in is None and self.price_out is None:
            return None
        return Prices(tokens_in=self.price_in or 0, tokens_out=self.price_out or 0)

    def open(self, environment: Mapping[str, str]) -> Writer:
        """Return the writer, which connects at the first request.

        Raises:
            InvalidInput: the key's variable is not set, or holds no key, or a URL cannot be used.
        """
        key = environment.get(self.key_env) if self.key_env else None
        if self.key_env and (reason := unusable_secret(key)):
            repair = "Set it to the writer's key and start again."
            raise InvalidInput(f"environment variable {self.key_env!r}", reason, repair)
        from classwright_tools.writing.backends.openai_compatible import EndpointWriter  # no HTTP before it writes

        return EndpointWriter(
            self.base_urls, self.model, api_key=key, prices=self.prices, thinking_tokens=self.thinking_tokens
        )
