"""TLS on streams: handshakes that succeed and fail, data, ends, and `start_tls`."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import Any

import pytest

from framework.iostream import IOStream, SSLIOStream, StreamClosedError
from framework.iostream.sockets import _peer
from framework.netutil import ssl_wrap_socket
from tests.streams import Ends, closed_port, ends, real_error, turns, until

__all__ = ["ends"]

pytestmark = pytest.mark.both_loops

Certificate = tuple[str, str]


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """That of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def client_context(certificate: Certificate) -> ssl.SSLContext:
    """That of a client which trusts it."""
    return ssl.create_default_context(cafile=certificate[0])


def server_stream(ends: Ends, sock: socket.socket, certificate: Certificate) -> SSLIOStream:
    """A stream on a socket that was accepted."""
    wrapped = ssl_wrap_socket(
        sock, server_context(certificate), server_side=True, do_handshake_on_connect=False
    )
    return ends.keep(SSLIOStream(wrapped))  # type: ignore[no-any-return]


def both(
    ends: Ends, certificate: Certificate, options: Any = "trusting", host: str | None = "localhost"
) -> tuple[SSLIOStream, SSLIOStream, asyncio.Future[SSLIOStream]]:
    """Client, server, and what the client's connect returns."""
    chosen = client_context(certificate) if options == "trusting" else options
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = ends.keep(SSLIOStream(ends.keep(socket.socket()), ssl_options=chosen))
        connected = client.connect(listening.getsockname(), server_hostname=host)
        accepted, _ = listening.accept()
    return client, server_stream(ends, ends.keep(accepted), certificate), connected


async def test_talking(ends: Ends, certificate: Certificate) -> None:
    client, server, connected = both(ends, certificate)
    shaken = server.wait_for_handshake()
    with pytest.raises(RuntimeError, match="Already waiting"):
        server.wait_for_handshake()
    assert await connected is client
    assert await shaken is server
    assert server.wait_for_handshake().result() is server
    assert client.socket.getpeercert()["subject"] == ((("commonName", "localhost"),),)  # type: ignore[attr-defined]
    await client.write(b"hello\nmore")
    assert await server.read_until(b"\n") == b"hello\n"
    target = bytearray(4)
    assert await server.read_into(target) == 4
    assert target == b"more"
    rest = server.read_until_close()
    await server.write(b"bye\n")
    assert await client.read_until(b"\n") == b"bye\n"
    await client.write(b"last words")
    client.close()
    assert await rest == b"last words"
    assert server.error is None
    assert await real_error(client.wait_for_handshake()) is None


async def test_reads_and_writes_wait_for_the_handshake(ends: Ends, certificate: Certificate) -> None:
    client, server, _ = both(ends, certificate)
    read = server.read_bytes(5)
    await client.write(b"early")
    assert await read == b"early"


async def test_much_data(ends: Ends, certificate: Certificate) -> None:
    client, server, _ = both(ends, certificate)
    data = bytes(range(256)) * 20_000
    for sender, receiver in ((client, server), (server, client)):
        written = [sender.write(data), sender.write(memoryview(data)), sender.write(b"x")]
        assert await receiver.read_bytes(len(data)) == data
        target = bytearray(len(data))
        assert await receiver.read_into(target) == len(data)
        assert target == data
        assert await receiver.read_bytes(1) == b"x"
        await asyncio.gather(*written)


async def test_what_is_decrypted_already_is_not_waited_for(ends: Ends, certificate: Certificate) -> None:
    client, server, connected = both(ends, certificate)
    server.read_chunk_size = 10
    await connected
    # One record.
    await client.write(b"x" * 1000)
    assert await server.read_bytes(1000) == b"x" * 1000


@pytest.mark.parametrize(
    ("options", "host", "reason"),
    [
        (None, "localhost", "certificate verify failed"),
        ({}, "localhost", "certificate verify failed"),
        ("trusting", "other.example", "Hostname mismatch"),
    ],
)
async def test_a_certificate_that_is_not_trusted(
    ends: Ends,
    certificate: Certificate,
    caplog: pytest.LogCaptureFixture,
    options: Any,
    host: str,
    reason: str,
) -> None:
    client, server, connected = both(ends, certificate, options, host)
    shaken = server.wait_for_handshake()
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        await connected
    with pytest.raises(ssl.SSLError, match="alert"):
        await shaken
    assert isinstance(client.error, ssl.SSLCertVerificationError)
    assert isinstance(server.error, ssl.SSLError)
    assert "SSL Error on" in caplog.messages[0]
    assert isinstance(await real_error(client.wait_for_handshake()), ssl.SSLError)


