"""The operator's settings: where things are, who writes, who may connect.

Every setting is a command-line flag, and an environment variable named after it: `--writer-url` is
`CLASSWRIGHT_WRITER_URL`. A flag wins. In a variable, several paths are separated as those of PATH are, several URLs or
hosts by spaces.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.noun import Noun
from classwright_tools.domain.usage import UNCAPPED, Caps, Prices
from classwright_tools.errors import InvalidInput

PREFIX = "CLASSWRIGHT_"
DEFAULT_PORT = 8931
WORKSPACE_GB = 50
MOST_OF_ANY = 10**15
"""The largest number that a setting may be: what is larger, infinity among it, is a slip."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


Lane = Literal["short", "long", "writing"]
"""Where a job waits for its turn. Short work runs beside long work; what writes waits for a model most of the time."""
COMPUTE: tuple[Lane, ...] = ("short", "long")
"""Both lanes that compute, which one word of --jobs names."""


class EndpointSettings(Noun):
    """A language model behind one or several OpenAI-compatible base URLs."""

    base_urls: tuple[str, ...] = Field(min_length=1)
    model: str
    key_env: str | None = Field(default=None, description="The name of the environment variable that holds the key.")
    prices: Prices | None = None
    thinking_tokens: int = Field(default=0, ge=0, description="Tokens that the model may think before it answers.")


class RecordedSettings(Noun):
    """Completions that were recorded before."""

    files: tuple[Path, ...] = Field(min_length=1)


class LocalSettings(Noun):
    """A transformers model that the compute process loads itself."""

    model: str
    thinking_tokens: int = Field(default=0, ge=0, description="Tokens that it may think before it answers.")


class ToolSettings(Noun):
    """The settings of the tools: the part that a compute process is given."""

    workspace: Path
    index_url: str | None = Field(default=None, description="The PostgreSQL of index and jobs; SQLite by default.")
    encoder: str = DEFAULT_ENCODER
    import_folders: tuple[Path, ...] = ()
    writer: EndpointSettings | RecordedSettings | LocalSettings | None = None
    caps: Caps = UNCAPPED
    hub: bool = Field(default=True, description="Whether calls may name datasets and encoders of the hub.")
    workspace_gb: float = Field(
        default=WORKSPACE_GB, gt=0, description="What a principal's own workspace may hold, in GiB."
    )

    def most_bytes(self, owner: str | None) -> float:
        """Return what the workspace of the principal `owner` may hold, in bytes; the operator's is not limited."""
        return math.inf if owner is None else self.workspace_gb * 2**30


class Limits(Noun):
    """Limits of a principal and of a job."""

    calls_per_minute: int = Field(default=600, ge=1, description="Requests over HTTP of a principal with a token.")
    waiting_jobs: int = Field(default=1_000, ge=1, description="Jobs of a principal that wait for their turn.")
    job_hours: float = Field(default=24, gt=0, description="How long a job may run.")


class AuthorizationServer(Noun):
    """The authorization server whose tokens open a workspace of their own, and the audience and scopes they need."""

    jwks_url: str = Field(description="Where its public keys are.")
    issuer: str
    public_url: str = Field(description="The URL by which clients reach this server, with its path.")
    audience: str = Field(description="What a token's `aud` must hold.")
    required_scopes: tuple[str, ...] = ()


class ServerSettings(Noun):
    """Everything that the operator decides."""

    tool_settings: ToolSettings
    http: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    token_env: str | None = Field(default=None, description="The environment variable that holds the bearer token.")
    authorization: AuthorizationServer | None = None
    limits: Limits = Limits()
    allow_hosts: tuple[str, ...] = ()
    metrics: bool = Field(default=False, description="Whether /metrics shows the operator counters of jobs and rows.")
    vllm: str | None = Field(default=None, description="A model for a `vllm serve` of the server's own.")
    vllm_thinking_tokens: int = Field(
        default=0, ge=0, description="Tokens that this model may think before it answers."
    )
    jobs: tuple[Lane, ...] = Field(default=get_args(Lane), description="Which jobs this process runs.")


def default_workspace(environment: Mapping[str, str]) -> Path:
    """Return the platform's folder for application data, with `classwright` in it."""
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(environment.get("LOCALAPPDATA", home / "AppData" / "Local"))
    else:
        base = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "classwright"


