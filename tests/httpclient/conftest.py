"""Clients of both kinds, and servers of scripted answers; all of them are closed behind a test."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from framework.curl_httpclient import CurlAsyncHTTPClient
from framework.httpclient import AsyncHTTPClient
from framework.simple_httpclient import SimpleAsyncHTTPClient
from tests.httpclient.peer import Peer

KINDS: dict[str, type[AsyncHTTPClient]] = {"simple": SimpleAsyncHTTPClient, "curl": CurlAsyncHTTPClient}

MakeClient = Callable[..., AsyncHTTPClient]
MakePeer = Callable[..., Awaitable[Peer]]


@pytest_asyncio.fixture
async def make_peer() -> AsyncIterator[MakePeer]:
    """A function that starts a server."""
    peers: list[Peer] = []

    async def make(context: ssl.SSLContext | None = None) -> Peer:
        peers.append(await Peer().start(context))
        return peers[-1]

    yield make
    for peer in peers:
        await peer.close()


@pytest_asyncio.fixture
async def peer(make_peer: MakePeer) -> Peer:
    """A server."""
    return await make_peer()


@pytest_asyncio.fixture
async def make_simple() -> AsyncIterator[MakeClient]:
    """A function that makes a client in Python."""
    clients: list[AsyncHTTPClient] = []

    def make(**arguments: Any) -> AsyncHTTPClient:
        clients.append(SimpleAsyncHTTPClient(force_instance=True, **arguments))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest_asyncio.fixture
async def simple(make_simple: MakeClient) -> AsyncHTTPClient:
    """A client in Python."""
    return make_simple()


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """The name of an implementation."""
    return str(request.param)


@pytest_asyncio.fixture
async def make_client(kind: str) -> AsyncIterator[MakeClient]:
    """A function that makes a client, of either kind."""
    clients: list[AsyncHTTPClient] = []

    def make(**arguments: Any) -> AsyncHTTPClient:
        clients.append(KINDS[kind](force_instance=True, **arguments))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest_asyncio.fixture
async def client(make_client: MakeClient) -> AsyncHTTPClient:
    """A client, of either kind."""
    return make_client()


async def expire(client: Any, doing: str) -> None:
    """Lets the time of a client's last fetch be over when it is at something, without waiting for a clock."""

    def at() -> str:
        [*_, fetch] = client._fetches
        ask = getattr(fetch._channel, "doing", None)
        return str(fetch._doing if ask is None else ask(fetch._prepared.target))

    # What is waited for happens in the client, which has nothing to tell a test.
    while not at().startswith(doing):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    [*_, fetch] = client._fetches
    fetch.deadline = fetch._request_deadline = 0.0
    fetch.deadline_passed()


class Authority:
    """A certification authority of the tests' own, and what it has signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = str(folder / "ca.pem")
        self._openssl(
            *(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
            ),
            *("-subj", "/CN=The tests' authority", "-keyout", "ca.key", "-out", "ca.pem"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"),
        )
        self.server = self._issue("server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.other = self._issue("other", "subjectAltName=DNS:other.example")
        self.client = self._issue("client", "extendedKeyUsage=clientAuth")

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def _issue(self, name: str, extension: str) -> tuple[str, str]:
        (self.folder / f"{name}.ext").write_text(extension + "\n")
        self._openssl(
            *(
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                f"/CN={name}",
            ),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
        )
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")

    def context(self, of: tuple[str, str] | None = None, ask_client: bool = False) -> ssl.SSLContext:
        """A server's context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(of or self.server))
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Certificates for tests of TLS."""
    yield Authority(tmp_path_factory.mktemp("certificates"))
