"""What a header must satisfy beyond what the parser sees to."""

from __future__ import annotations

import httptools
import pytest

from framework._http1.framing import Refused, check_host_line, check_transfer_encoding, header_bytes


@pytest.mark.parametrize("host", [b"x", b"", b"a.example:80", b"[::1]:8000", b"127.0.0.1", b"a_b", b"%41"])
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_good_hosts(version: str, host: bytes) -> None:
    check_host_line(version, host)


@pytest.mark.parametrize(
    "host", [b"a b", b"a/b", b"a,b", b"a@b", b"a\\b", b"a?b", b"a#b", b"<a>", b"\xe9", [b"a", b"a"]]
)
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_bad_hosts(version: str, host: bytes | list[bytes]) -> None:
    with pytest.raises(Refused) as caught:
        check_host_line(version, host)
    assert caught.value.status == 400


def test_only_http_1_0_may_go_without_a_host() -> None:
    check_host_line("HTTP/1.0", None)
    with pytest.raises(Refused, match="no Host line"):
        check_host_line("HTTP/1.1", None)


@pytest.mark.parametrize(
    ("version", "value", "status"),
    [
        ("HTTP/1.1", b"chunked", None),
        ("HTTP/1.1", b"Chunked", None),
        ("HTTP/1.1", b"gzip, chunked", 501),
        ("HTTP/1.1", b"identity", 501),
        ("HTTP/1.1", b"", 501),
        ("HTTP/1.1", [b"chunked", b"chunked"], 501),
        ("HTTP/1.0", b"chunked", 400),
    ],
)
def test_transfer_codings(version: str, value: bytes | list[bytes], status: int | None) -> None:
    if status is None:
        check_transfer_encoding(version, value)
        return
    with pytest.raises(Refused) as caught:
        check_transfer_encoding(version, value)
    assert caught.value.status == status


def test_a_header_written_again_is_the_same() -> None:
    class Fields:
        """Notes what the parser finds."""

        def __init__(self) -> None:
            self.found: list[tuple[bytes, bytes]] = []
            self.target = b""

        def on_header(self, name: bytes, value: bytes) -> None:
            """Note it."""
            self.found.append((name, value))

        def on_url(self, url: bytes) -> None:
            """Note it."""
            self.target += url

    fields = Fields()
    parser = httptools.HttpRequestParser(fields)
    parser.feed_data(header_bytes(b"GET", b"/a?b", "HTTP/1.0", {b"host": b"x", b"a": [b"1", b"", b"2 3"]}))
    assert fields.target == b"/a?b"
    assert fields.found == [(b"host", b"x"), (b"a", b"1"), (b"a", b""), (b"a", b"2 3")]
    assert parser.get_http_version() == "1.0"
