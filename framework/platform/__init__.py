"""What ties the framework to a particular event loop or library."""

from __future__ import annotations

__all__: list[str] = []
