"""The cookie jar (RFC 6265)."""

from __future__ import annotations

import time

import pytest

from framework.httpclient import CookieJar, cookies


def kept(url: str, *values: str) -> CookieJar:
    """A jar after a response."""
    jar = CookieJar()
    jar.store(url, values)
    return jar


def test_an_empty_jar() -> None:
    jar = CookieJar()
    assert (jar.header("http://x/"), len(jar), list(jar)) == (None, 0, [])


@pytest.mark.parametrize(
    ("set_by", "value", "asked", "sent"),
    [
        # The host itself, and nobody else.
        ("http://a.example/", "c=1", "http://a.example/x", "c=1"),
        ("http://a.example:81/", "c=1", "http://a.example:82/", "c=1"),
        ("http://a.example/", "c=1", "https://a.example/", "c=1"),
        ("http://a.example/", "c=1", "http://b.a.example/", None),
        ("http://a.example/", "c=1", "http://example/", None),
        # Domains.
        ("http://a.example.com/", "c=1; Domain=example.com", "http://b.example.com/", "c=1"),
        ("http://a.example.com/", "c=1; Domain=.EXAMPLE.com", "http://example.com/", "c=1"),
        ("http://a.example.com/", "c=1; Domain=example.com", "http://badexample.com/", None),
        ("http://a.example.com/", "c=1; Domain=", "http://b.example.com/", None),
        # Paths.
        ("http://x/a/b", "c=1", "http://x/a/c", "c=1"),
        ("http://x/a/b", "c=1", "http://x/a", "c=1"),
        ("http://x/a/b", "c=1", "http://x/", None),
        ("http://x/a/b", "c=1", "http://x/ab", None),
        ("http://x/a/b?/c/d", "c=1", "http://x/a/x", "c=1"),
        ("http://x/", "c=1; Path=/a", "http://x/a?b", "c=1"),
        ("http://x/", "c=1; Path=/a", "http://x/ab", None),
        ("http://x/", "c=1; Path=/a/", "http://x/a/b", "c=1"),
        ("http://x/", "c=1; Path=relative", "http://x/y", "c=1"),
        # Secure.
        ("https://x/", "c=1; Secure", "https://x/", "c=1"),
        ("https://x/", "c=1; Secure", "http://x/", None),
        # Addresses and names without dots.
        ("http://127.0.0.1/", "c=1; Domain=127.0.0.1", "http://127.0.0.1/", "c=1"),
        ("http://localhost/", "c=1; Domain=localhost", "http://localhost/", "c=1"),
        ("http://localhost/", "c=1; Domain=localhost", "http://a.localhost/", None),
        # Forms of values.
        ("http://x/", "c = a=b ", "http://x/", "c=a=b"),
        ("http://x/", 'c="q"', "http://x/", 'c="q"'),
        ("http://x/", "only", "http://x/", "only"),
        ("http://x/", "c=", "http://x/", "c="),
        ("http://x/", "c=1; HttpOnly; SameSite=Lax; Unknown=x", "http://x/", "c=1"),
        # Times.
        ("http://x/", "c=1; Max-Age=100", "http://x/", "c=1"),
        ("http://x/", "c=1; Max-Age=0", "http://x/", None),
        ("http://x/", "c=1; Max-Age=-1", "http://x/", None),
        ("http://x/", "c=1; Max-Age=soon", "http://x/", "c=1"),
        ("http://x/", "c=1; Max-Age=" + "9" * 100, "http://x/", "c=1"),
        ("http://x/", "c=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://x/", None),
        ("http://x/", "c=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "http://x/", "c=1"),
        ("http://x/", "c=1; Expires=whenever", "http://x/", "c=1"),
        ("http://x/", "c=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://x/", "c=1"),
        ("http://x/", "c=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9", "http://x/", "c=1"),
        # Prefixes.
        ("https://x/", "__Secure-c=1; Secure", "https://x/", "__Secure-c=1"),
        ("https://x/", "__Host-c=1; Secure; Path=/", "https://x/", "__Host-c=1"),
    ],
)
def test_who_gets_a_cookie_back(set_by: str, value: str, asked: str, sent: str | None) -> None:
    assert kept(set_by, value).header(asked) == sent


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("http://a.example.com/", "c=1; Domain=b.example.com"),
        ("http://a.example.com/", "c=1; Domain=sub.a.example.com"),
        ("http://a.example.com/", "c=1; Domain=com"),
        ("http://1.2.3.4/", "c=1; Domain=3.4"),
        ("http://x/", "c=1; Secure"),
        ("http://x/", ""),
        ("http://x/", "=; Path=/"),
        ("http://x/", "c=a\x00b"),
        ("http://x/", "c=a\rb"),
        ("http://x/", "c=" + "x" * 5000),
        ("https://x/", "__Secure-c=1"),
        ("https://x/", "__Host-c=1; Secure"),
        ("https://x/", "__Host-c=1; Secure; Path=/a"),
        ("https://x.example.com/", "__Host-c=1; Secure; Path=/; Domain=example.com"),
    ],
)
def test_what_may_not_be_set(url: str, value: str) -> None:
    assert len(kept(url, value)) == 0


def test_order_replacement_and_removal() -> None:
    jar = kept("http://x/a/b/c", "one=1; Path=/", "two=2; Path=/a/b", "three=3; Path=/")
    assert jar.header("http://x/a/b/c") == "two=2; one=1; three=3"
    jar.store("http://x/a/b/c", ["one=new; Path=/"])
    assert jar.header("http://x/a/b/c") == "two=2; one=new; three=3"
    jar.store("http://x/", ["one=; Max-Age=0"])
    assert jar.header("http://x/") == "three=3"
    assert [repr(cookie) for cookie in jar] == ["<Cookie two of x/a/b>", "<Cookie three of x/>"]
    jar.clear()
    assert len(jar) == 0


def test_a_cookie_whose_time_is_over_goes() -> None:
    jar = kept("http://x/", "a=1", "b=2; Max-Age=1000")
    for cookie in jar:
        if cookie.name == "b":
            cookie.expires = time.time() - 1
    assert jar.header("http://x/") == "a=1"
    assert len(jar) == 1


def test_the_jar_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cookies, "_PER_DOMAIN", 3)
    monkeypatch.setattr(cookies, "_IN_ALL", 5)
    jar = kept("http://x/", *[f"c{number}=1" for number in range(10)])
    assert [cookie.name for cookie in jar] == ["c7", "c8", "c9"]
    for host in "abcdef":
        jar.store(f"http://{host}/", ["c=1"])
    assert len(jar) == 5
    assert jar.header("http://f/") == "c=1"
    assert jar.header("http://x/") is None