def settings_from(flags: Mapping[str, Any], environment: Mapping[str, str]) -> ServerSettings:
    """Return the settings that the command line's `flags` and the environment's variables make together.

    Raises:
        InvalidInput: they contradict each other, or a value cannot be used.
    """
    chosen = _Chosen(flags, environment)
    vllm = chosen.text("vllm")
    tool_settings = ToolSettings(
        workspace=chosen.path("workspace", chosen.text("workspace") or str(default_workspace(environment))),
        index_url=chosen.text("index_url"),
        encoder=chosen.text("encoder") or DEFAULT_ENCODER,
        import_folders=chosen.paths("import_folder"),
        writer=_writer(chosen, vllm),
        caps=_caps(chosen),
        hub=not chosen.is_on("no_hub"),
        workspace_gb=chosen.limit("workspace_gb", whole=False) or WORKSPACE_GB,
    )
    return ServerSettings(
        tool_settings=tool_settings,
        http=chosen.is_on("http"),
        host=chosen.text("host") or "127.0.0.1",
        port=chosen.whole_number("port", DEFAULT_PORT, most=65_535),
        token_env=chosen.text("token_env"),
        authorization=_authorization(chosen),
        limits=_limits(chosen),
        allow_hosts=chosen.words("allow_host"),
        metrics=chosen.is_on("metrics"),
        vllm=vllm,
        vllm_thinking_tokens=_thinking_tokens(chosen) if vllm else 0,
        jobs=_jobs(chosen),
    )