async def test_options_as_a_dict(ends: Ends, certificate: Certificate) -> None:
    for options in ({"cert_reqs": ssl.CERT_NONE}, {"ca_certs": certificate[0]}):
        client, _, connected = both(ends, certificate, options)
        assert await connected is client


async def test_a_host_that_is_not_named_cannot_be_checked(
    ends: Ends, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    _, server, connected = both(ends, certificate, host=None)
    shaken = server.wait_for_handshake()
    with pytest.raises(ValueError, match="server_hostname"):
        await connected
    assert "TLS cannot be begun" in caplog.text
    with pytest.raises(ssl.SSLEOFError):
        await shaken


async def test_a_refused_connection(ends: Ends) -> None:
    taken, address = closed_port()
    ends.keep(taken)
    client = ends.keep(SSLIOStream(socket.socket()))
    assert isinstance(await real_error(client.connect(address)), ConnectionRefusedError)


@pytest.mark.parametrize("gone", [False, True])
async def test_a_client_that_speaks_no_tls(
    ends: Ends, certificate: Certificate, caplog: pytest.LogCaptureFixture, gone: bool
) -> None:
    caplog.set_level(logging.INFO)
    first, other = ends.sockets()
    server = server_stream(ends, first, certificate)
    called: list[int] = []
    server.set_close_callback(lambda: called.append(1))
    read = server.read_bytes(1)
    if gone:
        other.close()
    else:
        other.send(b"GET / HTTP/1.0\r\n\r\n")
    assert isinstance(await real_error(read), ssl.SSLError)
    await turns()
    assert called == [1]
    # One that leaves is nothing to write home about.
    assert len(caplog.messages) == (0 if gone else 1)


async def test_closing_in_the_handshake(ends: Ends, certificate: Certificate) -> None:
    client, server, connected = both(ends, certificate)
    shaken = server.wait_for_handshake()
    server.close()
    client.close()
    assert await real_error(shaken) is None
    assert await real_error(connected) is None
    await turns()


async def test_the_end_is_said(ends: Ends, certificate: Certificate) -> None:
    # Without a word an end could be somebody else's doing: `suppress_ragged_eofs` would let it pass.
    reader, writer = await asyncio.open_connection(
        *await once(ends, certificate, b"all of it"),
        ssl=client_context(certificate),
        server_hostname="localhost",
    )
    assert await reader.read() == b"all of it"
    writer.close()
    await writer.wait_closed()


async def once(ends: Ends, certificate: Certificate, data: bytes) -> tuple[str, int]:
    """The address of a server that sends something to one client and closes."""
    listening = ends.keep(socket.create_server(("127.0.0.1", 0)))
    listening.setblocking(False)

    async def serve() -> None:
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        stream = server_stream(ends, accepted, certificate)
        await stream.write(data)
        stream.close()

    ends.keep(_Task(asyncio.ensure_future(serve())))
    address: tuple[str, int] = listening.getsockname()
    return address


class _Task:
    def __init__(self, task: asyncio.Task[None]) -> None:
        self.task = task

    def close(self) -> None:
        """It must have ended by now."""
        assert self.task.done()
        self.task.result()


# -- start_tls


async def test_start_tls(ends: Ends, certificate: Certificate) -> None:
    first, second = ends.streams(max_buffer_size=1234, read_chunk_size=100, max_write_buffer_size=500)
    called: list[int] = []
    first.set_close_callback(lambda: called.append(1))
    serving = first.start_tls(True, server_context(certificate))
    asking = second.start_tls(False, client_context(certificate), server_hostname="localhost")
    client, server = ends.keep(await asking, await serving)
    assert isinstance(client, SSLIOStream)
    assert (client.max_buffer_size, client.read_chunk_size, client.max_write_buffer_size) == (1234, 100, 500)
    await client.write(b"hi")
    assert await server.read_bytes(2) == b"hi"
    for old in (first, second):
        assert old.socket is None
        with pytest.raises(StreamClosedError):
            old.write(b"x")
    with pytest.raises(ValueError, match="TLS already"):
        client.start_tls(False)
    client.close()
    await until(lambda: called)


async def test_start_tls_with_defaults_checks(ends: Ends, certificate: Certificate) -> None:
    first, second = ends.streams()
    serving = first.start_tls(True, {"certfile": certificate[0], "keyfile": certificate[1]})
    asking = second.start_tls(False, server_hostname="localhost")
    for future in (asking, serving):
        with pytest.raises(ssl.SSLError):
            await future


async def test_start_tls_needs_an_idle_stream(ends: Ends, certificate: Certificate) -> None:
    reading, _ = ends.stream()
    reading.read_bytes(1)
    writing, _ = ends.stream()
    writing.write(bytes(5_000_000))
    unread, other = ends.stream()
    other.send(b"x\ny")
    await unread.read_until(b"\n")
    closed, _ = ends.stream()
    closed.close()
    for stream in (reading, writing, unread, closed):
        with pytest.raises(ValueError, match="IOStream is not idle; cannot convert to SSL"):
            stream.start_tls(True, server_context(certificate))


async def test_what_comes_before_start_tls_is_left_for_it(ends: Ends, certificate: Certificate) -> None:
    server, client = ends.streams()
    greeting = asyncio.ensure_future(server.read_until(b"\n"))
    await client.write(b"STARTTLS\n")
    await greeting
    asking = client.start_tls(False, client_context(certificate), server_hostname="localhost")
    # The client's hello is there before anybody looks at it.
    await turns()
    serving = server.start_tls(True, server_context(certificate))
    ends.keep(await asking, await serving)


async def test_start_tls_that_cannot_begin(ends: Ends, certificate: Certificate) -> None:
    stream, _ = ends.stream()
    with pytest.raises(ValueError, match="bogus"):
        stream.start_tls(True, {"bogus": 1})
    assert not stream.closed()
    with pytest.raises(ValueError, match="server_hostname"):
        stream.start_tls(False, client_context(certificate))
    assert stream.closed()


async def test_a_cancelled_start_tls_closes(ends: Ends, certificate: Certificate) -> None:
    stream, other = ends.stream()
    stream.start_tls(True, server_context(certificate)).cancel()
    await until(lambda: _gone(other))


def _gone(sock: socket.socket) -> bool:
    try:
        return sock.recv(100) == b""
    except BlockingIOError:
        return False


# -- TLS that has to do one thing in order to do the other


class Contrary(ssl.SSLSocket):
    """A socket that now and then wants to send before it receives, and the other way round."""

    contrary = 0

    def recv(self, *args: Any) -> bytes:
        """Want room first."""
        self._want(ssl.SSLWantWriteError)
        return super().recv(*args)

    def recv_into(self, *args: Any) -> int:
        """Want room first."""
        self._want(ssl.SSLWantWriteError)
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        """Want data first."""
        self._want(ssl.SSLWantReadError)
        return super().send(*args)

    def do_handshake(self, *args: Any) -> None:
        """Want room first."""
        self._want(ssl.SSLWantWriteError)
        super().do_handshake(*args)

    def _want(self, error: type[ssl.SSLError]) -> None:
        self.contrary += 1
        if self.contrary % 2:
            raise error


async def test_contrary_directions(ends: Ends, certificate: Certificate) -> None:
    first, second = ends.streams()
    context = server_context(certificate)
    context.sslsocket_class = Contrary
    serving = first.start_tls(True, context)
    asking = second.start_tls(False, client_context(certificate), server_hostname="localhost")
    client, server = ends.keep(await asking, await serving)
    read = server.read_bytes(5)
    await client.write(b"hello")
    assert await read == b"hello"
    target = bytearray(5)
    into = server.read_into(target)
    await client.write(b"again")
    assert await into == 5
    written = server.write(b"answer")
    # It wants to hear something first.
    await client.write(b"x")
    assert await client.read_bytes(6) == b"answer"
    await written
    assert await server.read_bytes(1) == b"x"


def test_whom_one_talks_to() -> None:
    with socket.socket() as sock:
        assert _peer(sock) == "(not connected)"


def test_plain_streams_have_no_handshake() -> None:
    assert not hasattr(IOStream, "wait_for_handshake")
