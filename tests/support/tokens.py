"""An authorization server's part in the tests: keys of its own, served on loopback, and the tokens that they sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.writing import Said, ScriptedEndpoint, Seen

LEAKED_SECRET = b"a secret that should not be where public keys are"
ISSUER = "https://login.example"


class Authority:
    """Signs tokens, and serves its public keys at `url`; `endpoint` remembers who asked for them."""

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = "first"
        self.is_down = False
        self.endpoint = ScriptedEndpoint(self._answer)
        self.url = f"http://127.0.0.1:{self.endpoint.port}/keys"

    def __enter__(self) -> Authority:
        self.endpoint.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.endpoint.__exit__()

    def flags(self) -> tuple[str, ...]:
        """The flags of a server that trusts it."""
        return ("--jwks-url", self.url, "--jwt-issuer", ISSUER, "--public-url", self.audience)

    def renew_key(self) -> None:
        """Sign with another key from now on."""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = "second"

    def claims(self, subject: str | None = "alice", **changes: Any) -> dict[str, Any]:
        """What a good token says; a change to None leaves the claim out."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": self.audience, "sub": subject, "client_id": "app", "iat": now, "exp": now + 600}
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, subject: str | None = "alice", headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token for `subject`."""
        headers = {"kid": self.kid, **(headers or {})}
        return jwt.encode(self.claims(subject, **changes), self.key, "ES256", headers)

    def token_by_public_key(self) -> str:
        """Return a token that anyone could make: the public key, which everyone has, taken for a shared secret."""
        public = self.key.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        signed = b".".join(_encoded(part) for part in ({"alg": "HS256", "kid": self.kid}, self.claims()))
        return f"{signed.decode()}.{_text(hmac.new(pem, signed, hashlib.sha256).digest())}"

    def token_by_leaked_secret(self) -> str:
        """Return a token signed with a secret that was published among the keys, so that everyone has it."""
        return jwt.encode(self.claims(), LEAKED_SECRET, "HS256", {"kid": "leaked"})

    def _answer(self, _seen: Seen) -> Said:
        if self.is_down:
            return Said(status=500)
        key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        own = {**key, "kid": self.kid, "use": "sig", "alg": "ES256"}
        leaked = {"kty": "oct", "kid": "leaked", "alg": "HS256", "k": _text(LEAKED_SECRET)}
        return Said(body=json.dumps({"keys": [own, leaked]}).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _encoded(part: dict[str, Any]) -> bytes:
    return _text(json.dumps(part).encode()).encode()


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries `token`."""
    return {"Authorization": f"Bearer {token}"}
