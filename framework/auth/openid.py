"""OpenID 2: the redirect to the provider, and asking it whether the answer that came back is its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from framework.auth import openid_messages as messages
from framework.auth.errors import AuthError
from framework.auth.nonces import NonceMemory
from framework.auth.provider import ProviderClient, answer_of, handler_of
from framework.httpclient import AsyncHTTPClient
from framework.httputil import url_concat

__all__ = ["OpenIdMixin"]

# Those of this process; a provider answers "valid" for each only once, whichever process asks.
_nonces = NonceMemory()

_is_valid = re.compile(rb"^is_valid:true\r?$", re.MULTILINE).search


class OpenIdMixin(ProviderClient):
    """Sign-in by OpenID 2, for a handler of one provider.

    A subclass says where the provider is, by ``_OPENID_ENDPOINT``. Its handler calls `authenticate_redirect`
    and, when the provider has sent the user back with ``openid.mode`` in the query, `get_authenticated_user`.

    Who the user is, is what this one provider says: no other is asked or believed.
    """

    _OPENID_ENDPOINT: str

    def authenticate_redirect(
        self,
        callback_uri: str | None = None,
        ax_attrs: Sequence[str] = ("name", "email", "language", "username"),
    ) -> None:
        """Sends the user to the provider, and ends the request.

        :arg callback_uri: where the user shall come back to, relative to this page; this page unless given.
        :arg ax_attrs: what to ask the provider for by Attribute Exchange, among these four names.
        """
        handler = handler_of(self)
        callback = callback_uri or handler.request.uri or "/"
        handler.redirect(url_concat(self._OPENID_ENDPOINT, self._openid_args(callback, ax_attrs)))

    async def get_authenticated_user(self, http_client: AsyncHTTPClient | None = None) -> dict[str, Any]:
        """The user whom the provider has sent back to us.

        A dict with ``claimed_id``, the user's identifier, and what the provider says besides: ``email``,
        ``name``, ``first_name``, ``last_name``, ``username``, ``locale``. What it says without signing it is
        left out.

        :arg http_client: for asking the provider; `get_auth_http_client` otherwise.

        Raises `AuthError` if the user has declined, or the answer is not the provider's, not for this page, too
        old or used before.
        """
        arguments = {name: values[-1] for name, values in handler_of(self).request.arguments.items()}
        answer = messages.Assertion(arguments)
        answer.check()
        return_to = answer.get("return_to")
        if return_to is not None and not self.check_openid_return_to(return_to):
            raise AuthError("Invalid OpenID response: it is meant for another page (openid.return_to)")
        arguments["openid.mode"] = b"check_authentication"
        client = http_client or self.get_auth_http_client()
        asked = client.fetch(self._OPENID_ENDPOINT, method="POST", body=urlencode(arguments))
        body = (await answer_of(asked, "a check of its OpenID response")).body
        if not _is_valid(body):
            raise AuthError(f"Invalid OpenID response: {body[:200]!r}")
        nonce = answer.get("response_nonce")
        if nonce is not None:
            _nonces.use(self._OPENID_ENDPOINT, nonce)
        return answer.user()

    def check_openid_return_to(self, return_to: str) -> bool:
        """Whether an answer that is meant for an address is for this page (OpenID 2 section 11.1).

        That is so if host and path are those of the request, and all arguments in it are the request's as well.
        Override it if the server stands behind a proxy that changes host or path.
        """
        request = handler_of(self).request
        try:
            parts = urlsplit(return_to)
        except ValueError:
            return False
        # The scheme can't be told where TLS ends at a proxy. Nobody else has this host with another one.
        port = ":443" if parts.scheme == "https" else ":80"
        if parts.netloc.lower().removesuffix(port) != request.host.lower().removesuffix(port):
            return False
        # The browser encodes what the application may have left as it was.
        if unquote(parts.path or "/") != unquote(request.path):
            return False
        asked = set(parse_qsl(parts.query, keep_blank_values=True))
        return asked.issubset(parse_qsl(request.query, keep_blank_values=True))

    def _openid_args(
        self, callback_uri: str, ax_attrs: Sequence[str] = (), oauth_scope: str | None = None
    ) -> dict[str, str]:
        request = handler_of(self).request
        url = urljoin(request.full_url(), callback_uri)
        return messages.request_arguments(url, ax_attrs, request.host.partition(":")[0], oauth_scope)
