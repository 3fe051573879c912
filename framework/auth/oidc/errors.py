"""What can go wrong in a sign-in with OpenID Connect.

    AuthError                     the answer is not for us, not whole, or not to be believed
    ├── ProviderUnavailable       the provider is not reached in time, or answers what can't be used
    └── SignInRefused             the provider says that there is to be no sign-in

No message holds a code, a token, a secret or text that the provider or a visitor chose.
"""

from __future__ import annotations

from framework.auth.errors import AuthError

__all__ = ["ProviderUnavailable", "SignInRefused"]

# RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core 1.0 section 3.1.2.6.
_MEANINGS = {
    "access_denied": "the sign-in was refused or given up at the provider",
    "account_selection_required": "the provider needs its user to choose an account",
    "consent_required": "the provider needs its user's consent",
    "interaction_required": "the provider has to ask its user something",
    "invalid_client": "the provider does not accept this application's credentials",
    "invalid_grant": "the provider does not accept the code or the refresh token (any longer)",
    "invalid_request": "the provider does not understand the request",
    "invalid_scope": "the provider does not grant what was asked for",
    "login_required": "the provider needs its user to log in",
    "server_error": "the provider has failed",
    "temporarily_unavailable": "the provider is not available at the moment",
    "unauthorized_client": "the provider does not let this application ask for that",
    "unsupported_grant_type": "the provider does not know this kind of grant",
    "unsupported_response_type": "the provider does not know this kind of response",
}


class ProviderUnavailable(AuthError):
    """The provider is not reached in time, or answers something that can't be used. Another try may succeed."""


class SignInRefused(AuthError):
    """The provider answered with an error.

    Args:
        error: the error's code as the provider sent it; one that no specification has becomes `"unknown"`.
    """

    def __init__(self, error: str) -> None:
        self.error = error if error in _MEANINGS else "unknown"
        super().__init__(_MEANINGS.get(error, "the provider answered with an error") + f" ({self.error})")
