"""Actions: what one handler does under many names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framework import web

Action = Callable[[Any], Any]
actions: dict[str, Action] = {}


def action(function: Action) -> Action:
    """Answers ``/do/NAME``."""
    actions[function.__name__] = function
    return function


class Do(web.RequestHandler):
    """Runs one action, whatever the method."""

    def get(self, name: str) -> Any:
        return actions[name](self)

    head = post = put = patch = delete = options = get


def tell(handler: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Writes what a call returns or raises."""
    try:
        handler.write(f"{function(*args, **kwargs)!r}\n")
    except web.HTTPError as error:
        handler.write(f"{type(error).__name__}: {error}\n")
    except Exception:
        # The words of other errors, and what kind of mistake in a program one is, are each package's affair.
        handler.write("error\n")
