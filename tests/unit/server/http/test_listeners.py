"""The addresses that a server listens on: all of a name's that this machine has."""

from __future__ import annotations

import socket

import pytest

from classwright_server.http import serving
from classwright_tools.errors import InvalidInput

LOOPBACK = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
# Of a block for documents (RFC 5737): no machine has it.
LACKING = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))


def named(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[object, ...]) -> None:
    """Let a name stand for addresses."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(addresses))


def test_an_address_that_the_machine_lacks_is_passed_over_while_it_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, LACKING, LOOPBACK)

    [listener] = serving.sockets_at("localhost", 0)

    assert listener.getsockname()[0] == "127.0.0.1"
    listener.close()


def test_a_name_of_addresses_that_the_machine_lacks_cannot_be_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, LACKING)

    with pytest.raises(InvalidInput, match=r"address localhost:0.*cannot be listened on"):
        serving.sockets_at("localhost", 0)


def test_an_address_that_is_taken_is_an_error_though_another_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        named(monkeypatch, LOOPBACK, (*LOOPBACK[:4], taken.getsockname()))

        with pytest.raises(InvalidInput, match="cannot be listened on"):
            serving.sockets_at("localhost", 0)


def test_a_client_that_comes_as_soon_as_the_address_is_known_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, LOOPBACK)
    [listener] = serving.sockets_at("localhost", 0)

    with listener, socket.socket() as client:
        client.connect(listener.getsockname())
