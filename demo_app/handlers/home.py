"""The page at `/`."""

from __future__ import annotations

from demo_app.handlers.base import Handler

__all__ = ["HomeHandler"]


class HomeHandler(Handler):
    """`/`"""

    session_autoload = False

    def get(self) -> None:
        """Show what there is."""
        self.response_html("index.html")
