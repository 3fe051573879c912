"""The page at `/`."""

from __future__ import annotations

from demo_app.handlers.base import Handler

__all__ = ["HomeHandler"]


class HomeHandler(Handler):
    """`/`"""

    session_autoload = False

    def initialize(self, provider: str | None) -> None:
        """Take what the route table gives."""
        self.provider = provider

    def get_current_user(self) -> None:
        """The page is the same for all; what it knows of its visitor would have to be asked of a store."""
        return

    def get(self) -> None:
        """Show what there is."""
        self.response_html("index.html", provider=self.provider)
