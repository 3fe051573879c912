"""What stands for a user's browser, and the handlers that it visits."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from framework.auth import AuthError
from framework.httpclient import AsyncHTTPClient, HTTPResponse
from framework.web import RequestHandler

__all__ = ["Browser", "SignIn", "query_of"]


class Browser:
    """Goes to pages one at a time, keeps cookies, and shows redirects instead of following them."""

    def __init__(self, client: AsyncHTTPClient) -> None:
        self.client = client

    async def get(self, url: str, **arguments: Any) -> HTTPResponse:
        """A page."""
        return await self.client.fetch(url, raise_error=False, follow_redirects=False, **arguments)

    async def follow(self, url: str) -> HTTPResponse:
        """The page behind all redirects."""
        return await self.client.fetch(url, raise_error=False, max_redirects=10)


class SignIn(RequestHandler):
    """A page that answers with what came of its work: the result, or the error's type and text, as JSON."""

    async def work(self) -> Any:
        """What the page does."""
        raise NotImplementedError("a page of a test has something to do")

    async def get(self) -> None:
        try:
            result = await self.work()
        except AuthError as error:
            self.set_status(403)
            self.write({"error": type(error).__name__, "message": str(error)})
        else:
            # A redirect has ended the response.
            if not self._finished:
                self.write({"result": result})

    post = get


def query_of(url: str) -> dict[str, str]:
    """The arguments of a URL's query; each may be there once."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    found = dict(pairs)
    assert len(found) == len(pairs), url
    return found
