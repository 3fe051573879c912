"""The error of this package."""

from __future__ import annotations

__all__ = ["BenchmarkError"]


class BenchmarkError(Exception):
    """A benchmark could not be made, or its answers were not what they should be."""
