"""What a class says to mypyc, for the optional build that compiles some of the modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["mypyc_attr"]

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:
    T = TypeVar("T")

    def mypyc_attr(**attributes: Any) -> Callable[[T], T]:
        """Says nothing at all to Python."""
        return lambda cls: cls
