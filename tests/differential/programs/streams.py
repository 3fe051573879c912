"""Streams for programs: pairs that are connected, and contexts for TLS."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.differential.programs.run import Api

__all__ = ["client_context", "closing_abruptly", "pair", "server_context", "tcp_sockets", "until"]


@asynccontextmanager
async def pair(api: Api, **options: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Two streams that are connected; the options are the first one's."""
    ours, theirs = socket.socketpair()
    streams = api.iostream.IOStream(ours, **options), api.iostream.IOStream(theirs)
    try:
        yield streams
    finally:
        for stream in streams:
            stream.close()


def tcp_sockets() -> tuple[socket.socket, socket.socket]:
    """Two sockets that are connected by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        return client, listening.accept()[0]


def closing_abruptly(connection: socket.socket) -> None:
    """Resets a connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


async def until(api: Api, condition: Callable[[], object]) -> None:
    """Waits until something has become true."""
    for _ in range(2000):
        if condition():
            return
        await api.gen.sleep(0.001)
    raise TimeoutError("the condition has not become true")


@functools.cache
def _certificate() -> tuple[str, str]:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-keyout", key, "-out", cert, "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def server_context() -> ssl.SSLContext:
    """A context of a server whose certificate is for "localhost"."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*_certificate())
    return context


def client_context(trusting: bool = True) -> ssl.SSLContext:
    """A context of a client that trusts that certificate, or only others."""
    context = ssl.create_default_context()
    if trusting:
        context.load_verify_locations(_certificate()[0])
    return context
