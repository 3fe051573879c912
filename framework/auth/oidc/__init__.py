"""Sign-in with OpenID Connect 1.0, as providers want it today: see `OpenIDConnectMixin`."""

from framework.auth.oidc.errors import ProviderUnavailable, SignInRefused
from framework.auth.oidc.mixin import OpenIDConnectMixin, OpenIDUser, local_path
from framework.auth.oidc.provider import OpenIDProvider, OpenIDTokens

__all__ = [
    "OpenIDConnectMixin",
    "OpenIDProvider",
    "OpenIDTokens",
    "OpenIDUser",
    "ProviderUnavailable",
    "SignInRefused",
    "local_path",
]
