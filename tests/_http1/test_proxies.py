"""Which proxies are believed, and what they say."""

from __future__ import annotations

from typing import Any

import pytest

from framework._http1.proxies import ProxyTrust
from tests._http1.peer import Peer, get
from tests.fakes import FakeTransport


@pytest.mark.parametrize(
    ("peer", "believed"),
    [
        ("127.0.0.1", True),
        ("127.255.255.255", True),
        ("128.0.0.0", False),
        ("10.0.0.1", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.0.1", True),
        ("192.169.0.1", False),
        ("169.254.1.1", True),
        ("::1", True),
        ("::2", False),
        ("fd00::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("", True),
        ("nonsense", False),
    ],
)
def test_the_proxies_believed_unless_told_otherwise(peer: str, believed: bool) -> None:
    trust = ProxyTrust(enabled=True)
    for _ in range(2):
        assert trust.believes(peer) is believed
    assert not ProxyTrust().believes(peer)


def test_the_proxies_told() -> None:
    trust = ProxyTrust(True, ["203.0.113.7", "2001:db8::/32"])
    for _ in range(2):
        assert trust.believes("203.0.113.7")
        assert trust.believes("2001:db8::5")
        assert not trust.believes("203.0.113.8")
        assert not trust.believes("127.0.0.1")
    assert not ProxyTrust(True, []).believes("127.0.0.1")


@pytest.mark.parametrize("entry", ["localhost", "10.0.0.0/33", "10.0.0.1/8/8", ""])
def test_entries_that_are_no_addresses(entry: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        ProxyTrust(True, [entry])


def test_what_is_remembered_is_bounded() -> None:
    trust = ProxyTrust(True)
    for number in range(5000):
        trust.believes(f"10.0.{number // 250}.{number % 250}")
    assert len(trust._known) <= 1024
    assert trust.believes("10.0.0.1")


@pytest.mark.parametrize(
    ("real_ip", "forwarded_for", "expected"),
    [
        (None, None, "10.0.0.1"),
        ("1.2.3.4", None, "1.2.3.4"),
        (" 1.2.3.4 ", None, "1.2.3.4"),
        ("2001:db8::1", None, "2001:db8::1"),
        (None, "1.2.3.4", "1.2.3.4"),
        (None, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (None, "6.6.6.6, 1.2.3.4, 5.5.5.5", "1.2.3.4"),
        (None, "5.5.5.5", "5.5.5.5"),
        ("1.2.3.4", "6.6.6.6", "1.2.3.4"),
        ("nonsense", None, "10.0.0.1"),
        (None, "nonsense", "10.0.0.1"),
        (None, "1.2.3.4, nonsense", "10.0.0.1"),
        ("", "", "10.0.0.1"),
        ("1.2.3.4<script>", None, "10.0.0.1"),
        ("1.2.3.4:80", None, "10.0.0.1"),
    ],
)
def test_the_clients_address(real_ip: str | None, forwarded_for: str | None, expected: str) -> None:
    trust = ProxyTrust(True, trusted_downstream=["5.5.5.5"])
    assert trust.client_address("10.0.0.1", real_ip, forwarded_for) == expected


@pytest.mark.parametrize(
    ("x_scheme", "forwarded", "expected"),
    [
        (None, None, "http"),
        ("https", None, "https"),
        (None, "https", "https"),
        ("https", "http", "https"),
        (None, "http, https", "https"),
        (None, "https, http", "http"),
        ("HTTPS", None, "https"),
        ("gopher", None, "http"),
    ],
)
def test_the_clients_scheme(x_scheme: str | None, forwarded: str | None, expected: str) -> None:
    assert ProxyTrust.scheme("http", x_scheme, forwarded) == expected


LINES = (b"X-Real-Ip: 1.2.3.4", b"X-Scheme: https")


@pytest.mark.parametrize(
    ("address", "enabled", "expected"),
    [
        ("10.0.0.1", True, ("1.2.3.4", "https")),
        ("10.0.0.1", False, ("10.0.0.1", "http")),
        ("8.8.8.8", True, ("8.8.8.8", "http")),
    ],
)
async def test_nobody_on_the_internet_can_choose_an_address(
    address: str, enabled: bool, expected: tuple[str, str]
) -> None:
    peer = Peer(
        transport=FakeTransport(peername=(address, 5)), proxies=ProxyTrust(enabled, None, ["5.5.5.5"])
    )
    peer.send(get(b"/", *LINES))
    request = peer.service.seen[0]
    assert (request.remote_ip, request.protocol) == expected
    connection: Any = request.connection
    context = connection.context
    assert (context.remote_ip, context.protocol) == expected
    assert str(context) == expected[0]
    assert context.address == (address, 5)
    assert (context._orig_remote_ip, context._orig_protocol) == (address, "http")
    assert context.trusted_downstream == {"5.5.5.5"}


async def test_a_proxy_on_a_unix_socket() -> None:
    peer = Peer(transport=FakeTransport(peername=""), proxies=ProxyTrust(True))
    peer.send(get(b"/", *LINES), get(b"/"))
    assert [request.remote_ip for request in peer.service.seen] == ["1.2.3.4", "0.0.0.0"]


async def test_two_lines_of_one_header_are_one_list() -> None:
    peer = Peer(transport=FakeTransport(peername=("10.0.0.1", 5)), proxies=ProxyTrust(True))
    peer.send(get(b"/", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 1.2.3.4"))
    assert peer.service.seen[0].remote_ip == "1.2.3.4"
