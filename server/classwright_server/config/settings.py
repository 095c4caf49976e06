"""The operator's settings: where things are, who writes, who may connect."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import Field

from classwright_server.config.chosen import Chosen
from classwright_server.config.writers import chosen_writer, writer_flags
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.noun import Noun
from classwright_tools.domain.usage import UNCAPPED, Caps
from classwright_tools.errors import InvalidInput
from classwright_tools.work import Lane
from classwright_tools.writing.backends.registry import AnyWriterSettings
from classwright_tools.writing.backends.settings import THINKING_TOKENS, WriterSettings

DEFAULT_PORT = 8931
WORKSPACE_GB = 50
LOOPBACK = ("127.0.0.1", "localhost", "::1")

COMPUTE: tuple[Lane, ...] = ("short", "long")
"""Both lanes that compute, which one word of --jobs names."""


class ToolSettings(Noun):
    """The settings of the tools: the part that a compute process is given."""

    workspace: Path
    index_url: str | None = Field(default=None, description="The PostgreSQL of index and jobs; SQLite by default.")
    encoder: str = DEFAULT_ENCODER
    import_folders: tuple[Path, ...] = ()
    writer: AnyWriterSettings | None = None
    caps: Caps = UNCAPPED
    hub: bool = Field(default=True, description="Whether calls may name datasets and encoders of the hub.")
    tools: tuple[str, ...] = Field(default=(), description="Modules of the operator's own, each with a `TOOL`.")
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
    host: str = LOOPBACK[0]
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


def check_settings(settings: ServerSettings, *, serves: bool) -> None:
    """Return if nothing that is set is without effect; `serves` is False for a worker, which takes no HTTP.

    Raises:
        InvalidInput: an import folder is none, or something is set of HTTP where nothing is served over it.
    """
    for folder in settings.tool_settings.import_folders:
        if not folder.is_dir():
            raise InvalidInput(
                f"--import-folder={str(folder)!r}", "is not a folder", "Make it, or correct the setting."
            )
    if serves and not settings.http and (named := _of_http(settings)):
        has = "has" if len(named) == 1 else "have"
        raise InvalidInput(
            " and ".join(named), f"{has} no effect without --http", f"Add --http, or take {' and '.join(named)} out."
        )


def _of_http(settings: ServerSettings) -> list[str]:
    """Return what is set that is of HTTP alone, and other than by default, as flags."""
    fields = ("host", "port", "token_env", "authorization", "allow_hosts", "metrics")
    found = [name for name in fields if getattr(settings, name) != ServerSettings.model_fields[name].default]
    calls = ["calls_per_minute"] if settings.limits.calls_per_minute != Limits().calls_per_minute else []
    flags = {"authorization": "jwks_url", "allow_hosts": "allow_host"}
    return [f"--{flags.get(name, name).replace('_', '-')}" for name in (*found, *calls)]


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
    chosen = Chosen(flags, environment)
    vllm = chosen.text("vllm")
    writer = chosen_writer(chosen, vllm)
    tool_settings = ToolSettings(
        workspace=chosen.path("workspace", chosen.text("workspace") or str(default_workspace(environment))),
        index_url=chosen.text("index_url"),
        encoder=chosen.text("encoder") or DEFAULT_ENCODER,
        import_folders=chosen.paths("import_folder"),
        writer=writer,
        caps=_caps(chosen, writer),
        hub=not chosen.is_on("no_hub"),
        tools=chosen.words("tool"),
        workspace_gb=chosen.limit("workspace_gb", whole=False) or WORKSPACE_GB,
    )
    settings = ServerSettings(
        tool_settings=tool_settings,
        http=chosen.is_on("http"),
        host=chosen.text("host") or LOOPBACK[0],
        port=chosen.whole_number("port", DEFAULT_PORT, most=65_535),
        token_env=chosen.text("token_env"),
        authorization=_authorization(chosen),
        limits=_limits(chosen),
        allow_hosts=chosen.words("allow_host"),
        metrics=chosen.is_on("metrics"),
        vllm=vllm,
        vllm_thinking_tokens=chosen.whole_number(THINKING_TOKENS.name, 0) if vllm else 0,
        jobs=_jobs(chosen),
    )
    chosen.check_variables(writer_flags())
    return settings


def _limits(chosen: Chosen) -> Limits:
    """Return the limits, each its default if it is not set."""
    fields = Limits.model_fields.items()
    values = {name: chosen.limit(name, whole=field.annotation is int) for name, field in fields}
    return Limits.model_validate({name: value for name, value in values.items() if value is not None})


def _caps(chosen: Chosen, writer: WriterSettings | None) -> Caps:
    """Return what one job may spend on the writer."""
    tokens, cost = chosen.limit("job_tokens", whole=True), chosen.limit("job_cost", whole=False)
    if cost is not None and (writer is None or writer.prices is None):
        raise InvalidInput("--job-cost", "needs the writer's prices", "Add --writer-price-in and --writer-price-out.")
    return Caps(max_tokens=None if tokens is None else int(tokens), max_cost=cost)


def _authorization(chosen: Chosen) -> AuthorizationServer | None:
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


def _jobs(chosen: Chosen) -> tuple[Lane, ...]:
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