class _Chosen:
    """Looks a setting up in the flags, then in the environment."""

    def __init__(self, flags: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._flags = flags
        self._environment = environment

    def text(self, name: str) -> str | None:
        """Return the setting `name`, or None if it is not set or empty."""
        value = self._flags.get(name)
        if value is None or isinstance(value, bool):
            value = self._environment.get(PREFIX + name.upper())
        return str(value) if value else None

    def is_on(self, name: str) -> bool:
        """Return whether the setting `name` is given."""
        return bool(self._flags.get(name)) or self.text(name) in ("1", "true", "yes")

    def words(self, name: str) -> tuple[str, ...]:
        """Return the values of the setting `name`, which in a variable are separated by spaces."""
        return tuple(self._flags.get(name) or self._environment.get(PREFIX + name.upper(), "").split())

    def paths(self, name: str) -> tuple[Path, ...]:
        """Return the paths of the setting `name`, which in a variable are separated as those of PATH are."""
        text = self._environment.get(PREFIX + name.upper(), "")
        named = self._flags.get(name) or [part for part in text.split(os.pathsep) if part]
        return tuple(self.path(name, part) for part in named)

    def path(self, name: str, text: str) -> Path:
        """Return the path `text`, which is one of the setting `name`, with no link and no "~" left in it."""
        try:
            return Path(text).expanduser().resolve()
        except RuntimeError as error:  # of both: a home that is not there, and (before Python 3.13) a loop of links
            reason = "names the home of a user that is not there" if text.startswith("~") else "leads to itself"
            raise self.unusable(name, reason, text) from error
        except (OSError, ValueError) as error:
            raise self.unusable(name, "is not a path that can be looked up", text) from error

    def url(self, name: str) -> str | None:
        """Return the setting `name`, a URL over http or https, or None."""
        text = self.text(name)
        try:
            parts = urlsplit(text or "http://none")
            usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        except ValueError:
            usable = False
        if not usable:
            raise self.unusable(name, "is not a URL over http or https")
        return text

    def number(self, name: str) -> float | None:
        """Return the setting `name`, a number from zero on, or None."""
        text = self.text(name)
        try:
            value = None if text is None else float(text)
        except ValueError:
            raise self.unusable(name, "is not a number") from None
        if value is not None and not 0 <= value <= MOST_OF_ANY:
            raise self.unusable(name, "is below zero" if value < 0 else f"is not a number up to {MOST_OF_ANY:,}")
        return value

    def limit(self, name: str, *, whole: bool) -> float | None:
        """Return the setting `name`, a number above zero, or None."""
        value = self.number(name)
        if value is not None and not (value and (value.is_integer() or not whole)):
            raise self.unusable(name, "is not a whole number above zero" if whole else "is not above zero")
        return value

    def whole_number(self, name: str, default: int, most: int = MOST_OF_ANY) -> int:
        """Return the setting `name`, a whole number from zero to `most`, or `default`."""
        text = self.text(name)
        try:
            value = default if text is None else int(text)
        except ValueError:
            raise self.unusable(name, "is not a whole number") from None
        if not 0 <= value <= most:
            raise self.unusable(name, f"is not a whole number from 0 to {most:,}")
        return value

    def unusable(self, name: str, reason: str, value: str | None = None) -> InvalidInput:
        """Return the error that says why the setting `name`, or one `value` of it, cannot be used."""
        flag = f"--{name.replace('_', '-')}"
        subject = f"setting {flag}={(value or self.text(name))!r}"
        return InvalidInput(subject, reason, f"Correct {flag} or {PREFIX}{name.upper()}.")


def _limits(chosen: _Chosen) -> Limits:
    """Return the limits, each its default if it is not set."""
    fields = Limits.model_fields.items()
    values = {name: chosen.limit(name, whole=field.annotation is int) for name, field in fields}
    return Limits.model_validate({name: value for name, value in values.items() if value is not None})


def _caps(chosen: _Chosen) -> Caps:
    """Return what one job may spend on the writer."""
    tokens, cost = chosen.limit("job_tokens", whole=True), chosen.limit("job_cost", whole=False)
    priced = chosen.text("writer_price_in") or chosen.text("writer_price_out")
    if cost is not None and not priced:
        raise InvalidInput("--job-cost", "needs the writer's prices", "Add --writer-price-in and --writer-price-out.")
    return Caps(max_tokens=None if tokens is None else int(tokens), max_cost=cost)


def _authorization(chosen: _Chosen) -> AuthorizationServer | None:
    """Return who issues tokens; None if nobody does."""
    jwks_url, issuer, public_url = (chosen.url(name) for name in ("jwks_url", "jwt_issuer", "public_url"))
    audience, scopes = chosen.text("jwt_audience"), chosen.words("required_scope")
    if jwks_url and issuer and public_url:
        return AuthorizationServer(
            jwks_url=jwks_url,
            issuer=issuer,
            public_url=public_url,
            audience=audience or public_url,
            required_scopes=scopes,
        )
    if jwks_url or issuer or public_url or audience or scopes:
        raise InvalidInput(
            "the authorization server", "is only half set", "Give --jwks-url, --jwt-issuer and --public-url together."
        )
    return None


def _jobs(chosen: _Chosen) -> tuple[Lane, ...]:
    """Return which jobs the process runs: all of them unless it was told."""
    named = dict.fromkeys(chosen.words("jobs")) or dict.fromkeys(get_args(Lane))
    unknown = [name for name in named if name not in (*get_args(Lane), "compute", "none")]
    if unknown or ("none" in named and len(named) > 1):
        raise InvalidInput(
            f"setting --jobs={' '.join(named)!r}",
            "is not understood",
            'Name some of "short", "long", "compute" (both of these) and "writing", or "none".',
        )
    return tuple(name for name in get_args(Lane) if name in named or (name in COMPUTE and "compute" in named))


def _writer(chosen: _Chosen, vllm: str | None) -> EndpointSettings | RecordedSettings | LocalSettings | None:
    """Return who writes; None leaves it to the calling model."""
    urls, files, local = chosen.words("writer_url"), chosen.paths("recorded"), chosen.text("writer_path")
    named = [
        flag
        for flag, value in (
            ("--writer-url", urls),
            ("--recorded", files),
            ("--writer-path", local),
            ("--vllm", vllm),
        )
        if value
    ]
    if len(named) > 1:
        raise InvalidInput("the writer", f"is given twice, by {' and '.join(named)}", "Keep one of them.")
    if files:
        return RecordedSettings(files=files)
    if local:
        return LocalSettings(model=local, thinking_tokens=_thinking_tokens(chosen))
    if urls:
        return _endpoint(chosen, urls)
    return None


def _endpoint(chosen: _Chosen, urls: tuple[str, ...]) -> EndpointSettings:
    model = chosen.text("writer_model")
    if model is None:
        raise InvalidInput("--writer-url", "needs the model's name", "Add --writer-model NAME.")
    price_in, price_out = chosen.number("writer_price_in"), chosen.number("writer_price_out")
    prices = None
    if price_in is not None or price_out is not None:
        prices = Prices(tokens_in=price_in or 0, tokens_out=price_out or 0)
    return EndpointSettings(
        base_urls=urls,
        model=model,
        key_env=chosen.text("writer_key_env"),
        prices=prices,
        thinking_tokens=_thinking_tokens(chosen),
    )


def _thinking_tokens(chosen: _Chosen) -> int:
    return chosen.whole_number("writer_thinking_tokens", 0)
