"""The clients as objects: one for each loop, configured, closed; the one that blocks; the command line."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from framework.curl_httpclient import CurlAsyncHTTPClient
from framework.httpclient import AsyncHTTPClient, HTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from framework.httpclient.client import HTTPClient as BlockingClient
from framework.httpclient.main import main
from framework.httpclient.simple import SimpleAsyncHTTPClient
from framework.ioloop import IOLoop
from framework.options import options
from tests.httpclient.peer import HANG, Peer


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    """What a test configures is forgotten."""
    saved = AsyncHTTPClient._save_configuration()
    yield
    AsyncHTTPClient._restore_configuration(saved)


async def test_all_users_of_a_loop_share_a_client() -> None:
    client = AsyncHTTPClient()
    assert AsyncHTTPClient(max_clients=99) is client
    assert isinstance(client, SimpleAsyncHTTPClient)
    assert client.io_loop is IOLoop.current()
    other = AsyncHTTPClient(force_instance=True)
    assert other is not client
    # Each class has clients of its own.
    third = SimpleAsyncHTTPClient()
    assert third is not client
    assert SimpleAsyncHTTPClient() is third
    other.close()
    assert AsyncHTTPClient() is client
    client.close()
    assert AsyncHTTPClient() is not client
    AsyncHTTPClient().close()
    third.close()


def test_loops_do_not_share() -> None:
    clients = []

    async def make() -> None:
        clients.append(AsyncHTTPClient())

    asyncio.run(make())
    asyncio.run(make())
    assert clients[0] is not clients[1]
    # That of a loop that is over is not kept.
    known = AsyncHTTPClient._async_clients()
    assert clients[0].io_loop not in known


async def test_configuration() -> None:
    AsyncHTTPClient.configure(None, defaults={"user_agent": "me"}, max_clients=3)
    client: Any = AsyncHTTPClient(force_instance=True)
    assert (client.defaults["user_agent"], client.defaults["max_redirects"], client.max_clients) == (
        "me",
        5,
        3,
    )
    client.close()
    own: Any = AsyncHTTPClient(force_instance=True, max_clients=4, max_buffer_size=10, max_body_size=20)
    assert (own.max_clients, own.max_buffer_size, own.max_body_size, own.max_header_size) == (4, 10, 20, None)
    own.close()
    AsyncHTTPClient.configure("framework.curl_httpclient.CurlAsyncHTTPClient")
    curl = AsyncHTTPClient(force_instance=True)
    assert isinstance(curl, CurlAsyncHTTPClient)
    curl.close()
    with pytest.raises(TypeError):
        AsyncHTTPClient(force_instance=True, nothing=1)
    with pytest.raises(ValueError, match="Invalid subclass"):
        AsyncHTTPClient.configure(int)  # type: ignore[arg-type]
    assert AsyncHTTPClient.configurable_base() is AsyncHTTPClient
    assert AsyncHTTPClient.configurable_default() is SimpleAsyncHTTPClient


async def test_without_an_implementation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncHTTPClient, "_default", None)
    with pytest.raises(RuntimeError, match="imported as a whole"):
        AsyncHTTPClient.configurable_default()


async def test_arguments_of_fetch(simple: AsyncHTTPClient) -> None:
    with pytest.raises(ValueError, match="kwargs can't be used if request is an HTTPRequest object"):
        simple.fetch(HTTPRequest("http://x/"), method="GET")
    with pytest.raises(TypeError):
        simple.fetch("http://x/", nothing=1)
    for wrong in (5, None):
        with pytest.raises((TypeError, ValueError)):
            await simple.fetch(wrong)  # type: ignore[arg-type]


async def test_an_implementation_of_ones_own() -> None:
    class Echo(AsyncHTTPClient):
        def initialize(self, code: int = 200, **more: Any) -> None:  # type: ignore[override]
            super().initialize(**more)
            self.code = code

        def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
            agent = request.user_agent
            self.io_loop.add_callback(callback, HTTPResponse(request, self.code, reason=agent))

    client = Echo(force_instance=True, defaults={"user_agent": "from the defaults"})
    got = await client.fetch("http://x/")
    assert (got.code, got.reason, got.request.url) == (200, "from the defaults", "http://x/")
    assert client.fetch("http://x/").cancel()
    await asyncio.sleep(0)
    failing = Echo(force_instance=True, code=500)
    with pytest.raises(HTTPClientError, match="HTTP 500"):
        await failing.fetch("http://x/")
    assert (await failing.fetch("http://x/", raise_error=False)).code == 500
    async with failing.stream("http://x/", raise_error=False) as streamed:
        # It tells nothing of the header before the end.
        assert (streamed.code, await streamed.read()) == (500, b"")
    with pytest.raises(NotImplementedError, match="does not define fetch_impl"):
        await AsyncHTTPClient.fetch_impl(client, HTTPRequest("http://x/"), print)  # type: ignore[misc]


async def test_fetch_impl_takes_a_plain_request(simple: SimpleAsyncHTTPClient, peer: Peer) -> None:
    done: asyncio.Future[HTTPResponse] = asyncio.get_running_loop().create_future()
    simple.fetch_impl(HTTPRequest(peer.url()), done.set_result)
    assert (await done).body == b"ok"


@pytest.mark.parametrize("run", ["asyncio", "ioloop"])
def test_a_client_that_nobody_closes_ends_with_its_loop(run: str) -> None:
    async def fetch() -> None:
        peer = await Peer().start()
        client = AsyncHTTPClient()
        await client.fetch(peer.url())
        assert isinstance(client, SimpleAsyncHTTPClient)
        assert len(client._pool) == 1
        peer._server.close()
        for writer in peer.open:
            peer._tasks.clear()
            writer.transport.abort()

    async def fetch_and_keep() -> None:
        await asyncio.wait_for(fetch(), 10)

    if run == "asyncio":
        asyncio.run(fetch_and_keep())
    else:
        loop = IOLoop(make_current=False)
        loop.run_sync(fetch_and_keep)
        loop.close()
    gc.collect()


@pytest.mark.parametrize("implementation", [SimpleAsyncHTTPClient, CurlAsyncHTTPClient])
def test_a_fetch_may_begin_before_the_loop_runs(server: str, implementation: type[AsyncHTTPClient]) -> None:
    loop = IOLoop()
    try:
        client = implementation()
        future = client.fetch(f"{server}/early")

        async def wait() -> HTTPResponse:
            return await future

        assert loop.run_sync(wait).body == b"/early"
        client.close()
    finally:
        loop.close()


def test_connections_are_closed_at_the_end_of_the_loop() -> None:
    peers: list[Peer] = []

    async def fetch() -> None:
        peers.append(await Peer().start())
        await AsyncHTTPClient().fetch(peers[0].url())
        assert len(peers[0].open) == 1

    loop = asyncio.new_event_loop()
    loop.run_until_complete(fetch())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(peers[0].until_closed())
    loop.run_until_complete(peers[0].close())
    loop.close()


class Handler(BaseHTTPRequestHandler):
    """Python's own server."""

    def do_GET(self) -> None:
        """Answers with the path; 404 for /missing, nothing for /nothing."""
        if self.path == "/nothing":
            return
        body = self.path.encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X", "y")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stays silent."""


