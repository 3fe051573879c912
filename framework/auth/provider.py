"""Requests to a provider, and reading what it answers. All that goes wrong there becomes an `AuthError` here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlencode

from framework.auth.errors import AuthError, ProviderError
from framework.escape import json_decode
from framework.httpclient import AsyncHTTPClient, HTTPResponse
from framework.httpclient.errors import HTTPClientError
from framework.httputil import responses

if TYPE_CHECKING:
    from framework.web.handler import RequestHandler

__all__ = ["ProviderClient", "answer_of", "fields_of", "handler_of", "json_of", "object_of", "with_query"]

# Far more than any provider's answer has.
_MAX_FIELDS = 1000

# The error codes of RFC 6749 section 5.2 and those that providers add. Anything longer or odder could be
# something that it would be wrong to log.
_is_error_code = re.compile(r"[a-z][a-z_]{1,60}", re.ASCII).fullmatch


class ProviderClient:
    """What all the mixins have in common: the HTTP client by which they speak with their provider."""

    def get_auth_http_client(self) -> AsyncHTTPClient:
        """The HTTP client for requests to the provider; override it for one with other settings."""
        return AsyncHTTPClient()


def handler_of(mixin: object) -> RequestHandler:
    """The handler that a mixin is part of."""
    return cast("RequestHandler", mixin)


def with_query(url: str, arguments: Iterable[tuple[str, Any]]) -> str:
    """A URL with arguments behind those that it has; what is there stays as it is."""
    added = urlencode(list(arguments))
    if not added:
        return url
    separator = "?" if "?" not in url else "" if url.endswith(("?", "&")) else "&"
    return url + separator + added


async def answer_of(asked: Awaitable[HTTPResponse], what: str) -> HTTPResponse:
    """What a provider answers to a fetch, if that is a success.

    :arg what: what was asked for, for the message: "a request token".

    Raises `ProviderError` for an error status and for no answer.
    """
    try:
        return await asked
    except HTTPClientError as error:
        raise _provider_error(error, what) from error
    except OSError as error:
        # Names that are not found, connections that are refused, certificates that are not trusted.
        raise ProviderError(599, f"The provider could not be asked for {what}: {error}") from error


def _provider_error(error: HTTPClientError, what: str) -> ProviderError:
    if error.code == 599:
        return ProviderError(error.code, f"The provider could not be asked for {what}: {error}")
    reason = responses.get(error.code, "Unknown")
    message = f"{reason}: the provider refused {what}{_error_code_in(error.response)}"
    return ProviderError(error.code, message, error.response)


def _error_code_in(response: HTTPResponse | None) -> str:
    if response is None:
        return ""
    try:
        code = json_decode(response.body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return f" ({code})" if isinstance(code, str) and _is_error_code(code) else ""


def json_of(response: HTTPResponse, what: str) -> Any:
    """The JSON of an answer. Raises `AuthError` if it is none."""
    try:
        return json_decode(response.body)
    except (ValueError, RecursionError):
        # Not with the error that it comes from: that one holds the text, with the tokens in it.
        raise AuthError(f"The provider's answer to a request for {what} is not JSON") from None


def object_of(response: HTTPResponse, what: str) -> dict[str, Any]:
    """The JSON object of an answer. Raises `AuthError` if it is none, or says that there was an error.

    Some providers answer with an error and status 200.
    """
    answer = json_of(response, what)
    if not isinstance(answer, dict):
        raise AuthError(f"The provider's answer to a request for {what} is not a JSON object")
    if answer.get("error"):
        raise AuthError(f"The provider refused {what}{_error_code_in(response)}")
    return answer


def fields_of(response: HTTPResponse, what: str) -> dict[str, str]:
    """The fields of an answer that is encoded like a form; the first of each name, without empty ones.

    Raises `AuthError` where ``oauth_token`` and ``oauth_token_secret`` are not among them.
    """
    found: dict[str, str] = {}
    try:
        for name, value in parse_qsl(response.body.decode(), max_num_fields=_MAX_FIELDS):
            found.setdefault(name, value)
    except ValueError:
        found.clear()
    for name in ("oauth_token", "oauth_token_secret"):
        if name not in found:
            raise AuthError(f"The provider's answer to a request for {what} has no {name}")
    return found
