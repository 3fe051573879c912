"""An OpenID Connect provider: the one of the deployment, which is Authlib's."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from tests.servers.process import ServerProcess

__all__ = ["ProviderServer"]

PROGRAM = Path(__file__).resolve().parents[2] / "deploy" / "provider" / "provider.py"


class ProviderServer(ServerProcess):
    """`deploy/provider/provider.py`.

    Args:
        redirect_uri: where it takes people back to.
        path: of its issuer.
    """

    name = "provider"

    def __init__(self, redirect_uri: str, path: str = "/provider", *, shared: bool = True) -> None:
        super().__init__(shared=shared)
        self.issuer = f"http://{self.host}:{self.port}{path}"
        self.redirect_uri = redirect_uri
        self.client_id = "demo"
        self.client_secret = secrets.token_urlsafe(32)
        self.password = secrets.token_urlsafe(12)

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-W", "error", str(PROGRAM)]

    def environment(self) -> dict[str, str]:
        """Return the whole environment."""
        return {
            "PROVIDER_ISSUER": self.issuer,
            "PROVIDER_PORT": str(self.port),
            "PROVIDER_CLIENT_ID": self.client_id,
            "PROVIDER_CLIENT_SECRET": self.client_secret,
            "PROVIDER_REDIRECT_URI": self.redirect_uri,
            "PROVIDER_PASSWORD": self.password,
        }