@pytest.fixture
def server() -> Iterator[str]:
    """A server in a thread, for who blocks."""
    with HTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()
        thread.join()


@pytest.mark.parametrize("implementation", [None, CurlAsyncHTTPClient])
def test_the_client_that_blocks(server: str, implementation: type[AsyncHTTPClient] | None) -> None:
    client = HTTPClient(implementation, defaults={"user_agent": "me"})
    assert client.fetch(f"{server}/a").body == b"/a"
    assert client.fetch(HTTPRequest(f"{server}/b")).body == b"/b"
    with pytest.raises(HTTPClientError, match="HTTP 404"):
        client.fetch(f"{server}/missing")
    assert client.fetch(f"{server}/missing", raise_error=False).code == 404
    client.close()
    client.close()
    with pytest.raises(RuntimeError):
        client.fetch(f"{server}/a")


def test_the_client_that_blocks_is_closed_when_it_is_forgotten(server: str) -> None:
    client = HTTPClient()
    client.fetch(f"{server}/a")
    del client
    gc.collect()


async def test_the_client_that_blocks_does_not_do_so_where_a_loop_runs() -> None:
    with pytest.raises(RuntimeError, match="Cannot run the event loop while another loop is running"):
        HTTPClient()


def test_an_argument_that_is_wrong_leaves_nothing_behind() -> None:
    with pytest.raises(TypeError):
        BlockingClient(nothing=1)


def test_the_command_line(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["x", "--print_headers", "--logging=none", f"{server}/a", f"{server}/missing"]
    )
    known = dict(options._options)
    try:
        main()
        printed = capsys.readouterr().out
        assert "X: y\n" in printed
        assert "/a\n" in printed
        assert "/missing\n" in printed
        options._options.clear()
        options._options.update(known)
        monkeypatch.setattr(sys, "argv", ["x", "--print_body=false", "--logging=none", "http://127.0.0.1:1/"])
        with pytest.raises(ConnectionRefusedError):
            main()
        assert capsys.readouterr().out == ""
        options._options.clear()
        options._options.update(known)
        monkeypatch.setattr(sys, "argv", ["x", "--print_body=false", f"{server}/a", f"{server}/nothing"])
        with pytest.raises(HTTPClientError, match="Stream closed"):
            main()
        assert capsys.readouterr().out == ""
    finally:
        options._options.clear()
        options._options.update(known)


def test_the_command_line_as_a_module(server: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "framework.httpclient", f"{server}/hello"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "/hello\n"


async def test_a_fetch_that_was_cancelled_may_still_be_answered(simple: AsyncHTTPClient, peer: Peer) -> None:
    future = simple.fetch(peer.will(HANG).url())
    deliver = future.deliver  # type: ignore[attr-defined]
    assert future.cancel()
    deliver(HTTPResponse(HTTPRequest("http://x/"), 200))
    assert future.cancelled()
