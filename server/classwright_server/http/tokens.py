"""Bearer tokens: the operator's shared one, and those that an authorization server signed (RFC 9068, RFC 8707)."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.to_thread
import jwt
from jwt import PyJWKClient
from mcp.server.auth.provider import AccessToken, TokenVerifier

from classwright_server.config.settings import AuthorizationServer
from classwright_tools.errors import InvalidInput, unusable_secret

logger = logging.getLogger("classwright.tokens")

MIN_TOKEN_CHARS = 16
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key. Neither `none`, nor HS*, which anyone could make who has the public key."""
KEYS_LAST_SECONDS = 600
"""A key that was withdrawn is trusted no longer than this."""
NEW_KEYS_EVERY_SECONDS = 30
"""Tokens that name an unknown key make the keys be fetched again, not more often than this."""
FETCH_SECONDS = 5
CLOCK_SECONDS = 30
"""By so much the clocks of the authorization server and of this machine may differ."""


has_expired: ContextVar[bool] = ContextVar("has_expired", default=False)
"""Whether the token of this request was good, and is over: who was given it may know."""


class KeysUnavailable(Exception):
    """The authorization server's keys cannot be fetched, so that nobody can say whether a token is good."""


class SharedToken(TokenVerifier):
    """Accepts the one token that the operator set, compared in constant time."""

    def __init__(self, token: str, server: AuthorizationServer | None) -> None:
        self._token = token.encode()
        self._scopes = list(server.required_scopes) if server else []
        self._resource = server.public_url if server else None

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the operator for their token, else None."""
        if not hmac.compare_digest(token.encode(), self._token):
            return None
        return AccessToken(token=token, client_id="operator", scopes=self._scopes, resource=self._resource)


class SignedTokens(TokenVerifier):
    """Accepts JSON web tokens that the operator's authorization server signed for this server, until they expire.

    The keys come from the operator's URL alone: whatever a token's header says about where its key is, is not read.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        self._keys = _Keys(
            server.jwks_url,
            lifespan=KEYS_LAST_SECONDS,
            cooldown_duration=NEW_KEYS_EVERY_SECONDS,
            timeout=FETCH_SECONDS,
        )
        self._fetching = anyio.CapacityLimiter(1)  # an endpoint that hangs costs one thread, not every tool's

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who `token` stands for, or None.

        Raises:
            KeysUnavailable: the key that it names is not known, and cannot be asked for.
        """
        try:
            if jwt.get_unverified_header(token).get("alg") not in ALGORITHMS:
                return None
            key = await anyio.to_thread.run_sync(self._keys.get_signing_key_from_jwt, token, limiter=self._fetching)
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._server.audience,
                issuer=self._server.issuer,
                leeway=CLOCK_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:  # told of a token alone whose signature is good
            has_expired.set(True)
            return None
        except (jwt.PyJWTError, ValueError):
            return None
        return self._access(token, claims)

    def _access(self, token: str, claims: Mapping[str, Any]) -> AccessToken | None:
        subject = claims.get("sub")
        client = claims.get("client_id") or claims.get("azp") or subject
        if not client:  # it names no principal
            return None
        return AccessToken(
            token=token,
            client_id=str(client),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]) + CLOCK_SECONDS,
            resource=self._server.public_url,
            subject=subject,
            claims={"iss": claims["iss"]},
        )


class _Keys(PyJWKClient):
    """The authorization server's keys; after a fetch that failed, the next one waits a while."""

    _next_fetch = 0.0

    def fetch_data(self) -> Any:
        """Return the keys as they are served now.

        Raises:
            KeysUnavailable: they cannot be had.
        """
        if time.monotonic() < self._next_fetch:
            raise KeysUnavailable("the last fetch failed just before")
        try:
            return super().fetch_data()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            self._next_fetch = time.monotonic() + FETCH_SECONDS
            logger.error("the keys of the authorization server cannot be fetched from %s: %s", self.uri, error)
            raise KeysUnavailable(str(error)) from error


class AnyOf(TokenVerifier):
    """Accepts what one of several verifiers accepts."""

    def __init__(self, verifiers: Sequence[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who `token` stands for, or None."""
        for verifier in self._verifiers:
            if access := await verifier.verify_token(token):
                return access
        return None


def try_keys(server: AuthorizationServer) -> int:
    """Return how many keys the authorization server has, by which tokens can be checked.

    Raises:
        InvalidInput: it does not answer with any.
    """
    try:
        return len(_Keys(server.jwks_url, timeout=FETCH_SECONDS).get_signing_keys())
    except (KeysUnavailable, jwt.PyJWTError) as error:
        reason = f"gives no keys, without which no token can be checked ({error})"
        raise InvalidInput(f"--jwks-url={server.jwks_url!r}", reason, "Start what is there, or correct it.") from error


def shared_token(name: str, environment: Mapping[str, str]) -> str:
    """Return the operator's token, which the environment variable `name` holds.

    Raises:
        InvalidInput: it is not set, so short that it can be guessed, or of characters that no client can send.
    """
    token = environment.get(name, "")
    reason = unusable_secret(token)
    if len(token) < MIN_TOKEN_CHARS:
        reason = f"should hold the token, {MIN_TOKEN_CHARS} characters or more, and does not"
    if reason:
        repair = "Set it, for example to the output of: openssl rand -hex 32."
        raise InvalidInput(f"environment variable {name!r}", reason, repair)
    return token


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """Return what the token allows: `scope` as in RFC 9068, or `scp`, as some servers name it."""
    found = claims.get("scope") or claims.get("scp")
    if isinstance(found, str):
        return found.split()
    return [scope for scope in found if isinstance(scope, str)] if isinstance(found, list) else []
