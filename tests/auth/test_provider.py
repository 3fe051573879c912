"""Small things between the mixins and their provider."""

from __future__ import annotations

import pytest

from framework.auth.errors import ProviderError
from framework.auth.provider import ProviderClient, answer_of, handler_of, with_query
from framework.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse


@pytest.mark.parametrize(
    ("url", "arguments", "whole"),
    [
        ("http://h/p", [], "http://h/p"),
        ("http://h/p?", [], "http://h/p?"),
        ("http://h/p", [("a", "b c"), ("a", 1)], "http://h/p?a=b+c&a=1"),
        ("http://h/p?x=%20", [("ü", b"\xff")], "http://h/p?x=%20&%C3%BC=%FF"),
        ("http://h/p?x&", [("a", "b")], "http://h/p?x&a=b"),
    ],
)
def test_arguments_go_behind_those_that_are_there(
    url: str, arguments: list[tuple[str, object]], whole: str
) -> None:
    assert with_query(url, arguments) == whole


async def test_an_error_without_response_keeps_its_status() -> None:
    async def fetch() -> HTTPResponse:
        raise HTTPClientError(403)

    with pytest.raises(ProviderError, match=r"^HTTP 403: Forbidden: the provider refused a cake$") as caught:
        await answer_of(fetch(), "a cake")
    assert (caught.value.code, caught.value.response) == (403, None)


async def test_the_client_is_the_default_one() -> None:
    mixin = ProviderClient()
    assert mixin.get_auth_http_client() is AsyncHTTPClient()
    handler: object = handler_of(mixin)
    assert handler is mixin
