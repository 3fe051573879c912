"""What can go wrong when somebody signs in with a third party.

::

    AuthError                   refused, or answered with what makes no sense, or not to be believed
    └── ProviderError           the provider answered with an error status or not at all; an ``HTTPClientError``

No message holds a secret, a token or a code, so that all of them may be logged.
"""

from __future__ import annotations

from framework.httpclient.errors import HTTPClientError

__all__ = ["AuthError", "ProviderError"]


class AuthError(Exception):
    """A sign-in did not succeed: refused by the provider, not answered properly, or not to be believed."""


class ProviderError(AuthError, HTTPClientError):
    """The provider answered with an error status, or there was no answer (599).

    It is an `HTTPClientError` as well, with its ``code``, ``message`` and ``response``: that is what the
    requests to a provider have always raised.
    """
