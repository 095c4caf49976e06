"""The writer that the operator configured, made in the process that needs it."""

from __future__ import annotations

from collections.abc import Mapping

from classwright_server.config.settings import EndpointSettings, LocalSettings, RecordedSettings
from classwright_tools.domain.writer import Writer
from classwright_tools.errors import InvalidInput


def make_writer(
    settings: EndpointSettings | RecordedSettings | LocalSettings | None, environment: Mapping[str, str]
) -> Writer | None:
    """Return the configured writer, or None when the calling model writes.

    Raises:
        InvalidInput: the key's variable is not set, or a file of recordings cannot be used.
    """
    match settings:
        case None:
            return None
        case RecordedSettings():
            from classwright_tools.writing.backends.recorded import RecordedWriter

            return RecordedWriter(settings.files)
        case LocalSettings():
            from classwright_tools.writing.backends.local import LocalWriter

            return LocalWriter(settings.model, thinking_tokens=settings.thinking_tokens)
        case EndpointSettings():
            from classwright_tools.writing.backends.openai_compatible import EndpointWriter

            return EndpointWriter(
                settings.base_urls,
                settings.model,
                api_key=_key(settings.key_env, environment),
                prices=settings.prices,
                thinking_tokens=settings.thinking_tokens,
            )


def _key(name: str | None, environment: Mapping[str, str]) -> str | None:
    if name is None:
        return None
    key = environment.get(name)
    if not key:
        raise InvalidInput(
            f"environment variable {name!r}", "is not set, but holds the writer's key", "Set it and start again."
        )
    return key
