"""Frames made by hand, after the figure in RFC 6455 section 5.2, to hold the code's own against."""

from __future__ import annotations

__all__ = ["KEY", "close", "frame", "masked"]

KEY = b"\x37\xfa\x21\x3d"


def frame(first: int, payload: bytes = b"", key: bytes | None = KEY, length: bytes | None = None) -> bytes:
    """A frame with a first byte, masked unless `key` is None; `length` replaces the second byte and the length."""
    size = len(payload)
    if length is None:
        bit = 0 if key is None else 0x80
        if size < 126:
            length = bytes([bit | size])
        elif size < 1 << 16:
            length = bytes([bit | 126]) + size.to_bytes(2, "big")
        else:
            length = bytes([bit | 127]) + size.to_bytes(8, "big")
    if key is None:
        return bytes([first]) + length + payload
    return bytes([first]) + length + key + masked(key, payload)


def masked(key: bytes, payload: bytes) -> bytes:
    """RFC 6455 section 5.3, word by word."""
    return bytes(octet ^ key[at % 4] for at, octet in enumerate(payload))


def close(code: int, reason: bytes = b"", key: bytes | None = KEY) -> bytes:
    """A close frame."""
    return frame(0x88, code.to_bytes(2, "big") + reason, key)
