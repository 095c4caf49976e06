"""Principals: the operator, or a subject that an authorization server vouches for.

On stdio, without authentication and with the operator's shared token there is one caller, the operator.
"""

from __future__ import annotations

import hashlib
import json

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, principal_components

SLUG_CHARS = 32
"""128 bits in hexadecimal: two principals never share a slug."""


def current_principal() -> str | None:
    """Return the slug of the principal whose request is being answered; None for the operator."""
    token = get_access_token()
    return slug_of(token) if token else None


def slug_of(token: AccessToken) -> str | None:
    """Return a stable, path-safe name for the principal of `token`: its issuer and subject, or its issuer and client.

    None for a token that no authorization server issued: it is the operator's.
    """
    client, issuer, subject = principal_components(token)
    if issuer is None:
        return None
    named = ["subject", subject] if subject else ["client", client]
    return hashlib.sha256(json.dumps([issuer, *named]).encode()).hexdigest()[:SLUG_CHARS]
