"""Requests as bytes."""

from __future__ import annotations

__all__ = ["FORM", "request"]


def request(
    target: str,
    method: str = "GET",
    headers: tuple[str, ...] = (),
    body: bytes | None = None,
    version: str = "1.1",
    host: str = "main.example",
    close: bool = True,
) -> bytes:
    """A request that ends its connection."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host:
        lines.append(f"Host: {host}")
    if close:
        lines.append("Connection: close")
    lines += headers
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


FORM = "Content-Type: application/x-www-form-urlencoded"
