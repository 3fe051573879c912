"""Requests that another site's page makes a browser send."""

from __future__ import annotations

import pytest

from demo_app.services.origin import is_cross_site


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_requests_that_change_nothing_may_come_from_anywhere(method: str) -> None:
    assert not is_cross_site(method, "x.org", "https://evil.example", "cross-site")


def test_programs_that_send_neither_header_may_post() -> None:
    assert not is_cross_site("POST", "x.org")
    assert not is_cross_site("POST", None)


@pytest.mark.parametrize(
    ("site", "refused"),
    [("same-origin", False), ("none", False), ("same-site", True), ("cross-site", True), ("nonsense", True)],
)
def test_fetch_metadata_decides_where_a_browser_sends_it(site: str, refused: bool) -> None:
    assert is_cross_site("POST", "x.org", "https://x.org", site) is refused
    assert is_cross_site("POST", "x.org", "https://evil.example", site) is refused


@pytest.mark.parametrize(
    ("origin", "host", "refused"),
    [
        ("https://x.org", "x.org", False),
        ("http://x.org", "X.org:80", False),
        ("https://x.org:443", "x.org", False),
        ("http://localhost:8080", "localhost:8080", False),
        ("http://[::1]:8080", "[::1]:8080", False),
        ("http://localhost:8080", "localhost:8081", True),
        ("https://evil.example", "x.org", True),
        ("https://x.org.evil.example", "x.org", True),
        ("https://x.org@evil.example", "x.org", True),
        ("null", "x.org", True),
        ("", "x.org", True),
        ("file://", "x.org", True),
        ("https://x.org", "", True),
        ("https://x.org", None, True),
        ("https://[x", "x.org", True),
        ("https://x.org:port", "x.org", True),
    ],
)
def test_older_browsers_say_only_their_origin(origin: str, host: str | None, refused: bool) -> None:
    assert is_cross_site("POST", host, origin) is refused
