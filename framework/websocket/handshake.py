"""The opening handshake's rules (RFC 6455 sections 4 and 11.3), for both sides, over fields that were read."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Final

from framework.httputil.headers import HTTPHeaders
from framework.websocket import deflate
from framework.websocket.deflate import Parameters
from framework.websocket.errors import WebSocketError

__all__ = [
    "VERSION",
    "Agreed",
    "Refusal",
    "accept_value",
    "check_answer",
    "new_key",
    "parse_subprotocols",
    "refusal",
]

# The protocol's version, the only one there is.
VERSION: Final = "13"

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refusal:
    """How a request that is no proper handshake is answered: ``status``, ``body`` (text), and ``headers`` more."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}


class Agreed:
    """What a server's answer says: ``subprotocol`` (None without one) and ``deflate`` (None without compression)."""

    __slots__ = ("deflate", "subprotocol")

    def __init__(self, subprotocol: str | None, deflate: Parameters | None) -> None:
        self.subprotocol = subprotocol
        self.deflate = deflate


def refusal(headers: HTTPHeaders) -> Refusal | None:
    """Why a server does not take a request for a handshake; None if it does (RFC 6455 section 4.2.1).

    Neither the method is looked at nor the origin.
    """
    if not _has_token(headers, "Upgrade", "websocket"):
        return Refusal(400, 'Can "Upgrade" only to "WebSocket".')
    if not _has_token(headers, "Connection", "upgrade"):
        return Refusal(400, '"Connection" must be "Upgrade".')
    if headers.get("Sec-WebSocket-Version") != VERSION:
        # RFC 6455 section 4.4 and RFC 9110 section 15.5.22: what would have been right.
        return Refusal(
            426, "", {"Sec-WebSocket-Version": VERSION, "Upgrade": "websocket", "Connection": "Upgrade"}
        )
    if not _is_key(headers.get("Sec-WebSocket-Key", "")):
        return Refusal(400, "Missing/Invalid WebSocket headers")
    return None


def accept_value(key: str | bytes) -> str:
    """The Sec-WebSocket-Accept to a Sec-WebSocket-Key (RFC 6455 section 4.2.2)."""
    if isinstance(key, str):
        key = key.encode("latin-1")
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode("ascii")


def new_key() -> str:
    """A client's Sec-WebSocket-Key (RFC 6455 section 4.1)."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def parse_subprotocols(header: str) -> list[str]:
    """The names in a Sec-WebSocket-Protocol, those of several lines joined by commas."""
    return [name for part in header.split(",") if (name := part.strip())]


def check_answer(
    status: int, headers: HTTPHeaders, *, key: str, subprotocols: list[str], compression: bool
) -> Agreed:
    """What a client makes of the server's answer (RFC 6455 section 4.1).

    ``key`` is what it sent, ``subprotocols`` what it asked for, ``compression`` whether it sent `deflate.offer`.
    Raises `WebSocketError` if the server does not agree to that.
    """
    if status != 101:
        raise WebSocketError("Non-websocket response")
    if not _has_token(headers, "Upgrade", "websocket") or not _has_token(headers, "Connection", "upgrade"):
        raise WebSocketError("the server switches protocols, but not to websocket")
    if headers.get("Sec-WebSocket-Accept") != accept_value(key):
        raise WebSocketError("Sec-WebSocket-Accept is not the answer to the key that was sent")
    extensions = headers.get("Sec-WebSocket-Extensions", "")
    if extensions and not compression:
        raise WebSocketError(f"the server answered with extensions {extensions!r}, none was offered")
    subprotocol = headers.get("Sec-WebSocket-Protocol")
    if subprotocol is not None and subprotocol not in subprotocols:
        raise WebSocketError(f"the server chose the subprotocol {subprotocol!r}, not one of {subprotocols}")
    return Agreed(subprotocol, deflate.check_answer(extensions))


def _has_token(headers: HTTPHeaders, name: str, token: str) -> bool:
    return token in [part.strip() for part in headers.get(name, "").lower().split(",")]


def _is_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except ValueError:
        return False
